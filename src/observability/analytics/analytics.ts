import { milliseconds } from '../../core/brand.ts';
import { sha256Hex } from '../../core/hash.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { Locks } from '../../core/ports/locks.ts';
import type { Telemetry } from '../../core/ports/telemetry.ts';
import type { Timers } from '../../core/ports/timers.ts';
import { err, fault, ok, type Result } from '../../core/result.ts';
import type { KeyValueStore } from '../../storage/port.ts';
import { createSketch } from '../metrics/sketch.ts';
import type { MetricsRegistry, Sketch } from '../metrics/types.ts';
import { createArchive } from './archive.ts';
import { finestTier } from './buckets.ts';
import { createCatalog } from './catalog.ts';
import { csvOf } from './csv.ts';
import { type Gzip, readFile, type SqliteCodec, writeFile } from './files/files.ts';
import { createRecentMemory, type RecentMemory } from './memory.ts';
import { checkRange, queryRange, tierFor } from './query.ts';
import { keyOf, readPolicy } from './records.ts';
import { measureReport } from './report/measure.ts';
import { renderReport } from './report/render.ts';
import { restore } from './restore.ts';
import { checkRetention, defaultRetention } from './retention.ts';
import { identify, type SeriesIdentity } from './seriesIdentity.ts';
import { createSketchTap } from './sketchDelta.ts';
import { toleranceMs } from './storedView.ts';
import type { Analytics, AnalyticsFault, RetentionPolicy } from './types.ts';

export type AnalyticsDeps = {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly telemetry: Pick<Telemetry, 'log'>;
  readonly locks: Locks;
  readonly store: KeyValueStore;
  /** This tab: different from that of every other tab of this browser. */
  readonly source: string;
  readonly sqlite: SqliteCodec;
  readonly gzip: Gzip;
  /** Lets the page draw in the middle of long work. */
  readonly pause?: () => Promise<void>;
};
export type AnalyticsOptions = {
  /** How often `sample` is called: what completeness is measured against. Default 10 s. */
  readonly intervalMs?: number;
  readonly flushMs?: number;
  readonly compactMs?: number;
  readonly maxSeries?: number;
  readonly maxMemoryBytes?: number;
  readonly maxStoredBytes?: number;
  readonly maxPendingPoints?: number;
  readonly maxFileBytes?: number;
  /** Of what a compressed file unpacks to. */
  readonly maxUnpackedBytes?: number;
  readonly retention?: Partial<RetentionPolicy>;
};
const MiB = 1024 * 1024;
const defaults = {
  intervalMs: 10_000,
  flushMs: 30_000,
  compactMs: 30 * 60_000,
  maxSeries: 1_000,
  maxMemoryBytes: 10 * MiB,
  maxStoredBytes: 128 * MiB,
  maxPendingPoints: 50_000,
  maxFileBytes: 64 * MiB,
  maxUnpackedBytes: 256 * MiB,
  retention: {},
} satisfies Required<AnalyticsOptions>;

/**
 * Keeps what is measured: the recent past in memory, for those who must not wait, and all of it in the store, where tabs of one
 * browser write side by side. Knows names, numbers and times; doesn't know what they mean, who measures, nor what becomes of it.
 * Storage that fails costs what was not written, and is told in `state`; nothing here rejects for it. Never throws for bad input.
 */
export const openAnalytics = async (
  deps: AnalyticsDeps,
  given: AnalyticsOptions = {},
): Promise<Analytics> => {
  const options = { ...defaults, ...given };
  const { clock } = deps;
  const pause = deps.pause ?? (async () => {});
  let policy: RetentionPolicy = { ...defaultRetention, ...options.retention };
  const archive = createArchive(
    { ...deps, pause },
    {
      maxPendingPoints: options.maxPendingPoints,
      maxStoredBytes: options.maxStoredBytes,
      policy: () => policy,
      onMerged: () => catalog.refresh(),
    },
  );
  policy = await policyIn(deps.store, policy);
  const newMemory = () => createRecentMemory({ ...options, maxBytes: options.maxMemoryBytes });
  let memory = newMemory();
  /** One that is being filled from the store takes what is new beside the one in use. */
  let filling: RecentMemory | undefined;
  const catalog = createCatalog(() => memory, archive);
  let dropped = 0;
  let overfull = false;
  let trimmedAt = 0;

  const drop = (message: string) => {
    dropped++;
    return err(fault('invalid', message));
  };
  const refill = async () => {
    const fresh = newMemory();
    filling = fresh;
    await restore(fresh, archive.view(), clock.now(), pause).catch((cause: unknown) =>
      deps.telemetry.log('warn', 'analytics', `what was measured before can't be read: ${String(cause)}`),
    );
    filling = undefined;
    memory = fresh;
  };
  const memories = () => (filling ? [memory, filling] : [memory]);
  const trim = (now: number) => {
    if (Math.abs(now - trimmedAt) < 60_000) return;
    trimmedAt = now;
    const isOverfull = memory.trim(now);
    if (isOverfull && !overfull)
      deps.telemetry.log('info', 'analytics', 'the recent past in memory is shorter: there are many series');
    overfull = isOverfull;
  };
  /** `sketch`: of a histogram, whose value is the sum of its samples. */
  const record = (series: SeriesIdentity, at: number, value: number, sketch?: Sketch): boolean => {
    const now = clock.now();
    for (const target of memories()) {
      target.tick(now);
      const window = target.find(series);
      if (!window) return false;
      window.record(at, value, sketch?.count ?? 1, now);
      if (sketch) window.recordSketch(at, sketch);
    }
    const isPending = sketch
      ? archive.pending.sketch(series, at, sketch)
      : archive.pending.point(series, at, value);
    if (!isPending) dropped++;
    trim(now);
    return true;
  };
  const tooMany = () => drop(`there are ${options.maxSeries} series already, or this one is of another kind`);

  /** What was seen of each registry: counters as they were, histograms through a tap. */
  type Seen = {
    readonly counters: Map<string, number>;
    readonly taps: Map<string, ReturnType<typeof createSketchTap>>;
  };
  const seenOf = new WeakMap<MetricsRegistry, Seen>();
  const sampleSeries = (
    snapshot: ReturnType<MetricsRegistry['snapshot']>[number],
    { counters, taps }: Seen,
    at: number,
  ): boolean => {
    const { key } = snapshot;
    if (snapshot.kind === 'gauge') return record(snapshot, at, snapshot.value);
    if (snapshot.kind !== 'histogram') {
      const before = counters.get(key) ?? 0;
      counters.set(key, snapshot.value);
      // Less than before: it began anew.
      return record(snapshot, at, snapshot.value < before ? snapshot.value : snapshot.value - before);
    }
    const tap = taps.get(key) ?? createSketchTap();
    taps.set(key, tap);
    const added = tap(snapshot.sketch);
    return !added || record(snapshot, at, added.sum, added);
  };

  const cancelFlush = deps.timers.every(milliseconds(options.flushMs), () => void archive.flush());
  const cancelCompact = deps.timers.every(milliseconds(options.compactMs), () => void archive.compact());
  let closed = false;
  await archive.compact();
  await refill();

  const analytics: Analytics = {
    keys: (name) => memory.keys(name),
    latest: (key) => memory.latest(key),
    increase: (key, from, to) => memory.increase(key, from, to),
    values: (key, from, to) => memory.values(key, from, to),
    distribution: (key, from, to) => memory.distribution(key, from, to),

    recordMetric(name, value, { at: when, kind = 'gauge', labels } = {}) {
      const series = identify(name, kind, labels);
      if (!series) return drop('a metric has a name like tasks_done_total and at most 10 labels like it');
      const refuse = (message: string) => {
        const window = memory.window(series.key);
        if (window) window.refused++;
        return drop(message);
      };
      if (!Number.isFinite(value)) return refuse(`${name}: a value is finite, not ${value}`);
      if (value < 0 && kind !== 'gauge') return refuse(`${name}: a ${kind} is not negative, as ${value} is`);
      const at = Math.trunc(when ?? clock.now());
      const late = clock.now() + toleranceMs;
      if (!(at >= 0 && at <= late)) return refuse(`${name}: ${when} is no time from 1970 to tomorrow`);
      const sketch = kind === 'histogram' ? createSketch() : undefined;
      sketch?.add(value);
      return record(series, at, value, sketch) ? ok(undefined) : tooMany();
    },
    sample(registry) {
      const at = Math.trunc(clock.now());
      const seen = seenOf.get(registry) ?? { counters: new Map(), taps: new Map() };
      seenOf.set(registry, seen);
      for (const snapshot of registry.snapshot()) if (!sampleSeries(snapshot, seen, at)) dropped++;
    },
    retentionPolicy: () => policy,
    setRetentionPolicy(change) {
      const checked = checkRetention({ ...policy, ...change });
      if (!checked.ok) return checked;
      policy = checked.value;
      archive.setPolicy(policy);
      return ok(undefined);
    },
    series: () => catalog.series(),
    async query(range) {
      const problem = checkRange(range);
      if (problem) return err(problem);
      const kind = catalog.kindOf(range.key);
      if (!kind) return err(fault('invalid', `there is no series ${range.key.slice(0, 200)}`));
      return attempt(() =>
        queryRange(archive.view(), range, { kind, finestFrom: (tier) => catalog.from(range.key, tier) }),
      );
    },
    generateAnalyticsReport: ({ format, from, to }) =>
      attempt(async () => {
        const now = clock.now();
        const range = { from: from ?? Math.max(0, now - 24 * 3_600_000), to: to ?? now + 1 };
        const problem = checkRange({ ...range, maxBuckets: 1 });
        if (problem) return err(problem);
        const report = await measureReport(
          { view: archive.view(), memory, catalog, pause },
          { ...range, now, intervalMs: options.intervalMs, policy, state: analytics.state() },
        );
        return ok(renderReport(format, report));
      }),
    save: (format, { compress = false } = {}) =>
      attempt(() =>
        writeFile(
          { view: archive.view(), sqlite: deps.sqlite, gzip: deps.gzip, pause },
          { format, compress, now: clock.now(), maxBytes: options.maxUnpackedBytes },
        ),
      ),
    load: (bytes) =>
      attempt(async () => {
        const read = await readFile(bytes, { ...deps, ...options });
        if (!read.ok) return read;
        const { rows, lost } = catalog.fitting(read.value.rows, options.maxSeries);
        await archive.flush();
        if (!(await archive.addFile(sha256Hex(bytes), rows)))
          return err(
            fault('storage', `nothing was loaded: ${archive.problem() ?? 'it could not be stored'}`),
          );
        await archive.compact();
        await refill();
        const keys = new Set(rows.map(({ key }) => key));
        const points = rows.filter(({ kind, tier }) => tier === finestTier(kind));
        return ok({
          format: read.value.format,
          series: keys.size,
          points: points.reduce((sum, row) => sum + row.points, 0),
          lost: [...read.value.lost, ...lost],
        });
      }),
    exportCsv: (keys, from, to) =>
      attempt(async () => {
        const problem = checkRange({ from, to, maxBuckets: 1 });
        if (problem) return err(problem);
        return csvOf(archive.view(), {
          series: keys.map((key) => ({ key, kind: catalog.kindOf(key) })),
          from,
          to,
          tierOf: (key, kind) => tierFor(kind, 1, from, (tier) => catalog.from(key, tier)),
          maxBytes: options.maxUnpackedBytes,
        });
      }),
    async clear() {
      await archive.clear();
      memory = newMemory();
    },
    flush: () => archive.flush(),
    state: () => ({
      series: catalog.size(),
      points: catalog.points(),
      bytes: archive.bytes(),
      dropped,
      memoryBytes: memory.bytes(),
      problem: archive.problem(),
    }),
    async close() {
      if (closed) return;
      closed = true;
      cancelFlush();
      cancelCompact();
      await archive.flush();
    },
  };
  return analytics;
};

/** As the person has set it, or the default. */
const policyIn = async (store: KeyValueStore, policy: RetentionPolicy): Promise<RetentionPolicy> => {
  const read = readPolicy(await store.get('metrics', keyOf.policy).catch(() => undefined));
  const checked = read.kind === 'ok' ? checkRetention(read.value.policy) : undefined;
  return checked?.ok ? checked.value : policy;
};

/** Storage that can't be read is an answer, as everything else is. */
const attempt = async <Value>(
  work: () => Promise<Result<Value, AnalyticsFault>>,
): Promise<Result<Value, AnalyticsFault>> => {
  try {
    return await work();
  } catch (cause) {
    return err(
      fault(
        'storage',
        `what is stored can't be read: ${cause instanceof Error ? cause.message : String(cause)}`,
      ),
    );
  }
};
