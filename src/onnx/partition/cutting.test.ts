import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { balance, type Segment } from './balance.ts';
import { dominatorsOf } from './dominators.ts';

const seeded = { seed: 11, numRuns: 200 } as const;

/** Edges to each vertex from earlier ones, at least one. */
const graphs = fc
  .integer({ min: 2, max: 14 })
  .chain((count) =>
    fc.tuple(
      ...Array.from({ length: count - 1 }, (_, i) =>
        fc.uniqueArray(fc.integer({ min: 0, max: i }), { minLength: 1, maxLength: 3 }),
      ),
    ),
  )
  .map((lists) => [[], ...lists]);

/** Vertices that can be reached from `start` over edges that don't touch `without`. */
const reached = (from: readonly (readonly number[])[], start: number, without?: number) => {
  const found = new Set([start]);
  from.forEach((sources, vertex) => {
    if (vertex !== without && sources.some((source) => source !== without && found.has(source)))
      found.add(vertex);
  });
  return found;
};

describe('dominators', () => {
  it('are what all ways lead over, and gates what all behind them is dominated by', () => {
    fc.assert(
      fc.property(graphs, (from) => {
        const { parent, depth, isGate } = dominatorsOf(from);
        const dominates = (d: number, v: number) => d === v || (d === 0 ? true : !reached(from, 0, d).has(v));
        from.forEach((_, v) => {
          const above = from.flatMap((__, d) => (d !== v && dominates(d, v) ? [d] : []));
          expect(depth[v]).toBe(above.length);
          if (v > 0) expect(parent[v]).toBe(Math.max(...above));
          expect(isGate[v]).toBe([...reached(from, v)].every((behind) => dominates(v, behind)));
        });
      }),
      seeded,
    );
  });

  it('are found in a row of a hundred thousand, and with a way back to the start from each', () => {
    const count = 100_000;
    const row = Array.from({ length: count }, (_, i) => (i === 0 ? [] : [i - 1]));
    expect(dominatorsOf(row).isGate.every(Boolean)).toBe(true);
    const skips = row.map((edges, i) => (i > count / 2 ? [count / 2, i % 7] : edges));
    expect(dominatorsOf(skips).depth[count - 1]).toBeLessThan(8);
  });
});

const segmentsOf = (costs: readonly number[]): readonly Segment[] =>
  costs.map((cost, i) => ({ needs: new Map([[`${i}`, cost]]), sent: 1 }));

/** The least that the fullest stage can be filled, by trying all ways. */
const leastFullest = (costs: readonly number[], [capacity = 1, ...more]: readonly number[]): number => {
  const sum = costs.reduce((a, b) => a + b, 0) / capacity;
  if (more.length === 0) return costs.length === 0 ? Number.POSITIVE_INFINITY : sum;
  let least = Number.POSITIVE_INFINITY;
  for (let own = 1; own < costs.length; own++) {
    const first = costs.slice(0, own).reduce((a, b) => a + b, 0) / capacity;
    least = Math.min(least, Math.max(first, leastFullest(costs.slice(own), more)));
  }
  return least;
};

describe('a balance', () => {
  it('fills the fullest stage as little as any does', () => {
    const costs = fc.array(fc.integer({ min: 0, max: 50 }), { minLength: 1, maxLength: 9 });
    const capacities = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(costs, capacities, (segments, shares) => {
        const lasts = balance(segmentsOf(segments), shares);
        expect(lasts === undefined).toBe(segments.length < shares.length);
        if (lasts === undefined) return;
        const ends = [...lasts, segments.length - 1];
        expect(ends).toHaveLength(shares.length);
        const fillings = shares.map((share, i) => {
          const own = segments.slice((ends[i - 1] ?? -1) + 1, (ends[i] ?? 0) + 1);
          expect(own.length).toBeGreaterThan(0);
          return own.reduce((a, b) => a + b, 0) / share;
        });
        expect(Math.max(...fillings)).toBeCloseTo(leastFullest(segments, shares), 9);
      }),
      seeded,
    );
  });

  it('counts once what two segments of a stage share, and sends the narrower of two tensors', () => {
    const shared = (own: string, sent: number): Segment => ({
      needs: new Map([
        ['table', 100],
        [own, 10],
      ]),
      sent,
    });
    const plain = (own: string, sent: number): Segment => ({ needs: new Map([[own, 60]]), sent });
    expect(balance([shared('a', 1), shared('b', 1), plain('c', 1), plain('d', 0)], [1, 1])).toEqual([1]);
    const free = (sent: number): Segment => ({ needs: new Map(), sent });
    expect(balance([plain('a', 9), free(4), free(9), plain('b', 0)], [1, 1])).toEqual([1]);
  });
});
