import type { WeightError } from './scheme.ts';

/** Gathers over a weight how far what is stored is from what was given. */
export type ErrorSum = { squares: number; weights: number; max: number; count: number };

export const emptySum = (): ErrorSum => ({ squares: 0, weights: 0, max: 0, count: 0 });

export const weightError = ({ squares, weights, max, count }: ErrorSum): WeightError => ({
  rmse: count === 0 ? 0 : Math.sqrt(squares / count),
  relative: squares === 0 ? 0 : Math.sqrt(squares / weights),
  max,
});
