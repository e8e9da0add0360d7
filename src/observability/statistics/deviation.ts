import { medianOf } from './quantiles.ts';

/** 1 / Φ⁻¹(3/4): makes the median absolute deviation of normal values their standard deviation. */
const madScale = 1.482602218505602;
/** √(π/2): the same for the mean absolute deviation. */
const meanScale = 1.2533141373155001;

/** What is usual: the median, and a standard deviation that outliers do not move. */
export type Spread = { readonly center: number; readonly deviation: number };

/**
 * Iglewicz and Hoaglin 1993: median and scaled median absolute deviation, or, where more than half of all values are the same,
 * the scaled mean absolute deviation. The deviation is 0 only if all values are the same. Undefined without values.
 */
export const spreadOf = (values: readonly number[]): Spread | undefined => {
  const center = medianOf(values);
  if (center === undefined) return undefined;
  const distances = values.filter(Number.isFinite).map((value) => Math.abs(value - center));
  const mad = medianOf(distances) ?? 0;
  if (mad > 0) return { center, deviation: madScale * mad };
  const mean = distances.reduce((sum, distance) => sum + distance / distances.length, 0);
  return { center, deviation: meanScale * mean };
};

/** How many deviations from what is usual. 0 for a value like all others; ± infinity for any other one beside values all the same. */
export const robustZ = (value: number, values: readonly number[]): number | undefined => {
  const spread = spreadOf(values);
  return spread && zOf(value, spread);
};

export const zOf = (value: number, { center, deviation }: Spread): number => {
  const distance = value - center;
  return distance === 0 ? 0 : distance / deviation;
};
