import { createSketch } from '../../metrics/sketch.ts';
import { quantileOf } from '../../statistics/quantiles.ts';
import { trendOf } from '../../statistics/trend.ts';
import type { TimedValue, Trend } from '../../statistics/types.ts';
import { rollUp, type StoredBucket, tierMs } from '../buckets.ts';
import type { Catalog } from '../catalog.ts';
import type { RecentMemory } from '../memory.ts';
import { stepFor, tierFor } from '../query.ts';
import type { StoredView } from '../storedView.ts';
import type { AnalyticsState, RetentionPolicy, SeriesInfo, Tier } from '../types.ts';

/** What is told of one series in a range. Everything is measured; what can't be told is undefined. */
export type SeriesReport = Pick<SeriesInfo, 'key' | 'name' | 'labels' | 'kind'> & {
  /** What was looked at: gauges as recorded or the means of minutes or hours, counters as rates per second of them. */
  readonly tier: Tier;
  readonly unit: 'value' | 'per second';
  /** Samples; of a counter what was added. */
  readonly count: number;
  readonly min: number;
  readonly mean: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
  readonly trend: Trend | undefined;
  readonly quality: Quality;
  /** At equal distances over the range; null where nothing was measured. */
  readonly shape: readonly (number | null)[];
};
export type Quality = {
  /** Share of the time from the first measurement to the end in which there was one per interval. */
  readonly completeness: number;
  /** Share of what was recorded since this tab opened that was a number and not impossible; undefined without any. */
  readonly validity: number | undefined;
  /** Milliseconds from the newest measurement to the end of the range. */
  readonly timelinessMs: number;
  /** Share of what was recorded since this tab opened that came in order of time; undefined without any. */
  readonly ordering: number | undefined;
};
export type Report = {
  readonly schema: 'aivillage-analytics-report/1';
  readonly generatedAt: number;
  readonly from: number;
  readonly to: number;
  readonly intervalMs: number;
  readonly retention: RetentionPolicy;
  readonly state: AnalyticsState;
  readonly series: readonly SeriesReport[];
};

export type ReportOptions = {
  readonly from: number;
  readonly to: number;
  readonly now: number;
  readonly intervalMs: number;
  readonly policy: RetentionPolicy;
  readonly state: AnalyticsState;
};

/** Series without a measurement in the range are left out. Rejects with StorageErrors. */
export const measureReport = async (
  deps: {
    readonly view: StoredView;
    readonly memory: RecentMemory;
    readonly catalog: Catalog;
    readonly pause: () => Promise<void>;
  },
  options: ReportOptions,
): Promise<Report> => {
  const { from, to, now } = options;
  const series: SeriesReport[] = [];
  for (const info of deps.catalog.series()) {
    const tier = tierToReport(info, options, deps.catalog);
    const buckets = await deps.view.read(info.key, tier, from, to);
    if (buckets.length > 0) series.push(reportOf(info, tier, buckets, deps.memory, options));
    await deps.pause();
  }
  return {
    schema: 'aivillage-analytics-report/1',
    generatedAt: now,
    from,
    to,
    intervalMs: options.intervalMs,
    retention: options.policy,
    state: options.state,
    series,
  };
};

/** A rate needs a stretch of time, a quantile of gauges every value. */
const tierToReport = ({ key, kind }: SeriesInfo, { from }: ReportOptions, catalog: Catalog): Tier =>
  tierFor(kind, kind === 'gauge' ? 1 : tierMs.minute, from, (tier) => catalog.from(key, tier));

const shapeLength = 48;
const trendLength = 300;

const reportOf = (
  { key, name, labels, kind }: SeriesInfo,
  tier: Tier,
  buckets: readonly StoredBucket[],
  memory: RecentMemory,
  options: ReportOptions,
): SeriesReport => {
  const { from, to } = options;
  const meanOf = (bucket: StoredBucket, stepMs: number) =>
    kind === 'counter' ? bucket.sum / (stepMs / 1_000) : bucket.sum / bucket.count;
  const valuesBy = (most: number): TimedValue[] => {
    const step = Math.max(tierMs[tier], buckets.length <= most ? tierMs[tier] : stepFor(from, to, most));
    return rollUp(buckets, step).map((bucket) => ({ at: bucket.at, value: meanOf(bucket, step) }));
  };
  return {
    key,
    name,
    labels,
    kind,
    tier,
    unit: kind === 'counter' ? 'per second' : 'value',
    ...distributionOf(kind, buckets, tier),
    trend: trendOf(valuesBy(trendLength)),
    quality: qualityOf(key, tier, buckets, memory, options),
    shape: shapeOf(buckets, options, (bucket, stepMs) => meanOf(bucket, stepMs)),
  };
};

type Distribution = Pick<SeriesReport, 'count' | 'min' | 'mean' | 'p50' | 'p95' | 'p99' | 'max'>;

const distributionOf = (
  kind: SeriesReport['kind'],
  buckets: readonly StoredBucket[],
  tier: Tier,
): Distribution => {
  const count = buckets.reduce((sum, bucket) => sum + bucket.count, 0);
  const total = buckets.reduce((sum, bucket) => sum + bucket.sum, 0);
  if (kind === 'histogram') return { count, mean: total / count, ...ofSketches(buckets) };
  const values = buckets
    .map((bucket) => (kind === 'counter' ? bucket.sum / (tierMs[tier] / 1_000) : bucket.sum / bucket.count))
    .sort((a, b) => a - b);
  const rate = values.reduce((sum, value) => sum + value / values.length, 0);
  return {
    count: kind === 'counter' ? total : count,
    min: kind === 'counter' ? (values[0] ?? 0) : least(buckets),
    mean: kind === 'counter' ? rate : total / count,
    p50: quantileOf(values, 0.5) ?? 0,
    p95: quantileOf(values, 0.95) ?? 0,
    p99: quantileOf(values, 0.99) ?? 0,
    max: kind === 'counter' ? (values.at(-1) ?? 0) : greatest(buckets),
  };
};

const least = (buckets: readonly StoredBucket[]): number =>
  buckets.reduce((min, bucket) => Math.min(min, bucket.min), Number.POSITIVE_INFINITY);
const greatest = (buckets: readonly StoredBucket[]): number =>
  buckets.reduce((max, bucket) => Math.max(max, bucket.max), Number.NEGATIVE_INFINITY);

const ofSketches = (buckets: readonly StoredBucket[]) => {
  const merged = createSketch();
  for (const { sketch } of buckets) if (sketch) merged.merge(sketch);
  const quantile = (q: number) => merged.quantile(q) ?? 0;
  return {
    min: least(buckets),
    p50: quantile(0.5),
    p95: quantile(0.95),
    p99: quantile(0.99),
    max: greatest(buckets),
  };
};

const qualityOf = (
  key: string,
  tier: Tier,
  buckets: readonly StoredBucket[],
  memory: RecentMemory,
  { to, now, intervalMs }: ReportOptions,
): Quality => {
  const end = Math.min(to, now);
  const slot = Math.max(intervalMs, tierMs[tier]);
  const newest = buckets.at(-1);
  const window = memory.window(key);
  const recorded = (window?.taken ?? 0) + (window?.refused ?? 0);
  return {
    completeness: coverageOf(
      buckets.map(({ at }) => at),
      end,
      slot,
    ),
    validity: window && recorded > 0 ? window.taken / recorded : undefined,
    timelinessMs: Math.max(0, end - (newest?.lastAt ?? end)),
    ordering: window && window.taken > 0 ? 1 - window.outOfOrder / window.taken : undefined,
  };
};

/** Each measurement stands for one slot from it on; half a slot of delay is not yet a gap. */
export const coverageOf = (times: readonly number[], end: number, slotMs: number): number => {
  const [first] = times;
  if (first === undefined || end <= first) return first === undefined ? 0 : 1;
  let covered = 0;
  for (const [i, at] of times.entries()) {
    const gap = (times[i + 1] ?? end) - at;
    covered += gap <= 1.5 * slotMs ? Math.max(0, gap) : slotMs;
  }
  return Math.min(1, covered / (end - first));
};

const shapeOf = (
  buckets: readonly StoredBucket[],
  { from, to, now }: ReportOptions,
  meanOf: (bucket: StoredBucket, stepMs: number) => number,
): (number | null)[] => {
  const start = Math.max(from, buckets[0]?.at ?? from);
  const step = Math.max(1, Math.ceil((Math.min(to, now + 1) - start) / shapeLength));
  const shape: (number | null)[] = Array.from({ length: shapeLength }, () => null);
  for (const bucket of rollUp(
    buckets.map((one) => ({ ...one, at: one.at - start })),
    step,
  )) {
    const place = Math.floor(bucket.at / step);
    if (place >= 0 && place < shapeLength) shape[place] = meanOf(bucket, step);
  }
  return shape;
};
