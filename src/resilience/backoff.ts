import type { Milliseconds } from '../core/brand.ts';

/** The delay before try `attempt` (0 = first wait): the steps in order, then the last one again and again. */
export const backoffDelay = (
  steps: readonly [Milliseconds, ...Milliseconds[]],
  attempt: number,
): Milliseconds => steps[Math.min(Math.max(attempt, 0), steps.length - 1)] ?? steps[0];
