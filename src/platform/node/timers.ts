import type { Timers } from '../../core/ports/timers.ts';

/** Node counts delays in 31 bits and takes longer ones for 1 ms; 24 days are for ever to a process of ours. */
const longestDelay = 2 ** 31 - 1;

/** `holdsProcess: false`: a pending timer alone doesn't keep the process running. */
export const createNodeTimers = (
  options: { readonly holdsProcess: boolean } = { holdsProcess: true },
): Timers => {
  const hold = (timer: NodeJS.Timeout) => (options.holdsProcess ? timer : timer.unref());
  return {
    after(delay, run) {
      const timer = hold(setTimeout(run, Math.min(delay, longestDelay)));
      return () => clearTimeout(timer);
    },
    every(period, run) {
      const timer = hold(setInterval(run, Math.min(period, longestDelay)));
      return () => clearInterval(timer);
    },
  };
};
