import { describe, expect, it } from 'vitest';
import { createSeededNumbers, measurePairs, overheadOf } from './pairs.ts';

describe('what something adds', () => {
  it('is the middle of the pairs, whatever a few of them met', () => {
    const pairs = Array.from({ length: 31 }, (_, i) => ({ on: i < 3 ? 500 : 102 + (i % 3), off: 100 }));
    const { percent, high } = overheadOf(pairs, createSeededNumbers(1));
    expect(percent).toBeCloseTo(3);
    expect(high).toBeCloseTo(4);
  });

  it('is bounded by what the pairs leave open: much where they differ much', () => {
    const random = createSeededNumbers(5);
    const noisy = (noise: number) =>
      Array.from({ length: 40 }, () => ({ on: 100 + noise * (random() - 0.5), off: 100 }));
    const bound = (noise: number) => overheadOf(noisy(noise), createSeededNumbers(9)).high;
    expect(bound(2)).toBeLessThan(1);
    expect(bound(40)).toBeGreaterThan(2 * bound(2));
  });

  it('holds the bound in nineteen of twenty cases', () => {
    const random = createSeededNumbers(3);
    let held = 0;
    for (let i = 0; i < 40; i++) {
      const pairs = Array.from({ length: 30 }, () => ({ on: 101 + 10 * (random() - 0.5), off: 100 }));
      if (overheadOf(pairs, random, 500).high >= 1) held++;
    }
    expect(held).toBeGreaterThanOrEqual(35);
  });

  it('meets both first, about as often', async () => {
    const order: boolean[] = [];
    const pairs = await measurePairs(40, createSeededNumbers(2), async (on) => {
      order.push(on);
      return on ? 2 : 1;
    });
    expect(pairs.every(({ on, off }) => on === 2 && off === 1)).toBe(true);
    const onFirst = order.filter((on, i) => i % 2 === 0 && on).length;
    expect(onFirst).toBeGreaterThan(10);
    expect(onFirst).toBeLessThan(30);
  });
});
