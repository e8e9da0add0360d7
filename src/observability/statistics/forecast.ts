import { fitTrend } from './trend.ts';
import type { TimedValue } from './types.ts';

export type Reach = {
  /** Milliseconds, as the values' instants. */
  readonly likely: number;
  readonly earliest: number;
  /** Undefined: the least slope of its interval never gets there. */
  readonly latest: number | undefined;
  readonly slopePerHour: number;
  readonly p: number;
  readonly samples: number;
};

const hourMs = 3_600_000;

/**
 * When a value that rises gets to a limit above it if it goes on as it did: a straight line from where the trend is at the last
 * instant, with the 95 % interval of the Theil–Sen slope. Undefined if there is no significant rise. A limit that is reached
 * already is reached at the last instant. Says nothing about seasons, jumps, or what somebody will do about it.
 */
export const forecastReach = (values: readonly TimedValue[], limit: number): Reach | undefined => {
  const fitted = fitTrend(values);
  if (fitted?.trend.direction !== 'rising' || !(fitted.slopePerHour.median > 0)) return undefined;
  const { trend, slopePerHour, from, to } = fitted;
  const now = trend.intercept + slopePerHour.median * ((to - from) / hourMs);
  const left = Math.max(0, limit - now);
  const after = (slope: number) => to + (left / slope) * hourMs;
  return {
    likely: after(slopePerHour.median),
    earliest: after(slopePerHour.upper),
    latest: slopePerHour.lower > 0 ? after(slopePerHour.lower) : undefined,
    slopePerHour: slopePerHour.median,
    p: trend.p,
    samples: trend.samples,
  };
};
