/** Availability and latency of one objective over a window, from counted events: never an estimate. */
export type ServiceLevel = {
  readonly id: string;
  readonly title: string;
  readonly objective: number;
  readonly windowMs: number;
  readonly good: number;
  readonly total: number;
  /** Undefined without events. */
  readonly availability: number | undefined;
  /** Share of the error budget that is left; below 0 it is overspent. */
  readonly budgetLeft: number | undefined;
  readonly latency: { readonly p50: number; readonly p95: number; readonly p99: number } | undefined;
};

/** Each with what it was concluded from, and what it is expected to bring. */
export type Recommendation = {
  readonly id: string;
  readonly title: string;
  readonly action: string;
  readonly evidence: readonly string[];
  readonly expectedGain: string;
  /** 0 to 1: how much of the evidence it needs was there. */
  readonly confidence: number;
};

/** When a value that grows reaches its limit, if it goes on as it did. */
export type Saturation = {
  readonly id: string;
  readonly title: string;
  readonly now: number;
  readonly limit: number;
  readonly unit: 'bytes' | 'ratio' | 'count';
  /** Undefined: it does not grow, or not significantly. Earliest and latest of its interval. */
  readonly reachedAt:
    | { readonly likely: number; readonly earliest: number; readonly latest: number | undefined }
    | undefined;
  readonly evidence: string;
};

/** Log messages that are one pattern with different numbers and ids. */
export type ErrorPattern = {
  readonly pattern: string;
  readonly component: string;
  readonly count: number;
  readonly firstAt: number;
  readonly lastAt: number;
  readonly example: string;
  /** How much more often than in the hour before, if there was one. */
  readonly change: number | undefined;
};

export type Advice = {
  readonly at: number;
  readonly levels: readonly ServiceLevel[];
  readonly recommendations: readonly Recommendation[];
  readonly saturation: readonly Saturation[];
  readonly patterns: readonly ErrorPattern[];
};
