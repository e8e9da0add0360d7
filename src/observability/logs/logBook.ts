import { createStore, type Store } from '../../core/events.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { LogFields, LogLevel } from '../../core/ports/telemetry.ts';
import type { Journal } from '../journal.ts';
import { createLazyStore } from '../lazyStore.ts';
import { redact, redactFields } from '../redact.ts';
import { createFloodGate, type FloodOptions, floodDefaults } from './flood.ts';
import { matches } from './query.ts';
import type { LogEntry, LogLevels, LogQuery } from './types.ts';

export type LogBookOptions = {
  readonly keptEntries: number;
  readonly levels: LogLevels;
  readonly flood: FloodOptions;
};
export const logBookDefaults: LogBookOptions = {
  keptEntries: 1_000,
  levels: { default: 'info' },
  flood: floodDefaults,
};
export type LogDropReason = 'repeat' | 'flood';

export interface LogBook {
  log(level: LogLevel, component: string, message: string, fields?: LogFields): void;
  /** The newest of this tab, oldest first. */
  readonly entries: Store<readonly LogEntry[]>;
  readonly levels: Store<LogLevels>;
  /** `default` is for all that have none of their own. */
  setLevel(component: string, level: LogLevel): void;
  /** The newest that fit, oldest first: of this tab, of earlier ones, and of those beside it. */
  search(query: LogQuery): Promise<readonly LogEntry[]>;
  /** From now on every entry goes there too, beginning with those that are here. */
  keepIn(journal: Journal<LogEntry>, tab: string): void;
  dropped(): Readonly<Record<LogDropReason, number>>;
}

const ranks: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 };
const maxComponents = 100;

/** What the components of this tab say, in bounded memory and on its disk. Secrets are hidden before anything is kept. */
export const createLogBook = (
  deps: { readonly clock: Clock },
  options: Partial<LogBookOptions> = {},
): LogBook => {
  const { keptEntries, levels: initial, flood } = { ...logBookDefaults, ...options };
  const levels = createStore<LogLevels>({ default: 'info', ...initial });
  const gate = createFloodGate(flood);
  const dropped = { repeat: 0, flood: 0 };
  /** Up to twice as long as what is shown, so that shortening it is rare. */
  let kept: LogEntry[] = [];
  let sequence = 0;
  let disk: { readonly journal: Journal<LogEntry>; readonly tab: string } | undefined;
  const entries = createLazyStore<readonly LogEntry[]>(() => kept.slice(-keptEntries));

  const minimum = (component: string): LogLevel => {
    const now = levels.get();
    return (Object.hasOwn(now, component) ? now[component] : now['default']) ?? 'info';
  };
  const add = (level: LogLevel, component: string, message: string, fields: LogFields) => {
    const { traceId, spanId, ...rest } = redactFields(fields, maxFields);
    const entry: LogEntry = {
      sequence: sequence++,
      at: deps.clock.now(),
      level,
      component: redact(component),
      message: redact(message),
      fields: rest,
      traceId: idOf(traceId),
      spanId: idOf(spanId),
    };
    kept.push(entry);
    if (kept.length >= 2 * keptEntries) kept = kept.slice(-keptEntries);
    disk?.journal.append(entry);
    entries.touch();
  };
  const tellRepeated = () => {
    for (const { level, component, message, times } of gate.settle(deps.clock.monotonic()))
      add(level, component, message, { repeated: times });
  };

  return {
    entries,
    levels,
    log(level, component, message, fields = {}) {
      if (ranks[level] < ranks[minimum(component)]) return;
      tellRepeated();
      const admitted = gate.admit(level, component, message, deps.clock.monotonic());
      if (admitted === 'pass') add(level, component, message, fields);
      else dropped[admitted]++;
    },
    setLevel(component, level) {
      const now = levels.get();
      if (!Object.hasOwn(now, component) && Object.keys(now).length >= maxComponents) return;
      levels.set({ ...now, [component]: level });
    },
    async search(query) {
      tellRepeated();
      const oldest = kept[0]?.sequence ?? 0;
      const found = disk ? await disk.journal.read() : [];
      const elsewhere = found.flatMap(({ tab, item }) =>
        tab === disk?.tab && item.sequence >= oldest ? [] : [item],
      );
      return [...elsewhere, ...kept]
        .filter((entry) => matches(entry, query))
        .sort((a, b) => a.at - b.at || a.sequence - b.sequence)
        .slice(-clampLimit(query.limit));
    },
    keepIn(journal, tab) {
      disk = { journal, tab };
      for (const entry of kept) journal.append(entry);
    },
    dropped: () => ({ ...dropped }),
  };
};

const maxFields = 32;
/** `slice(-0)` would be all of them. */
const clampLimit = (limit: number): number => (limit >= 1 ? Math.min(Math.floor(limit), 100_000) : 1);
const idOf = (value: unknown): string | undefined =>
  typeof value === 'string' && value.length <= 32 ? value : undefined;
