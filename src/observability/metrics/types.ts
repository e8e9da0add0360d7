import type { LogFields } from '../../core/ports/telemetry.ts';
import type { Fault, Result } from '../../core/result.ts';

/**
 * A distribution in bounded memory whose every quantile is off by at most `alpha` of its value: DDSketch (Masson, Rim,
 * Lee 2019, VLDB 12(12)). Two merge exactly: the sketch of all samples is the merge of the sketches of their parts.
 */
export interface Sketch {
  readonly count: number;
  readonly sum: number;
  /** NaN while empty. */
  readonly min: number;
  readonly max: number;
  /** False, and nothing changed, if the value is not finite or the weight is not a positive integer. */
  add(value: number, weight?: number): boolean;
  /** `q` in [0, 1]. Undefined while empty. */
  quantile(q: number): number | undefined;
  /** Samples at or below `value`, within the same relative error: what a histogram's bucket counts. */
  countBelow(value: number): number;
  /** Refused as 'incompatible' if alpha differs. */
  merge(other: Sketch): Result<void, SketchFault>;
  copy(): Sketch;
  clear(): void;
  /** Canonical CBOR: equal sketches have equal bytes. */
  encode(): Uint8Array;
}
export type SketchOptions = {
  /** Relative error of a quantile, in (0, 1). Default 0.01. */
  readonly alpha?: number;
  /** Bins of each sign; the lowest are put together beyond it. Default 2,048. */
  readonly maxBins?: number;
};
export type SketchFault = Fault<'incompatible' | 'malformed'>;

export type MetricKind = 'counter' | 'gauge' | 'histogram';
/** In order of name. */
export type Labels = Readonly<Record<string, string>>;

/** What one series of one metric is at an instant. `key`: name and labels as Prometheus writes them, `rpc_seconds{method="read"}`. */
export type SeriesSnapshot = {
  readonly key: string;
  readonly name: string;
  readonly labels: Labels;
} & (
  | { readonly kind: 'counter' | 'gauge'; readonly value: number }
  /** A live view: read it before the next sample, or copy it. */
  | { readonly kind: 'histogram'; readonly sketch: Sketch }
);

/** Why samples were not taken: each counted, none logged. */
export type DropReason = 'not-finite' | 'negative' | 'kind' | 'cardinality' | 'label';

/**
 * Every metric of one process or tab, in bounded memory. Doesn't know what happens to the numbers. The first sample of a name
 * decides its kind; a sample of another kind is dropped. Beyond the limit of series of a name, a new set of labels goes into one
 * series whose every label is `other`, and is counted as dropped.
 */
export interface MetricsRegistry {
  count(name: string, by?: number, labels?: LogFields): void;
  observe(name: string, value: number, labels?: LogFields): void;
  gauge(name: string, value: number, labels?: LogFields): void;
  /** A gauge that is read when somebody looks. `undefined` or not finite: no series then. Returns what ends it. */
  watch(name: string, read: () => number | undefined, labels?: LogFields): () => void;
  /** In order of name, then key. */
  snapshot(): readonly SeriesSnapshot[];
  /** The newest value of a counter or gauge, or 0; of a histogram its count. */
  value(name: string, labels?: LogFields): number;
  dropped(): Readonly<Record<DropReason, number>>;
}
export type RegistryOptions = {
  readonly maxNames?: number;
  readonly maxSeriesPerName?: number;
  /** Of all names together: what bounds the memory. */
  readonly maxSeries?: number;
  readonly maxLabelLength?: number;
  readonly sketch?: SketchOptions;
};

/** What a metric is, for those who read it: help in one sentence, its unit, and the labels it has. */
export type MetricDescription = {
  readonly kind: MetricKind;
  readonly help: string;
  readonly unit: 'seconds' | 'bytes' | 'ratio' | 'per-second' | 'count';
  readonly labels: readonly string[];
};
