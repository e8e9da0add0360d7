import { describe, expect, it } from 'vitest';
import type { CreditsView, ReceiptView } from '../../app/readModels.ts';
import type { MilliCredits } from '../../core/brand.ts';
import { creditSeries, lastKnown, summarizeSeries } from './series.ts';

const receipt = (
  at: number,
  direction: ReceiptView['direction'],
  milliCredits: number,
  state: ReceiptView['state'] = 'whole',
): ReceiptView =>
  ({
    direction,
    state,
    otherName: undefined,
    receipt: { body: { at, cost: { milliCredits } } },
  }) as ReceiptView;

const credits = (earned: number, spent: number, receipts: readonly ReceiptView[]): CreditsView => ({
  earned: earned as MilliCredits,
  spent: spent as MilliCredits,
  receipts,
});

describe('credits over time', () => {
  it('runs from the oldest receipt to the totals', () => {
    const view = credits(30, 5, [
      receipt(3_000, 'earned', 20),
      receipt(2_000, 'spent', 5),
      receipt(1_000, 'earned', 10),
    ]);
    expect(creditSeries(view)).toEqual({ time: [1, 2, 3], earned: [10, 10, 30], spent: [0, 5, 5] });
  });

  it('starts above zero when older receipts are not listed', () => {
    expect(creditSeries(credits(100, 0, [receipt(1_000, 'earned', 10)])).earned).toEqual([100]);
    expect(creditSeries(credits(100, 7, [receipt(1_000, 'earned', 10)])).spent).toEqual([7]);
  });

  it('counts neither claims nor own work', () => {
    const view = credits(0, 0, [receipt(1_000, 'earned', 10, 'claim'), receipt(2_000, 'own', 10)]);
    expect(creditSeries(view)).toEqual({ time: [], earned: [], spent: [] });
  });

  it('makes one point of one instant', () => {
    const view = credits(30, 0, [receipt(1_000, 'earned', 10), receipt(1_000, 'earned', 20)]);
    expect(creditSeries(view)).toEqual({ time: [1], earned: [30], spent: [0] });
  });
});

describe('a chart in words', () => {
  const round = (value: number) => `${value} ms`;
  it('names now, lowest and highest, over the gaps', () => {
    expect(summarizeSeries('RTT', [4, null, 9, 2, null], round)).toBe(
      'RTT: now 2 ms, between 2 ms and 9 ms.',
    );
    expect(lastKnown([4, null, 9, 2, null])).toBe(2);
  });
  it('says when there is nothing', () => {
    expect(summarizeSeries('RTT', [null, null], round)).toBe('RTT: no samples yet.');
    expect(lastKnown([])).toBeUndefined();
  });
});
