/** Values at real instants, in order of time. Milliseconds. */
export type TimedValue = { readonly at: number; readonly value: number };

export type Trend = {
  /** Theil–Sen: the median of all slopes, per hour. */
  readonly slopePerHour: number;
  /** Of that line at the first instant. */
  readonly intercept: number;
  /** Mann–Kendall with the correction for ties, two-sided. */
  readonly s: number;
  readonly z: number;
  readonly p: number;
  readonly direction: 'rising' | 'falling' | 'none';
  readonly samples: number;
};
