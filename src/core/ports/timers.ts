import type { Milliseconds } from '../brand.ts';

export type CancelTimer = () => void;

/** Timers that keep their pace in a hidden tab (the browser adapter runs them in a worker). */
export interface Timers {
  after(delay: Milliseconds, run: () => void): CancelTimer;
  every(period: Milliseconds, run: () => void): CancelTimer;
}
