import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { capacityOf, endEpochOf, newClass } from './price.ts';
import type { WorkClass } from './types.ts';

const work: WorkClass = { ...newClass(800), samples: [1_000, 1_000, 1_000, 1_000, 1_000, 1_000] };
const served = (cost: number) => ({ satisfied: cost, delivered: cost });
const priceAfter = (change: Partial<WorkClass>, minPrice = 8) =>
  endEpochOf({ ...work, ...change }, minPrice).price;

describe('the posted price', () => {
  it('stands in an idle class, and from three quarters of the capacity on as long as nobody waits', () => {
    expect(priceAfter({})).toBe(800);
    expect(priceAfter(served(750))).toBe(800);
    expect(priceAfter(served(1_000))).toBe(800);
  });

  it('falls by what is missing to three quarters, by an eighth at most', () => {
    expect(priceAfter(served(375))).toBe(750);
    expect(priceAfter(served(1))).toBe(701);
    expect(priceAfter({ delivered: 500 })).toBe(700);
  });

  it('rises by what waited, by an eighth at most', () => {
    expect(priceAfter({ ...served(900), placedBefore: 75 })).toBe(810);
    expect(priceAfter({ ...served(900), placedBefore: 1 })).toBe(801);
    expect(priceAfter({ ...served(1_000), placedBefore: 10_000 })).toBe(900);
  });

  it('moves by one at least, and not below the least price', () => {
    expect(priceAfter({ price: 8, ...served(900), placedBefore: 50 })).toBe(9);
    expect(priceAfter({ price: 8, ...served(10) })).toBe(8);
    expect(priceAfter({ price: 8 }, 16)).toBe(16);
  });

  it('never steps beyond an eighth, whatever happened', () => {
    const count = fc.integer({ min: 0, max: 2 ** 49 });
    fc.assert(
      fc.property(
        fc.record({ placedBefore: count, satisfied: count, delivered: count, offered: count }),
        fc.array(count, { maxLength: 6 }),
        fc.integer({ min: 8, max: 2 ** 41 }),
        (counts, samples, price) => {
          const after = endEpochOf({ ...work, ...counts, samples, price }, 8);
          expect(Math.abs(after.price - price) * 8).toBeLessThanOrEqual(price);
          expect(after.samples.every(Number.isSafeInteger)).toBe(true);
        },
      ),
      { seed: 5, numRuns: 500 },
    );
  });
});

describe('what a class can do', () => {
  const learned = (change: Partial<WorkClass>) => endEpochOf({ ...work, ...change }, 8).samples.at(-1);

  it('is learned from records and from epochs in which an eighth of it waited', () => {
    expect(learned(served(1_500))).toBe(1_500);
    expect(learned({ ...served(600), placedBefore: 125 })).toBe(600);
    expect(learned({ ...served(600), placedBefore: 124 })).toBe(1_000);
    expect(learned(served(600))).toBe(1_000);
  });

  it('believes offers by a sixteenth an epoch, while three quarters are used and nobody waits', () => {
    expect(learned({ ...served(800), offered: 9_999 })).toBe(1_062);
    expect(learned({ ...served(800), offered: 1_010 })).toBe(1_010);
    expect(learned({ ...served(700), offered: 9_999 })).toBe(1_000);
    expect(learned({ ...served(800), offered: 9_999, placedBefore: 1 })).toBe(1_000);
  });

  it('is the median of the last six', () => {
    expect(capacityOf([])).toBe(0);
    expect(capacityOf([7])).toBe(7);
    expect(capacityOf([1, 4])).toBe(2);
    expect(capacityOf([9, 1, 5])).toBe(5);
    expect(endEpochOf({ ...work, ...served(2_000) }, 8).samples).toHaveLength(6);
  });

  it('takes what was placed in this epoch for the next one', () => {
    expect(endEpochOf({ ...work, placed: 5, placedBefore: 7 }, 8)).toMatchObject({
      placed: 0,
      placedBefore: 5,
      history: [{ price: 800, demand: 7, waited: 7, delivered: 0 }],
    });
  });
});
