import type { LogEntry } from '../../../app/readModels.ts';
import type { LogLevel } from '../../../core/ports/telemetry.ts';

const order: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

export type LogFilter = {
  /** This level and everything more serious. */
  readonly level: LogLevel;
  readonly component: string | undefined;
  readonly search: string;
};

/** Newest first. */
export const filterLog = (entries: readonly LogEntry[], filter: LogFilter): readonly LogEntry[] => {
  const least = order.indexOf(filter.level);
  const search = filter.search.trim().toLowerCase();
  return entries
    .filter(
      (entry) =>
        order.indexOf(entry.level) >= least &&
        (filter.component === undefined || entry.component === filter.component) &&
        (search === '' || entryText(entry).toLowerCase().includes(search)),
    )
    .toReversed();
};

export const componentsOf = (entries: readonly LogEntry[]): readonly string[] =>
  [...new Set(entries.map((entry) => entry.component))].sort();

export const fieldsText = (entry: LogEntry): string =>
  Object.entries(entry.fields)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key}=${value}`)
    .join(' ');

const entryText = (entry: LogEntry): string => `${entry.component} ${entry.message} ${fieldsText(entry)}`;
