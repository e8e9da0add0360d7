import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { handOver, look, type Pacing, paceOf, startPacing } from './pacing.ts';

const kib = 1024;

/** A channel that drains `rate` bytes a millisecond, kept full by somebody who looks when half has left, or `late`. */
const saturate = (rate: number, options: { for: number; late?: number; from?: Pacing }) => {
  const start = options.from?.at ?? 0;
  let now = start;
  let left = 0;
  let unsent = 0;
  let pacing = options.from ?? startPacing(now);
  const end = now + options.for;
  let waiting = false;
  while (now < end) {
    pacing = look(pacing, { now, unsent, waiting });
    const { highWaterBytes, lowWaterBytes } = paceOf(pacing, 256 * kib);
    pacing = handOver(pacing, Math.max(0, highWaterBytes - unsent));
    unsent = Math.max(unsent, highWaterBytes);
    waiting = true;
    const wait = (unsent - lowWaterBytes) / rate + (options.late ?? 0);
    now += wait;
    const drained = Math.min(unsent, wait * rate);
    unsent -= drained;
    left += drained;
  }
  return { pacing, rate: left / (now - start) };
};

describe('pacing', () => {
  it('lets no more wait than leaves within 15 ms, on any path that is not slower than its least window', () => {
    fc.assert(
      fc.property(fc.double({ min: 10, max: 100_000, noNaN: true }), (rate) => {
        const { highWaterBytes, frameBytes } = paceOf(saturate(rate, { for: 2_000 }).pacing, 256 * kib);
        const leavesWithin15ms = Math.min(1024 * kib, Math.max(64 * kib, rate * 15));
        expect(highWaterBytes).toBeLessThanOrEqual(leavesWithin15ms * 1.01);
        expect(highWaterBytes).toBeGreaterThan(leavesWithin15ms * 0.9);
        expect(frameBytes).toBeGreaterThanOrEqual(16 * kib);
        expect(frameBytes).toBeLessThanOrEqual(256 * kib);
      }),
    );
  });

  it('opens the window of a tab that always looks too late, so that the channel is seldom empty', () => {
    // With the window of a punctual tab it would be empty almost half of the time.
    expect(saturate(20_000, { for: 3_000, late: 20 }).rate).toBeGreaterThan(20_000 * 0.75);
  });

  it('closes it within half a second when the path gets slower', () => {
    const fast = saturate(70_000, { for: 1_000 }).pacing;
    expect(fast.highWater).toBeGreaterThan(900 * kib);
    const slow = saturate(5_000, { for: 500, from: fast }).pacing;
    expect(slow.highWater).toBeLessThan(120 * kib);
  });

  it('learns nothing from a channel with little to send, however slowly that comes', () => {
    let pacing = startPacing(0);
    for (let now = 0; now < 10_000; now += 100) {
      pacing = handOver(look(pacing, { now, unsent: 0, waiting: false }), 40 * kib);
    }
    expect(pacing.highWater).toBe(64 * kib);
  });

  it('keeps four frames in its window, so that one never passes the low-water mark alone', () => {
    const { highWaterBytes, lowWaterBytes, frameBytes } = paceOf(startPacing(0), 256 * kib);
    expect(highWaterBytes).toBe(64 * kib);
    expect(frameBytes).toBe(16 * kib);
    expect(lowWaterBytes).toBe(32 * kib);
    expect(paceOf(startPacing(0), 4 * kib).frameBytes).toBe(4 * kib);
  });
});
