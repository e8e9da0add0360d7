import { type Milliseconds, milliseconds } from '../core/brand.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { CancelTimer, Timers } from '../core/ports/timers.ts';
import type { KeyValueStore, Namespace } from '../storage/port.ts';

/** What was written, and by which tab. */
export type Journaled<T> = { readonly tab: string; readonly item: T };

/** Newest records of several tabs and lives, on disk. Nothing here rejects: what can't be kept is counted. */
export interface Journal<T> {
  append(item: T): void;
  /** Of all tabs, in order of writing as the clock told it. What waits here is not in it. */
  read(): Promise<readonly Journaled<T>[]>;
  /** Writes what waits: before the page is left. */
  flush(): Promise<void>;
  clear(): Promise<void>;
  /** Records that never reached the disk. */
  dropped(): number;
  /** Writes what waits, and no more after that. */
  close(): Promise<void>;
}

export type JournalDeps<T> = {
  readonly store: KeyValueStore;
  readonly clock: Clock;
  readonly timers: Timers;
  /** Different for each life of each tab. */
  readonly tab: string;
  /** `undefined` for what is no record: the disk may hold anything. */
  readonly parse: (value: unknown) => T | undefined;
};
export type JournalOptions = {
  readonly namespace: Namespace;
  /** Of text on the disk. Several tabs exceed it by what they write between two looks at the others' (`lookEvery` writes). */
  readonly maxBytes: number;
  readonly maxBatch: number;
  readonly maxWaiting: number;
  readonly writeEvery: Milliseconds;
  readonly lookEvery: number;
};
export const journalDefaults = {
  maxBytes: 2 * 1024 * 1024,
  maxBatch: 500,
  maxWaiting: 2_000,
  writeEvery: milliseconds(2_000),
  lookEvery: 32,
} as const;

/** Written by this version; chunks of others are neither read nor removed. */
const version = 1;
const longestPause = 64;
/** Clocks are put right by less than this; of several tabs one may have written a moment ago. */
const correctionMs = 60_000;

/**
 * One chunk per batch, under a key that begins with its time: a tab that is killed loses what waited, never what was
 * written, and no two tabs write the same key. When there is too much the oldest chunks go, whoever wrote them; those from a time
 * to come are older than all others, because the clock was set back since. A disk that refuses is asked less and less often.
 */
export const createJournal = <T>(deps: JournalDeps<T>, options: JournalOptions): Journal<T> => {
  const { store, clock, timers, tab, parse } = deps;
  const { namespace, maxBytes, maxBatch, maxWaiting, writeEvery, lookEvery } = options;
  let waiting: T[] = [];
  let bytesByKey: Map<string, number> | undefined;
  let cancel: CancelTimer | undefined;
  let chain: Promise<void> = Promise.resolve();
  let chunk = 0;
  let writes = 0;
  let lost = 0;
  let pause = 0;
  let refusals = 0;
  let closed = false;

  const later = () => {
    if (closed) return;
    cancel ??= timers.after(writeEvery, () => {
      cancel = undefined;
      if (pause > 0) {
        pause--;
        return later();
      }
      void flush();
    });
  };
  const flush = (): Promise<void> => {
    chain = chain.then(writeAll);
    return chain;
  };
  const writeAll = async (): Promise<void> => {
    while (waiting.length > 0) {
      const batch = waiting.slice(0, maxBatch);
      if (!(await write(batch))) return later();
      // More may have been pushed out of a full queue in the meantime.
      const written = new Set(batch);
      waiting = waiting.filter((item) => !written.has(item));
    }
  };
  const write = async (batch: readonly T[]): Promise<boolean> => {
    const key = [digits(clock.now(), 15), tab, digits(chunk++, 6)].join('/');
    try {
      const json = JSON.stringify(batch);
      const known = await look();
      await store.set(namespace, key, { v: version, json });
      known.set(key, json.length);
      await trim(known);
      refusals = 0;
      return true;
    } catch {
      refusals++;
      pause = Math.min(longestPause, 2 ** refusals);
      return false;
    }
  };
  /** What lies on the disk; the others' writes are seen now and then. */
  const look = async (): Promise<Map<string, number>> => {
    if (bytesByKey && writes++ % lookEvery !== lookEvery - 1) return bytesByKey;
    bytesByKey = new Map(
      (await store.entries(namespace)).flatMap(([key, value]) => {
        const json = textOf(value);
        return json === undefined ? [] : [[key, json.length] as const];
      }),
    );
    return bytesByKey;
  };
  const trim = async (known: Map<string, number>): Promise<void> => {
    let total = 0;
    for (const bytes of known.values()) total += bytes;
    const future = digits(clock.now() + correctionMs, 15);
    const isFuture = (key: string) => key > future;
    const sorted = [...known.keys()].sort();
    for (const key of [...sorted.filter(isFuture), ...sorted.filter((each) => !isFuture(each))]) {
      if (total <= maxBytes) return;
      await store.delete(namespace, key);
      total -= known.get(key) ?? 0;
      known.delete(key);
    }
  };

  return {
    append(item) {
      if (closed) {
        lost++;
        return;
      }
      waiting.push(item);
      if (waiting.length > maxWaiting) {
        lost++;
        waiting.shift();
      }
      later();
    },
    async read() {
      try {
        const entries = await store.entries(namespace);
        return entries.flatMap(([key, value]) => itemsOf(key.split('/')[1] ?? '', textOf(value), parse));
      } catch {
        return [];
      }
    },
    flush,
    async clear() {
      waiting = [];
      await flush();
      bytesByKey = undefined;
      await store.deletePrefix(namespace, '').catch(() => {});
    },
    dropped: () => lost,
    async close() {
      if (closed) return;
      closed = true;
      cancel?.();
      await flush();
      lost += waiting.length;
      waiting = [];
    },
  };
};

const textOf = (value: unknown): string | undefined => {
  if (typeof value !== 'object' || value === null || !('v' in value) || !('json' in value)) return undefined;
  return value.v === version && typeof value.json === 'string' ? value.json : undefined;
};

const itemsOf = <T>(
  tab: string,
  json: string | undefined,
  parse: (value: unknown) => T | undefined,
): readonly Journaled<T>[] => {
  if (json === undefined) return [];
  let items: unknown;
  try {
    items = JSON.parse(json);
  } catch {
    return [];
  }
  if (!Array.isArray(items)) return [];
  return items.flatMap((value) => {
    const item = parse(value);
    return item === undefined ? [] : [{ tab, item }];
  });
};

const digits = (value: number, length: number): string =>
  String(Math.max(0, Math.round(value))).padStart(length, '0');
