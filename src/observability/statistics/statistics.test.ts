import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { normal, seededRandom } from '../metrics/testDoubles.ts';
import { robustZ, spreadOf, zOf } from './deviation.ts';
import { ewma, ewmaOf, startEwma } from './ewma.ts';
import { forecastReach } from './forecast.ts';
import { lttb } from './lttb.ts';
import { medianOf, quantileOf, sortedFinite } from './quantiles.ts';
import { seasonalSpread } from './seasonal.ts';
import { mannKendall, theilSen, thinned, trendOf } from './trend.ts';
import type { TimedValue } from './types.ts';

const hour = 3_600_000;
const day = 24 * hour;
const hourly = (values: readonly number[]): TimedValue[] =>
  values.map((value, i) => ({ at: i * hour, value }));
const finite = fc.double({ noNaN: true, noDefaultInfinity: true });

describe('quantiles', () => {
  it('lie between the values', () => {
    expect(medianOf([3, 1, 2])).toBe(2);
    expect(medianOf([4, 1, 2, 3])).toBe(2.5);
    expect(medianOf([Number.NaN, 5, Number.POSITIVE_INFINITY])).toBe(5);
    expect(medianOf([])).toBeUndefined();
    expect(quantileOf([0, 10], 0.25)).toBe(2.5);
    expect(quantileOf([1], 2)).toBeUndefined();
    expect(quantileOf([-Number.MAX_VALUE, Number.MAX_VALUE], 0.5)).toBe(0);
  });

  it('never leave the range of the values', () => {
    fc.assert(
      fc.property(
        fc.array(finite, { minLength: 1, maxLength: 30 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (values, q) => {
          const sorted = sortedFinite(values);
          const quantile = quantileOf(sorted, q)!;
          expect(quantile).toBeGreaterThanOrEqual(sorted[0]! - 1e-12 * Math.abs(sorted[0]!));
          expect(quantile).toBeLessThanOrEqual(sorted.at(-1)! + 1e-12 * Math.abs(sorted.at(-1)!));
        },
      ),
      { seed: 21, numRuns: 200 },
    );
  });
});

describe('what is unusual', () => {
  it('is far from the median, in deviations that outliers do not move', () => {
    const values = [10, 12, 11, 9, 10, 11, 10, 50];
    expect(robustZ(50, values)).toBeCloseTo(53.285, 2);
    expect(spreadOf([...values, 1e9])?.deviation).toBeCloseTo(1.4826, 4);
  });

  it('is measured by the mean deviation where most values are the same', () => {
    const values = [5, 5, 5, 5, 5, 9];
    expect(spreadOf(values)?.deviation).toBeCloseTo((1.253314 * 4) / 6, 5);
    expect(robustZ(9, values)).toBeCloseTo(4.787, 3);
  });

  it('is anything else beside values that are all the same', () => {
    expect(robustZ(5, [5, 5, 5])).toBe(0);
    expect(robustZ(6, [5, 5, 5])).toBe(Number.POSITIVE_INFINITY);
    expect(robustZ(4, [5, 5, 5])).toBe(Number.NEGATIVE_INFINITY);
    expect(robustZ(4, [])).toBeUndefined();
  });

  it('is like a standard deviation of normal values', () => {
    const random = seededRandom(3);
    const values = Array.from({ length: 4_000 }, () => 100 + 5 * normal(random));
    expect(spreadOf(values)?.deviation).toBeCloseTo(5, 0);
  });
});

describe('a moving average', () => {
  it('comes to the published value', () => {
    expect(ewmaOf([10, 12, 11, 9, 10, 30], 0.2, 10)).toBeCloseTo(14.13824, 5);
  });

  it('learns how far values scatter, and ignores what is no value', () => {
    const random = seededRandom(4);
    let state = startEwma(50);
    for (let i = 0; i < 3_000; i++) state = ewma(state, 50 + 2 * normal(random), 0.01);
    expect(state.mean).toBeCloseTo(50, 0);
    expect(Math.sqrt(state.variance)).toBeCloseTo(2, 0);
    expect(ewma(state, Number.NaN, 0.01)).toBe(state);
    expect(state.samples).toBe(3_001);
  });
});

describe('what is usual at an hour', () => {
  /** Loud at noon, and louder on the day of the week on which 1970 began. */
  const weeks = (count: number) =>
    Array.from({ length: count * 7 * 24 }, (_, i): TimedValue => {
      const noon = i % 24 === 12;
      const louder = Math.floor(i / 24) % 7 === 0;
      return { at: i * hour, value: (noon ? 100 : 10) + (noon && louder ? 400 : 0) + (i % 5) };
    });

  it('is nothing before there were enough days', () => {
    expect(seasonalSpread(weeks(1).slice(0, 4 * 24 + 13), 4 * day + 12 * hour)).toBeUndefined();
  });

  it('is that hour of other days, then that hour of the same day of other weeks', () => {
    const noonOfFirstDay = (week: number) => week * 7 * day + 12 * hour;
    const afterOneWeek = seasonalSpread(weeks(1), noonOfFirstDay(1))!;
    expect(afterOneWeek.center).toBeLessThan(110);
    expect(zOf(501, afterOneWeek)).toBeGreaterThan(100);
    const afterFourWeeks = seasonalSpread(weeks(4), noonOfFirstDay(4))!;
    expect(afterFourWeeks.center).toBeGreaterThan(490);
    expect(Math.abs(zOf(501, afterFourWeeks))).toBeLessThan(3);
    expect(seasonalSpread(weeks(4), noonOfFirstDay(4) + 3 * hour)!.center).toBeLessThan(15);
  });

  it('does not know the future, nor the hour that is going on', () => {
    const at = 7 * day + 12 * hour + 30 * 60_000;
    const later = [...weeks(1), { at: at - 60_000, value: 1e9 }, { at: at + day, value: 1e9 }];
    expect(seasonalSpread(later, at)).toEqual(seasonalSpread(weeks(1), at));
  });
});

describe('a trend', () => {
  const rising = [1, 2.3, 3.1, 4.5, 5.2, 6.8, 7.1, 8.9, 9.5, 10.2];
  const tied = [5, 5, 6, 4, 7, 6, 8, 7, 9, 9];

  it('has the published numbers', () => {
    const { s, z, p } = mannKendall(rising);
    expect([s, z]).toEqual([45, expect.closeTo(3.93548, 5)]);
    expect(p).toBeCloseTo(8.303e-5, 8);
    expect(trendOf(hourly(rising))).toMatchObject({
      slopePerHour: expect.closeTo(1.05, 9),
      direction: 'rising',
      s: 45,
      samples: 10,
    });
  });

  it('has the published numbers with ties', () => {
    expect(mannKendall(tied)).toMatchObject({ s: 31, variance: 121, z: expect.closeTo(2.72727, 5) });
    expect(mannKendall(tied).p).toBeCloseTo(0.006386, 6);
    expect(trendOf(hourly(tied))?.slopePerHour).toBeCloseTo(0.5, 9);
  });

  it('is over real time, not over the number of a sample', () => {
    const line = [0, 1, 2, 3, 10, 11, 50, 51, 52, 53].map((hours) => ({
      at: hours * hour,
      value: 3 * hours + 7,
    }));
    expect(trendOf(line)).toMatchObject({
      slopePerHour: expect.closeTo(3, 9),
      intercept: expect.closeTo(7, 9),
    });
    expect(trendOf(line.toReversed())).toEqual(trendOf(line));
  });

  it('is none in noise, in what never changes, and in too little', () => {
    const random = seededRandom(5);
    expect(trendOf(hourly(Array.from({ length: 200 }, () => normal(random))))?.direction).toBe('none');
    expect(trendOf(hourly(Array<number>(50).fill(7)))).toMatchObject({
      direction: 'none',
      slopePerHour: 0,
      p: 1,
    });
    expect(trendOf(hourly([1, 2, 3, 4, 5, 6, 7]))).toBeUndefined();
    expect(trendOf(Array.from({ length: 20 }, (_, i) => ({ at: 5, value: i })))).toBeUndefined();
  });

  it('is found in noise seldom: as often as its significance says', () => {
    const random = seededRandom(6);
    const found = Array.from({ length: 1_500 }, () =>
      mannKendall(Array.from({ length: 30 }, () => normal(random))),
    ).filter(({ p }) => p < 0.05);
    expect(found.length / 1_500).toBeGreaterThan(0.03);
    expect(found.length / 1_500).toBeLessThan(0.07);
  });

  it('holds its true slope in the interval of its slope, about 19 times in 20', () => {
    const random = seededRandom(8);
    let held = 0;
    for (let run = 0; run < 300; run++) {
      const values = hourly(Array.from({ length: 30 }, (_, i) => 2 * i + 10 * normal(random)));
      const { lower, upper } = theilSen(values, mannKendall(values.map(({ value }) => value)).variance)!;
      if (lower * hour <= 2 && 2 <= upper * hour) held++;
    }
    expect(held / 300).toBeGreaterThan(0.91);
  });

  it('ignores what is no number, and is not moved by single outliers', () => {
    const values = hourly(Array.from({ length: 60 }, (_, i) => 2 * i));
    values[10] = { at: 10 * hour, value: Number.NaN };
    values[20] = { at: 20 * hour, value: 1e12 };
    values[30] = { at: Number.POSITIVE_INFINITY, value: 3 };
    expect(trendOf(values)?.slopePerHour).toBeCloseTo(2, 2);
  });

  it('is read from every n-th of very many points, the newest among them', () => {
    const many = hourly(Array.from({ length: 5_001 }, (_, i) => 0.5 * i));
    expect(trendOf(many)).toMatchObject({ slopePerHour: expect.closeTo(0.5, 9), samples: 1_667 });
    const kept = thinned(many, 100);
    expect(kept.length).toBeLessThanOrEqual(100);
    expect(kept.at(-1)).toBe(many.at(-1));
  });
});

describe('a forecast', () => {
  it('says when a limit is reached, and between when and when', () => {
    const random = seededRandom(9);
    const values = hourly(Array.from({ length: 48 }, (_, i) => 100 + 2 * i + 3 * normal(random)));
    const reach = forecastReach(values, 300)!;
    expect(reach.likely / hour).toBeGreaterThan(95);
    expect(reach.likely / hour).toBeLessThan(105);
    expect(reach.earliest).toBeLessThan(reach.likely);
    expect(reach.latest).toBeGreaterThan(reach.likely);
    expect(reach.samples).toBe(48);
  });

  it('is exact for a line', () => {
    const reach = forecastReach(hourly(Array.from({ length: 11 }, (_, i) => 10 * i)), 200)!;
    expect([reach.earliest, reach.likely, reach.latest].map((at) => Math.round(at! / hour))).toEqual([
      20, 20, 20,
    ]);
  });

  it('is exact for a line of very many points', () => {
    const reach = forecastReach(hourly(Array.from({ length: 5_002 }, (_, i) => 10 * i)), 60_000)!;
    expect(Math.round(reach.likely / hour)).toBe(6_000);
  });

  it('is now for what has reached its limit', () => {
    const values = hourly(Array.from({ length: 11 }, (_, i) => 10 * i));
    expect(forecastReach(values, 50)?.likely).toBe(10 * hour);
  });

  it('is none for what falls or does not change', () => {
    const random = seededRandom(10);
    expect(forecastReach(hourly(Array.from({ length: 40 }, (_, i) => -i)), 100)).toBeUndefined();
    expect(forecastReach(hourly(Array.from({ length: 40 }, () => normal(random))), 100)).toBeUndefined();
    expect(forecastReach([], 100)).toBeUndefined();
  });
});

describe('a line with fewer points', () => {
  const zigzag = [0, 1, 0, 5, 0, 1, 0, -4, 0, 1].map((value, at) => ({ at, value }));

  it('keeps the published ones', () => {
    expect(lttb(zigzag, 5)).toEqual([0, 2, 3, 7, 9]);
  });

  it('keeps all of few', () => {
    expect(lttb(zigzag, 10)).toHaveLength(10);
    expect(lttb(zigzag, 2)).toHaveLength(10);
    expect(lttb([], 5)).toEqual([]);
  });

  it('has as many points as asked, in order, with both ends', () => {
    fc.assert(
      fc.property(
        fc.array(finite, { minLength: 4, maxLength: 200 }),
        fc.integer({ min: 3, max: 50 }),
        (values, target) => {
          const kept = lttb(hourly(values), target);
          expect(kept).toHaveLength(Math.min(values.length, target));
          expect(kept).toEqual([...new Set(kept)].sort((a, b) => a - b));
          expect([kept[0], kept.at(-1)]).toEqual([0, values.length - 1]);
        },
      ),
      { seed: 22, numRuns: 200 },
    );
  });
});
