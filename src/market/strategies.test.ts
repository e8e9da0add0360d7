import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AccountId } from '../core/brand.ts';
import { unwrap } from '../core/result.ts';
import { allocate, type Strategy, strategyTable, type Worker } from './strategies.ts';

const worker = (account: string, change: Partial<Worker> = {}): Worker => ({
  account: account as AccountId,
  speed: 100,
  reliability: 900,
  minPrice: 10,
  capacity: undefined,
  given: 0,
  ...change,
});
const sharesOf = (workers: readonly Worker[], strategy: Strategy, cost = 1_000) =>
  Object.fromEntries(unwrap(allocate(cost, 50, workers, strategy, 'seed')).shares);

describe('an allocation', () => {
  const workers = [
    worker('cheap', { minPrice: 5 }),
    worker('fast', { speed: 400 }),
    worker('reliable', { reliability: 1_000, speed: 50, minPrice: 20 }),
    worker('waited', { speed: 50, reliability: 600, minPrice: 20 }),
  ].map((one) => (one.account === ('waited' as AccountId) ? one : { ...one, given: 900 }));

  it('gives most to whom the strategy looks for', () => {
    const best = (strategy: Strategy) =>
      Object.entries(sharesOf(workers, strategy)).toSorted((a, b) => b[1] - a[1])[0]?.[0];
    expect(best('cost')).toBe('cheap');
    expect(best('speed')).toBe('fast');
    expect(best('fair')).toBe('waited');
    expect(best('balanced')).toBe('fast');
    const reliable = sharesOf(workers, 'quality');
    expect(reliable['reliable'] ?? 0).toBeGreaterThan((reliable['waited'] ?? 0) * 2);
  });

  it('comes to all of the cost, in whole numbers, within everybody’s room', () => {
    const some = fc.record({
      speed: fc.nat(1_000),
      reliability: fc.nat(1_000),
      minPrice: fc.nat(80),
      capacity: fc.option(fc.nat(50), { nil: undefined }),
      given: fc.nat(500),
    });
    fc.assert(
      fc.property(
        fc.array(some, { maxLength: 80 }),
        fc.integer({ min: 1, max: 5_000 }),
        fc.constantFrom(...(Object.keys(strategyTable) as Strategy[])),
        (drawn, cost, strategy) => {
          const all = drawn.map((change, index) => worker(`w${index}`, change));
          const willing = all.filter(({ minPrice, capacity }) => minPrice <= 50 && capacity !== 0);
          const result = allocate(cost, 50, all, strategy, 'seed');
          expect(result.ok).toBe(willing.length > 0);
          if (!result.ok) return;
          const { shares, unplaced } = result.value;
          expect(shares.reduce((sum, [, share]) => sum + share, unplaced)).toBe(cost);
          expect(shares.length).toBeLessThanOrEqual(64);
          for (const [account, share] of shares) {
            const capacity = willing.find((one) => one.account === account)?.capacity;
            expect(Number.isSafeInteger(share) && share >= 1 && share <= (capacity ?? cost)).toBe(true);
          }
          const room = willing.slice(0, 64).every(({ capacity }) => capacity !== undefined);
          if (willing.length <= 64 && !room) expect(unplaced).toBe(0);
        },
      ),
      { seed: 9, numRuns: 200 },
    );
  });

  it('lets the order decide between equals', () => {
    const equals = [worker('a'), worker('b'), worker('c')];
    const first = (seed: string) =>
      unwrap(allocate(1, 50, equals, 'balanced', seed)).shares.map(([account]) => account)[0];
    expect(new Set(['1', '2', '3', '4', '5', '6', '7'].map(first)).size).toBeGreaterThan(1);
  });

  it('says why there is nobody', () => {
    const reason = (workers: readonly Worker[]) => {
      const result = allocate(1, 50, workers, 'cost', '');
      return result.ok ? '' : result.error.message;
    };
    expect(reason([])).toContain('nobody offers this work');
    expect(reason([worker('a', { minPrice: 60 })])).toContain('asks for 0.00006 VC');
    expect(reason([worker('a', { capacity: 0 })])).toContain('has room');
  });
});
