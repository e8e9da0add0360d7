import type { LedgerState } from '../types.ts';

/**
 * Rule 6 of the protocol: when an epoch may end. Judged by the monotonic time since this keeper itself saw the epoch begin, so a
 * keeper that was away or restarted finds it later, never earlier, than it is. Wall clocks have no say.
 */

/** After this long a leader proposes the epoch's end. */
export const epochLengthMs = ({ parameters }: Pick<LedgerState, 'parameters'>): number =>
  parameters.epochSeconds * 1_000;

/** From this on a voter finds a fresh proposal of its end timely: 590 parts of 600, because clocks differ a little. */
export const leastEpochMs = (state: Pick<LedgerState, 'parameters'>): number =>
  Math.floor((epochLengthMs(state) * 59) / 60);

/** Milliseconds until the epoch that began at `began` is over; 0 if it is. Whole, so that a timer of it never rings too early. */
export const epochLeftMs = (state: Pick<LedgerState, 'parameters'>, began: number, now: number): number =>
  Math.max(0, Math.ceil(began + epochLengthMs(state) - now));
