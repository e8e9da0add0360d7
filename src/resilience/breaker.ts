import { type Milliseconds, milliseconds } from '../core/brand.ts';

/**
 * Circuit breaker (Nygard, "Release It!", 2007) as a value: `closed` counts failures in a row, `open` refuses until a
 * moment, `half-open` lets one trial through. Doesn't know what is called nor what time it is.
 */
export type Breaker =
  | { readonly phase: 'closed'; readonly failures: number; readonly trips: number }
  | { readonly phase: 'open'; readonly until: Milliseconds; readonly trips: number }
  | { readonly phase: 'half-open'; readonly trips: number };

export type BreakerOptions = {
  /** Failures in a row that open it. */
  readonly threshold: number;
  /** How long it stays open the first time; each trip without a success in between doubles it, up to `maxOpenFor`. */
  readonly openFor: Milliseconds;
  readonly maxOpenFor: Milliseconds;
};

export const closedBreaker: Breaker = { phase: 'closed', failures: 0, trips: 0 };

/** The breaker as it stands at `now`: an open one whose time is over is half-open. */
export const breakerAt = (breaker: Breaker, now: Milliseconds): Breaker =>
  breaker.phase === 'open' && now >= breaker.until ? { phase: 'half-open', trips: breaker.trips } : breaker;

/** A success in flight when it opened says nothing about the reason it opened, so it stays open. */
export const breakerAfterSuccess = (breaker: Breaker, now: Milliseconds): Breaker =>
  breakerAt(breaker, now).phase === 'open' ? breaker : closedBreaker;

export const breakerAfterFailure = (
  breaker: Breaker,
  now: Milliseconds,
  options: BreakerOptions,
): Breaker => {
  const current = breakerAt(breaker, now);
  if (current.phase === 'open') return current;
  if (current.phase === 'half-open') return tripBreaker(current, now, options);
  const failures = current.failures + 1;
  return failures >= options.threshold ? tripBreaker(current, now, options) : { ...current, failures };
};

/** Opens it at once: a wrong answer needs no second chance. `openFor` overrides the schedule. */
export const tripBreaker = (
  breaker: Breaker,
  now: Milliseconds,
  options: BreakerOptions,
  openFor?: Milliseconds,
): Breaker => {
  const scheduled = Math.min(options.openFor * 2 ** breaker.trips, options.maxOpenFor);
  return { phase: 'open', until: milliseconds(now + (openFor ?? scheduled)), trips: breaker.trips + 1 };
};
