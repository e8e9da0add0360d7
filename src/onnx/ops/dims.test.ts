import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addDims, canonical, divideDims, isOtherDim, isSameDim, multiplyDims, subtractDims } from './dims.ts';
import { reshapeTo } from './movement.ts';
import { Misfit } from './schema.ts';
import { broadcastShapes } from './shapes.ts';
import { sliceDim } from './slicing.ts';

describe('arithmetic on names', () => {
  it.each([
    [addDims('past', 'seq'), 'past+seq'],
    [addDims('past+seq', -1), 'past+seq-1'],
    [addDims('n', 'n'), '2*n'],
    [subtractDims('past+seq', 'past'), 'seq'],
    [multiplyDims('seq', 'batch'), 'batch*seq'],
    [multiplyDims('n+1', 2), '2*n+2'],
    [multiplyDims('n', 0), 0],
    [divideDims('batch*seq', 'seq'), 'batch'],
    [divideDims('4*n+2', 2), '2*n+1'],
    [divideDims('n', 2), undefined],
    [divideDims('n+1', 'n+1'), 1],
    [addDims('floor(s/2)', 1), 'floor(s/2)+1'],
    [multiplyDims('n', 0.5), undefined],
    [addDims(undefined, 1), undefined],
    [canonical('past_sequence_length + 1'), 'past_sequence_length+1'],
  ])('%s is %s', (found, wanted) => {
    expect(found).toBe(wanted);
  });

  it('knows what is the same, what is another, and what nobody knows', () => {
    expect(isSameDim('a+b', 'b + a')).toBe(true);
    expect(isOtherDim('n', 'n+1')).toBe(true);
    expect(isOtherDim('n', 'm')).toBe(false);
    expect(isOtherDim('n', 3)).toBe(false);
  });

  it('agrees with numbers put in for the names', () => {
    const dim = fc.constantFrom('a', 'b', 'a+b', '2*a', 'a*b', 'b-1');
    const at = (name: unknown, a: number, b: number) =>
      typeof name === 'string' ? Function('a', 'b', `return ${name}`)(a, b) : name;
    fc.assert(
      fc.property(dim, dim, fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 }), (p, q, a, b) => {
        const [x, y] = [at(p, a, b), at(q, a, b)];
        expect(at(addDims(p, q), a, b)).toBe(x + y);
        expect(at(subtractDims(p, q), a, b)).toBe(x - y);
        expect(at(multiplyDims(p, q), a, b)).toBe(x * y);
        const quotient = divideDims(multiplyDims(p, q), q);
        if (quotient !== undefined && y !== 0) expect(at(quotient, a, b)).toBe(x);
      }),
      { seed: 2, numRuns: 300 },
    );
  });

  it('stays bounded: what gets too long is not known', () => {
    let sum: ReturnType<typeof addDims> = 'x0';
    for (let i = 1; i < 50; i++) sum = addDims(sum, `x${i}`);
    expect(sum).toBeUndefined();
    const long = 'x'.repeat(5_000);
    expect(canonical(long)).toBe(long);
  });
});

const attempt = <T>(work: () => T): T | 'misfit' => {
  try {
    return work();
  } catch (error) {
    if (error instanceof Misfit) return 'misfit';
    throw error;
  }
};
const dims = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 });

describe('broadcasting', () => {
  it('is what walking over all elements gives', () => {
    const simulate = (a: readonly number[], b: readonly number[]) => {
      const rank = Math.max(a.length, b.length);
      const pad = (list: readonly number[]) => [...Array(rank - list.length).fill(1), ...list] as number[];
      const [left, right] = [pad(a), pad(b)];
      const result = left.map((dim, i) => (dim === 1 ? (right[i] ?? 1) : dim));
      return right.some((dim, i) => dim !== 1 && dim !== result[i]) ? 'misfit' : result;
    };
    fc.assert(
      fc.property(dims, dims, (a, b) => {
        expect(attempt(() => broadcastShapes([a, b]))).toEqual(simulate(a, b));
      }),
      { seed: 3, numRuns: 400 },
    );
  });

  it('of names claims only what holds for every number', () => {
    expect(
      broadcastShapes([
        ['n', 1],
        [1, 'm'],
      ]),
    ).toEqual(['n', 'm']);
    expect(broadcastShapes([['n'], ['m']])).toEqual([undefined]);
    expect(broadcastShapes([['n'], ['n']])).toEqual(['n']);
    expect(broadcastShapes([['n'], [5]])).toEqual([5]);
    expect(broadcastShapes([undefined, [5]])).toBeUndefined();
  });
});

describe('reshaping', () => {
  it('keeps the number of elements, or is refused', () => {
    const target = fc.array(fc.integer({ min: -1, max: 6 }), { maxLength: 4 });
    const product = (list: readonly number[]) => list.reduce((a, b) => a * b, 1);
    fc.assert(
      fc.property(
        dims.filter((list) => !list.includes(0)),
        target,
        (from, to) => {
          const found = attempt(() => reshapeTo(from, to, false));
          const copied = to.map((dim, i) => (dim === 0 ? (from[i] ?? Number.NaN) : dim));
          const rest = product(copied.filter((dim) => dim !== -1));
          const open = copied.filter((dim) => dim === -1).length;
          const fits = open === 0 ? rest === product(from) : open === 1 && product(from) % rest === 0;
          if (!fits) expect(found).toBe('misfit');
          else expect(found).toEqual(copied.map((dim) => (dim === -1 ? product(from) / rest : dim)));
        },
      ),
      { seed: 4, numRuns: 500 },
    );
  });

  it('divides names', () => {
    expect(reshapeTo(['batch', 'seq', 576], [0, -1, 9, 64], false)).toEqual(['batch', 'seq', 9, 64]);
    expect(reshapeTo(['batch', 'seq', 576], [-1, 576], false)).toEqual(['batch*seq', 576]);
    expect(reshapeTo(['batch', 9, 'seq', 64], ['batch', 'seq', -1], false)).toEqual(['batch', 'seq', 576]);
    expect(reshapeTo(['n', 10], [3, -1], false)).toEqual([3, undefined]);
    expect(attempt(() => reshapeTo([2, 0], [0, -1], true))).toBe('misfit');
  });
});

describe('slicing', () => {
  it('counts what a loop over the indices finds', () => {
    const number = fc.integer({ min: -7, max: 7 });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 6 }),
        number,
        number,
        fc.constantFrom(1, 2, 3),
        (dim, start, end, step) => {
          const list = Array.from({ length: dim }, (_, i) => i).slice(start, end);
          expect(sliceDim(dim, start, end, step)).toBe(list.filter((_, i) => i % step === 0).length);
        },
      ),
      { seed: 5, numRuns: 400 },
    );
    expect(sliceDim(5, -1, -(2 ** 63), -1)).toBe(5);
    expect(sliceDim(5, 3, 0, -2)).toBe(2);
  });

  it('of a name says what holds for 1 and more', () => {
    const open = 2 ** 63;
    expect(sliceDim('n', 0, open, 1)).toBe('n');
    expect(sliceDim('n', -1, open, 1)).toBe(1);
    expect(sliceDim('n', 1, open, 1)).toBe('n-1');
    expect(sliceDim('n', 0, -1, 1)).toBe('n-1');
    expect(sliceDim('n', 0, 'n', 1)).toBe('n');
    expect(sliceDim('n', 2, open, 1)).toBeUndefined();
    expect(sliceDim(2048, 0, 'n', 1)).toBeUndefined();
  });
});
