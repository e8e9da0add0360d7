import type { Milliseconds } from '../brand.ts';

export interface Clock {
  /** Wall time since the Unix epoch. Advisory: a device's clock may be hours off. */
  now(): Milliseconds;
  /** Time since an arbitrary start; never goes back. Every timeout and measurement uses this one. */
  monotonic(): Milliseconds;
}
