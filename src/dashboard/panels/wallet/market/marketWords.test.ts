import { describe, expect, it } from 'vitest';
import {
  className,
  costAtPrice,
  demandInWords,
  epochEnd,
  leftInOrder,
  marketSeries,
  shortUnits,
} from './marketWords.ts';

const epoch = { number: 12, seconds: 600, endsAt: 90_000 };
const now = { wall: 1_000_000_000, monotonic: 30_000 };

describe('epochs as times', () => {
  it('the present one ends when its countdown does', () => {
    expect(epochEnd(epoch, 12, now)).toBe(1_000_060_000);
  });
  it('others are whole epochs away', () => {
    expect(epochEnd(epoch, 11, now)).toBe(1_000_060_000 - 600_000);
    expect(epochEnd(epoch, 14, now)).toBe(1_000_060_000 + 1_200_000);
  });
  it('a chart has the oldest first, in seconds', () => {
    const point = (number: number) => ({ epoch: number, price: number, demand: 5, delivered: 4 });
    expect(marketSeries([point(10), point(11)], epoch, now)).toEqual({
      time: [998_860, 999_460],
      price: [10, 11],
      demand: [5, 5],
      delivered: [4, 4],
    });
  });
});

describe('asked for and offered', () => {
  it.each([
    [0, 0, 'Nobody offers this work and nobody asks'],
    [0, 5, 'whoever does gets it'],
    [10, 0, 'Nobody asks'],
    [10, 5, '50 % of what'],
    [10, 25, '(250 %): some of it waits'],
  ])('%d offered, %d asked for', (capacity, demand, words) =>
    expect(demandInWords({ capacity, demand })).toContain(words),
  );
});

it('work costs whole µVC, rounded down, however much it is', () => {
  expect(costAtPrice(1_999_999, 1)).toBe(1);
  expect(costAtPrice(25_000_000, 412_500)).toBe(10_312_500);
  expect(costAtPrice(9_007_199_254_740, 999_999)).toBe(9_007_190_247_540);
});

it('what is left of an order is never less than nothing', () => {
  expect(leftInOrder({ locked: 10, paid: 3 })).toBe(7);
  expect(leftInOrder({ locked: 3, paid: 10 })).toBe(0);
});

it('a class that is not known keeps its name', () => {
  expect(className('ocr')).toBe('Reading');
  expect(className('folding')).toBe('folding');
});

it('an axis has short figures', () => {
  expect([0, 640, 12_500, 1_250_000].map(shortUnits)).toEqual(['0', '640', '12.5 k', '1.25 M']);
});
