import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AuctionResult, type Bid, runBatchAuction } from './auction.ts';

const named = (side: string) => (prices: readonly number[]) =>
  prices.map((price, index): Bid => ({ id: `${side}${index}`, price }));
const bidsOf = named('b');
const asksOf = named('s');

describe('a batch auction', () => {
  it('trades everything worth it at one price between those who just miss', () => {
    expect(runBatchAuction(bidsOf([9, 8, 5]), asksOf([2, 3, 7]))).toEqual({
      buyers: ['b0', 'b1'],
      sellers: ['s0', 's1'],
      buyPrice: 6,
      sellPrice: 6,
      surplus: 0,
    });
  });

  it('leaves the last trade out where that price would not suit it', () => {
    expect(runBatchAuction(bidsOf([9, 5, 4]), asksOf([2, 4, 9]))).toEqual({
      buyers: ['b0'],
      sellers: ['s0'],
      buyPrice: 5,
      sellPrice: 4,
      surplus: 1,
    });
  });

  it('orders equals by id, and comes to nothing where nobody meets', () => {
    expect(runBatchAuction(bidsOf([5, 5, 5]), asksOf([1, 1])).buyers).toEqual(['b0']);
    expect(runBatchAuction(bidsOf([1]), asksOf([2])).buyers).toEqual([]);
    expect(runBatchAuction(bidsOf([3]), asksOf([2])).buyers).toEqual([]);
    expect(runBatchAuction([], []).surplus).toBe(0);
  });

  // Small prices make ties and near misses common.
  const prices = fc.array(fc.integer({ min: 0, max: 8 }), { maxLength: 5 });

  it('takes nothing from anybody, and never runs a deficit', () => {
    fc.assert(
      fc.property(prices, prices, (bids, asks) => {
        const result = runBatchAuction(bidsOf(bids), asksOf(asks));
        expect(result.buyers.length).toBe(result.sellers.length);
        expect(result.surplus).toBeGreaterThanOrEqual(0);
        for (const id of result.buyers)
          expect(bids[Number(id.slice(1))] ?? 0).toBeGreaterThanOrEqual(result.buyPrice);
        for (const id of result.sellers)
          expect(asks[Number(id.slice(1))] ?? 9).toBeLessThanOrEqual(result.sellPrice);
      }),
      { seed: 7, numRuns: 400 },
    );
  });

  it('rewards no lie: of all prices one could name, the own is as good as any', () => {
    const gainOfBuyer = (result: AuctionResult, id: string, worth: number) =>
      result.buyers.includes(id) ? worth - result.buyPrice : 0;
    const gainOfSeller = (result: AuctionResult, id: string, cost: number) =>
      result.sellers.includes(id) ? result.sellPrice - cost : 0;
    const instead = (prices: readonly number[], at: number, lie: number) =>
      prices.map((price, index) => (index === at ? lie : price));
    fc.assert(
      fc.property(prices, prices, (bids, asks) => {
        const honest = runBatchAuction(bidsOf(bids), asksOf(asks));
        for (let lie = 0; lie <= 9; lie++) {
          for (const [at, worth] of bids.entries()) {
            const lied = runBatchAuction(bidsOf(instead(bids, at, lie)), asksOf(asks));
            expect(gainOfBuyer(lied, `b${at}`, worth)).toBeLessThanOrEqual(
              gainOfBuyer(honest, `b${at}`, worth),
            );
          }
          for (const [at, cost] of asks.entries()) {
            const lied = runBatchAuction(bidsOf(bids), asksOf(instead(asks, at, lie)));
            expect(gainOfSeller(lied, `s${at}`, cost)).toBeLessThanOrEqual(
              gainOfSeller(honest, `s${at}`, cost),
            );
          }
        }
      }),
      { seed: 7, numRuns: 300 },
    );
  });
});
