import { type Spread, spreadOf } from './deviation.ts';
import type { TimedValue } from './types.ts';

export type SeasonalOptions = {
  /** Distinct days that an hour of the day needs. Default 5. */
  readonly daysNeeded?: number;
  /** Distinct weeks that an hour of the week needs. Default 4. */
  readonly weeksNeeded?: number;
};

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const weekMs = 7 * dayMs;

/**
 * What is usual at an instant's hour: of the week once there were enough weeks, else of the day once there were enough days,
 * else undefined: nothing is usual yet. Hours are UTC's. Values at or after the instant are not looked at.
 */
export const seasonalSpread = (
  values: readonly TimedValue[],
  at: number,
  { daysNeeded = 5, weeksNeeded = 4 }: SeasonalOptions = {},
): Spread | undefined =>
  spreadOfPeriod(values, at, weekMs, weeksNeeded) ?? spreadOfPeriod(values, at, dayMs, daysNeeded);

const spreadOfPeriod = (values: readonly TimedValue[], at: number, period: number, needed: number) => {
  const hour = hourOf(at, period);
  const same = values.filter(
    ({ at: then, value }) => then < at && Number.isFinite(value) && hourOf(then, period) === hour,
  );
  // The hour that is going on is not its own example.
  const before = same.filter(({ at: then }) => Math.floor(then / hourMs) < Math.floor(at / hourMs));
  const periods = new Set(before.map(({ at: then }) => Math.floor(then / period)));
  return periods.size < needed ? undefined : spreadOf(before.map(({ value }) => value));
};

const hourOf = (at: number, period: number): number =>
  Math.floor((at - Math.floor(at / period) * period) / hourMs);
