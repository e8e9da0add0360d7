import type { LogEntry, LogLevels } from '../../../../app/telemetryView.ts';
import type { LogLevel } from '../../../../core/ports/telemetry.ts';

export const levelOrder: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

export type LogFilter = {
  /** This level and everything more serious. */
  readonly level: LogLevel;
  readonly component: string | undefined;
  readonly text: string;
  readonly traceId: string | undefined;
  /** Milliseconds back from now; undefined: all that is stored. */
  readonly backMs: number | undefined;
};
export const firstFilter: LogFilter = {
  level: 'info',
  component: undefined,
  text: '',
  traceId: undefined,
  backMs: undefined,
};

type Query = {
  readonly level: LogLevel;
  readonly component?: string;
  readonly text?: string;
  readonly traceId?: string;
  readonly from?: number;
  readonly limit: number;
};

/** The newest entries are at hand; whoever searches, or goes further back, asks what is stored. */
export const needsStore = ({ text, traceId, backMs }: LogFilter): boolean =>
  text.trim() !== '' || traceId !== undefined || backMs !== undefined;

export const queryOf = (filter: LogFilter, now: number, limit: number): Query => ({
  level: filter.level,
  ...(filter.component === undefined ? {} : { component: filter.component }),
  ...(filter.text.trim() === '' ? {} : { text: filter.text.trim() }),
  ...(filter.traceId === undefined ? {} : { traceId: filter.traceId }),
  ...(filter.backMs === undefined ? {} : { from: now - filter.backMs }),
  limit,
});

/** Of what is at hand: newest first. */
export const recentEntries = (
  entries: readonly LogEntry[],
  { level, component }: LogFilter,
): readonly LogEntry[] => {
  const least = levelOrder.indexOf(level);
  return newestFirst(
    entries.filter(
      (entry) =>
        levelOrder.indexOf(entry.level) >= least &&
        (component === undefined || entry.component === component),
    ),
  );
};

/** Sequences rise within a tab only: another tab's may be lower and later. */
export const newestFirst = (entries: readonly LogEntry[]): readonly LogEntry[] =>
  entries.toSorted((a, b) => b.at - a.at || b.sequence - a.sequence);

export const componentsOf = (entries: readonly LogEntry[], levels: LogLevels): readonly string[] =>
  [
    ...new Set([
      ...entries.map((entry) => entry.component),
      ...Object.keys(levels).filter((name) => name !== 'default'),
    ]),
  ].sort();

export const fieldsText = ({ fields }: Pick<LogEntry, 'fields'>): string =>
  Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key}=${value}`)
    .join(' ');
