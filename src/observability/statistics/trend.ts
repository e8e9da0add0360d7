import { twoSidedP, z95 } from './normal.ts';
import { medianOf, quantileOf } from './quantiles.ts';
import type { TimedValue, Trend } from './types.ts';

export type MannKendall = {
  readonly s: number;
  readonly variance: number;
  readonly z: number;
  /** Two-sided. */
  readonly p: number;
};

/** Slopes per millisecond: Sen 1968, with his interval of 95 % from the variance of Mann–Kendall's S. */
export type Slope = {
  readonly median: number;
  readonly lower: number;
  readonly upper: number;
};

export type FittedTrend = {
  readonly trend: Trend;
  readonly slopePerHour: Slope;
  /** First and last instant. */
  readonly from: number;
  readonly to: number;
};

const hourMs = 3_600_000;
/** All pairs of so many points are two million: a quarter of a second. */
const maxExact = 2_000;
/** A trend is told from fewer points by nobody: the normal approximation of S begins at 8 (Mann 1945 has tables below 10). */
const leastSamples = 8;
const significance = 0.05;

/**
 * Whether values rise or fall, and how fast, over real time. Undefined of fewer than 8 finite values, or if they share one
 * instant. Values at one instant give no slope. More points than `maxPoints` are thinned to every n-th first: slope and
 * direction are then those of the points that were kept, and p is larger than that of all. 2,000 at most, which take a quarter
 * of a second; 500 take 20 ms.
 */
export const trendOf = (values: readonly TimedValue[], maxPoints = maxExact): Trend | undefined =>
  fitTrend(values, maxPoints)?.trend;

/** The trend together with the interval of its slope. */
export const fitTrend = (values: readonly TimedValue[], maxPoints = maxExact): FittedTrend | undefined => {
  const timed = values
    .filter(({ at, value }) => Number.isFinite(at) && Number.isFinite(value))
    .sort((a, b) => a.at - b.at);
  const kept = thinned(timed, Math.min(maxPoints, maxExact));
  if (kept.length < leastSamples) return undefined;
  const kendall = mannKendall(kept.map(({ value }) => value));
  const slope = theilSen(kept, kendall.variance);
  if (!slope) return undefined;
  const from = timed[0]?.at ?? 0;
  const to = timed.at(-1)?.at ?? from;
  const intercept = medianOf(kept.map(({ at, value }) => value - slope.median * (at - from))) ?? 0;
  const { s, z, p } = kendall;
  const direction = p >= significance ? 'none' : s > 0 ? 'rising' : 'falling';
  return {
    trend: { slopePerHour: slope.median * hourMs, intercept, s, z, p, direction, samples: kept.length },
    slopePerHour: {
      median: slope.median * hourMs,
      lower: slope.lower * hourMs,
      upper: slope.upper * hourMs,
    },
    from,
    to,
  };
};

/** Mann 1945, Kendall 1975, with the correction for ties and for continuity. Values in order of time. */
export const mannKendall = (values: readonly number[]): MannKendall => {
  const n = values.length;
  let s = 0;
  for (let j = 1; j < n; j++) {
    const later = values[j] ?? 0;
    for (let i = 0; i < j; i++) {
      const earlier = values[i] ?? 0;
      s += later > earlier ? 1 : later < earlier ? -1 : 0;
    }
  }
  let variance = pairTerm(n);
  for (const size of tieSizes(values)) variance -= pairTerm(size);
  variance /= 18;
  const z = variance === 0 || s === 0 ? 0 : (s - Math.sign(s)) / Math.sqrt(variance);
  return { s, variance, z, p: twoSidedP(z) };
};

/**
 * The median of the slopes of all pairs at different instants, per unit of time, with its interval of 95 % given the variance of
 * Mann–Kendall's S. Undefined if no two values are at different instants.
 */
export const theilSen = (values: readonly TimedValue[], variance: number): Slope | undefined => {
  const slopes = new Float64Array((values.length * (values.length - 1)) / 2);
  let found = 0;
  for (const [j, later] of values.entries()) {
    for (let i = 0; i < j; i++) {
      const earlier = values[i];
      if (!earlier || earlier.at === later.at) continue;
      const slope = (later.value - earlier.value) / (later.at - earlier.at);
      if (Number.isFinite(slope)) slopes[found++] = slope;
    }
  }
  const sorted = slopes.subarray(0, found).sort();
  const median = quantileOf(sorted, 0.5);
  if (median === undefined) return undefined;
  const reach = z95 * Math.sqrt(variance);
  const lower = sorted[Math.max(0, Math.floor((found - reach) / 2) - 1)] ?? median;
  const upper = sorted[Math.min(found - 1, Math.ceil((found + reach) / 2))] ?? median;
  return { median, lower, upper };
};

/** Every n-th, so that at most `limit` are left, and always the last. */
export const thinned = <T>(items: readonly T[], limit: number): readonly T[] => {
  if (items.length <= limit) return items;
  const step = Math.ceil(items.length / limit);
  return items.filter((_, i) => (items.length - 1 - i) % step === 0);
};

const pairTerm = (n: number): number => n * (n - 1) * (2 * n + 5);

const tieSizes = (values: readonly number[]): Iterable<number> => {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts.values();
};
