import { milliseconds } from '../../core/brand.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { Locks } from '../../core/ports/locks.ts';
import { silentTelemetry } from '../../core/ports/telemetry.ts';
import { err, fault, unwrap } from '../../core/result.ts';
import { createMemoryStore } from '../../storage/memory.ts';
import { type KeyValueStore, StorageError } from '../../storage/port.ts';
import { type AnalyticsDeps, type AnalyticsOptions, openAnalytics } from './analytics.ts';
import type { Analytics } from './types.ts';

/** A Monday at noon, on a whole hour. */
export const noon = Date.UTC(2026, 8, 21, 12);

export type TestClock = Clock & { set(now: number): void; advance(ms: number): void; jump(ms: number): void };
export const createTestClock = (start = noon): TestClock => {
  let now = start;
  let monotonic = 0;
  return {
    now: () => milliseconds(now),
    monotonic: () => milliseconds(monotonic),
    set(next) {
      monotonic += Math.max(0, next - now);
      now = next;
    },
    advance(ms) {
      now += ms;
      monotonic += ms;
    },
    /** Somebody sets the clock: no time passes. */
    jump(ms) {
      now += ms;
    },
  };
};

export const createTestLocks = (): Locks => {
  const held = new Set<string>();
  const take = (name: string) => {
    held.add(name);
    return () => void held.delete(name);
  };
  return {
    tryAcquire: async (name) => (held.has(name) ? undefined : take(name)),
    async acquire(name) {
      while (held.has(name)) await Promise.resolve();
      return take(name);
    },
  };
};

/** A tab that dies at its n-th use of the store: that use happens or not, and nothing is ever answered again. */
export const createMortalStore = (
  inner: KeyValueStore,
  dies: { readonly at: number; readonly afterDoing: boolean },
): KeyValueStore & { readonly died: Promise<void>; readonly uses: () => number } => {
  let uses = 0;
  let die = () => {};
  const died = new Promise<void>((resolve) => {
    die = resolve;
  });
  const use = async <Value>(work: () => Promise<Value>): Promise<Value> => {
    uses++;
    if (uses > dies.at) return new Promise<Value>(() => {});
    if (uses < dies.at) return work();
    if (dies.afterDoing) await work();
    die();
    return new Promise<Value>(() => {});
  };
  return {
    ...wrapStore(inner, use),
    died,
    uses: () => uses,
  };
};

/** A disk without room for more than so many records of a kind. */
export const createFullStore = (inner: KeyValueStore, isFull: () => boolean): KeyValueStore => ({
  ...inner,
  async set(namespace, key, value) {
    if (isFull() && key.startsWith('seg/')) throw new StorageError('full', 'no room left');
    return inner.set(namespace, key, value);
  },
});

const wrapStore = (
  inner: KeyValueStore,
  use: <Value>(work: () => Promise<Value>) => Promise<Value>,
): KeyValueStore => ({
  durable: inner.durable,
  get: (namespace, key) => use(() => inner.get(namespace, key)),
  set: (namespace, key, value) => use(() => inner.set(namespace, key, value)),
  delete: (namespace, key) => use(() => inner.delete(namespace, key)),
  entries: (namespace, prefix) => use(() => inner.entries(namespace, prefix)),
  deletePrefix: (namespace, prefix) => use(() => inner.deletePrefix(namespace, prefix)),
  close: () => inner.close(),
});

const noSqlite = async () => err(fault('storage', 'no SQLite in this test'));

export type TestTab = {
  readonly analytics: Analytics;
  /** As its timer would. */
  compact(): Promise<void>;
  readonly clock: TestClock;
  readonly store: KeyValueStore;
};
let tabs = 0;
/** Nothing happens by itself: tests flush and compact. */
export const openTab = async (
  given: Partial<AnalyticsDeps> & { readonly clock?: TestClock; readonly options?: AnalyticsOptions } = {},
): Promise<TestTab> => {
  const { options, ...deps } = given;
  const clock = given.clock ?? createTestClock();
  const store = given.store ?? createMemoryStore();
  const timers: { readonly period: number; readonly run: () => void }[] = [];
  const compactMs = 1_800_000;
  const analytics = await openAnalytics(
    {
      clock,
      timers: {
        after: () => () => {},
        every(period, run) {
          timers.push({ period, run });
          return () => {};
        },
      },
      telemetry: silentTelemetry,
      locks: createTestLocks(),
      source: `tab-${tabs++}`,
      sqlite: { write: noSqlite, read: noSqlite },
      gzip: {
        compress: async (bytes) => bytes,
        decompress: async (bytes) => ({ bytes }),
      },
      ...deps,
      store,
    },
    { compactMs, ...options },
  );
  return {
    analytics,
    clock,
    store,
    async compact() {
      for (const { period, run } of timers) if (period === compactMs) run();
      await analytics.flush();
    },
  };
};

/** What a range sums to, as its buckets say. */
export const sumOf = async (
  analytics: Analytics,
  key: string,
  from: number,
  to: number,
  maxBuckets: number,
): Promise<number> => {
  const range = unwrap(await analytics.query({ key, from, to, maxBuckets }));
  return range.buckets.reduce((sum, bucket) => sum + bucket.sum, 0);
};
