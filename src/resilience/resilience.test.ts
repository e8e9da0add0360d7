import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Milliseconds, milliseconds } from '../core/brand.ts';
import { backoffDelay } from './backoff.ts';
import {
  type Breaker,
  breakerAfterFailure,
  breakerAfterSuccess,
  breakerAt,
  closedBreaker,
  tripBreaker,
} from './breaker.ts';

const ms = milliseconds;
const options = { threshold: 3, openFor: ms(1_000), maxOpenFor: ms(5_000) };
const failTimes = (count: number, now: Milliseconds, start: Breaker = closedBreaker): Breaker =>
  Array.from({ length: count }).reduce<Breaker>((b) => breakerAfterFailure(b, now, options), start);

describe('back-off', () => {
  it('follows the steps and stays at the last', () => {
    const steps = [ms(5_000), ms(15_000), ms(30_000)] as const;
    expect([0, 1, 2, 3, 9].map((attempt) => backoffDelay(steps, attempt))).toEqual([
      5_000, 15_000, 30_000, 30_000, 30_000,
    ]);
  });
});

describe('breaker', () => {
  it('opens after the threshold of failures in a row, not before', () => {
    expect(failTimes(2, ms(0)).phase).toBe('closed');
    expect(failTimes(3, ms(0))).toMatchObject({ phase: 'open', until: 1_000 });
  });

  it('forgets failures at a success', () => {
    const recovered = breakerAfterSuccess(failTimes(2, ms(0)), ms(1));
    expect(failTimes(2, ms(2), recovered).phase).toBe('closed');
  });

  it('lets a trial through when its time is over, and closes when that succeeds', () => {
    const open = failTimes(3, ms(0));
    expect(breakerAt(open, ms(999)).phase).toBe('open');
    expect(breakerAt(open, ms(1_000)).phase).toBe('half-open');
    expect(breakerAfterSuccess(open, ms(1_000))).toEqual(closedBreaker);
  });

  it('opens for twice as long when the trial fails, up to the limit', () => {
    let breaker = failTimes(3, ms(0));
    const waits: number[] = [];
    for (let trial = 0; trial < 4; trial++) {
      if (breaker.phase !== 'open') throw new Error('expected an open breaker');
      const now = breaker.until;
      breaker = breakerAfterFailure(breaker, now, options);
      if (breaker.phase === 'open') waits.push(breaker.until - now);
    }
    expect(waits).toEqual([2_000, 4_000, 5_000, 5_000]);
  });

  it('stays open when an answer arrives that was in flight before it opened', () => {
    const open = tripBreaker(closedBreaker, ms(0), options, ms(60_000));
    expect(breakerAfterSuccess(open, ms(10))).toBe(open);
  });

  it('never refuses for ever, whatever happens', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), fc.nat(3_000)), { maxLength: 40 }), (history) => {
        let now = 0;
        let breaker = closedBreaker;
        for (const [success, wait] of history) {
          now += wait;
          breaker = success
            ? breakerAfterSuccess(breaker, ms(now))
            : breakerAfterFailure(breaker, ms(now), options);
        }
        expect(breakerAt(breaker, ms(now + options.maxOpenFor)).phase).not.toBe('open');
      }),
    );
  });
});
