import type { LogFields } from '../../core/ports/telemetry.ts';
import type { Fault, Result } from '../../core/result.ts';
import type { Labels, MetricKind, MetricsRegistry, Sketch } from '../metrics/types.ts';

/** One series of stored numbers. Counters are stored as what was added since the point before. */
export type SeriesInfo = {
  /** As in SeriesSnapshot. */
  readonly key: string;
  readonly name: string;
  readonly labels: Labels;
  readonly kind: MetricKind;
  /** Milliseconds since 1970 of the oldest and newest point kept, and how many are kept in the finest tier. */
  readonly from: number;
  readonly to: number;
  readonly points: number;
};

/** `raw`: as recorded. The others hold per minute and hour: count, sum, min, max, last, and for histograms the sketch. */
export type Tier = 'raw' | 'minute' | 'hour';
export type RetentionPolicy = {
  readonly raw: { readonly maxAgeMs: number; readonly maxPoints: number };
  readonly minute: { readonly maxAgeMs: number };
  readonly hour: { readonly maxAgeMs: number };
};

/** One step of a queried range. Where nothing was measured there is no bucket: a gap, never a zero. */
export type Bucket = {
  readonly at: number;
  readonly count: number;
  readonly sum: number;
  readonly min: number;
  readonly max: number;
  readonly last: number;
  readonly sketch?: Sketch;
};
export type SeriesRange = {
  readonly key: string;
  readonly kind: MetricKind;
  readonly stepMs: number;
  /** In order of time. */
  readonly buckets: readonly Bucket[];
};
export type RangeQuery = {
  readonly key: string;
  readonly from: number;
  readonly to: number;
  /** At most as many buckets; the tier and the step follow from it. */
  readonly maxBuckets: number;
};

/**
 * Reads what alerts, advice and health look at, without a wait: the recent past in memory (at least the 3 days of minutes that
 * the slowest burn rate needs). It is one past: after the clock was set back, what was measured later than it says then is not
 * there any more. Implemented by Analytics and by simulations.
 */
export interface SignalReader {
  /** Keys of every series of a metric. */
  keys(name: string): readonly string[];
  /** Newest value and when; undefined if there was never one. */
  latest(key: string): { readonly at: number; readonly value: number } | undefined;
  /** What was added to a counter (or counted by a histogram) in [from, to). */
  increase(key: string, from: number, to: number): number;
  /** Values in order of time in [from, to): gauges as they were, counters as rate per second, histograms as mean; one per bucket. */
  values(key: string, from: number, to: number): readonly { readonly at: number; readonly value: number }[];
  /** Merged distribution of a histogram in [from, to). */
  distribution(key: string, from: number, to: number): Sketch | undefined;
}

export type ReportFormat = 'json' | 'summary' | 'detailed' | 'markdown' | 'html';
export type SaveFormat = 'json' | 'cbor' | 'sqlite';
export type SavedFile = { readonly name: string; readonly type: string; readonly bytes: Uint8Array };
export type LoadReport = {
  readonly format: SaveFormat;
  readonly series: number;
  readonly points: number;
  /** What was damaged and left out, each in one sentence. */
  readonly lost: readonly string[];
};
export type AnalyticsFault = Fault<
  | 'invalid' // a name, value, policy or range that can't be
  | 'malformed' // a file that is none of ours
  | 'newer' // made by a newer version
  | 'too-large'
  | 'storage'
>;

/** The original's Analytics: what was measured over time, kept in tiers, told as reports. Doesn't know who measures. */
export interface Analytics extends SignalReader {
  /** `at`: milliseconds since 1970, now if left out. Not finite, more than a day in the future: refused. */
  recordMetric(
    name: string,
    value: number,
    options?: { readonly at?: number; readonly kind?: MetricKind; readonly labels?: LogFields },
  ): Result<void, AnalyticsFault>;
  /** Takes every series of a registry: what changed since the last call. One call per sampling interval. */
  sample(registry: MetricsRegistry): void;
  retentionPolicy(): RetentionPolicy;
  setRetentionPolicy(policy: Partial<RetentionPolicy>): Result<void, AnalyticsFault>;
  series(): readonly SeriesInfo[];
  query(range: RangeQuery): Promise<Result<SeriesRange, AnalyticsFault>>;
  generateAnalyticsReport(options: {
    readonly format: ReportFormat;
    readonly from?: number;
    readonly to?: number;
  }): Promise<Result<SavedFile, AnalyticsFault>>;
  save(
    format: SaveFormat,
    options?: { readonly compress?: boolean },
  ): Promise<Result<SavedFile, AnalyticsFault>>;
  /** Adds what a file holds; its format is seen from its bytes. All or, of a damaged file, what is whole. */
  load(bytes: Uint8Array): Promise<Result<LoadReport, AnalyticsFault>>;
  exportCsv(keys: readonly string[], from: number, to: number): Promise<Result<SavedFile, AnalyticsFault>>;
  /** Forgets all that is stored. */
  clear(): Promise<void>;
  /** Writes what is not written yet. Never rejects: what could not be written is counted and said in `state`. */
  flush(): Promise<void>;
  readonly state: () => AnalyticsState;
  close(): Promise<void>;
}
export type AnalyticsState = {
  readonly series: number;
  readonly points: number;
  /** Of what is stored, as written. */
  readonly bytes: number;
  readonly dropped: number;
  /** Of what is held in memory, as computed from its arrays. */
  readonly memoryBytes: number;
  /** Why nothing is written now: a full disk, a newer version's data, no storage here. */
  readonly problem: string | undefined;
};
