import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeCbor } from '../../core/codec.ts';
import { unwrap } from '../../core/result.ts';
import { createMapping } from './mapping.ts';
import { createSketch, decodeSketch } from './sketch.ts';
import { normal, seededRandom } from './testDoubles.ts';
import type { Sketch, SketchOptions } from './types.ts';

const sketchOf = (values: Iterable<number>, options?: SketchOptions): Sketch => {
  const sketch = createSketch(options);
  for (const value of values) sketch.add(value);
  return sketch;
};
const upTo = (n: number) => Array.from({ length: n }, (_, i) => i + 1);
const exactQuantile = (sorted: readonly number[], q: number) => sorted[Math.floor(q * (sorted.length - 1))]!;
const quantiles = [0, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1];

const distributions: Record<string, (random: () => number) => number> = {
  lognormal: (random) => Math.exp(normal(random) * 2 - 3),
  uniform: (random) => random() * 1_000,
  bimodal: (random) => (random() < 0.7 ? 0.02 + random() * 0.01 : 5 + random()),
  'with a heavy tail': (random) => (1 - random()) ** (-1 / 0.7),
  negative: (random) => -Math.exp(normal(random)),
  'of both signs and zero': (random) => (random() < 0.1 ? 0 : normal(random) * 100),
};

describe('a sketch', () => {
  it('maps as published: 100 is in bin 231, which stands for 100.494568', () => {
    const mapping = createMapping(0.01);
    expect(mapping.indexOf(100)).toBe(231);
    expect(mapping.valueOf(231)).toBeCloseTo(100.494568, 6);
  });

  it('gives the published quantiles of 1 to 10,000', () => {
    const sketch = sketchOf(upTo(10_000));
    expect(sketch.quantile(0.5)).toBeCloseTo(4965.32, 2);
    expect(sketch.quantile(0.99)).toBeCloseTo(9801.16, 2);
    expect([sketch.count, sketch.sum, sketch.min, sketch.max]).toEqual([10_000, 50_005_000, 1, 10_000]);
  });

  for (const [name, draw] of Object.entries(distributions)) {
    it(`is off by at most alpha in every quantile of values ${name}`, () => {
      const random = seededRandom(7);
      const values = Array.from({ length: 5_000 }, () => draw(random));
      const sketch = sketchOf(values);
      values.sort((a, b) => a - b);
      for (const q of quantiles) {
        const exact = exactQuantile(values, q);
        expect(Math.abs(sketch.quantile(q)! - exact)).toBeLessThanOrEqual(0.01 * Math.abs(exact) + 1e-12);
      }
    });
  }

  it('knows nothing while it is empty', () => {
    const sketch = createSketch();
    expect(sketch.quantile(0.5)).toBeUndefined();
    expect([sketch.count, sketch.sum, sketch.min, sketch.max]).toEqual([0, 0, Number.NaN, Number.NaN]);
    expect(sketch.countBelow(1)).toBe(0);
  });

  it('takes no value that is none, and no weight that counts nothing', () => {
    const sketch = sketchOf([1]);
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])
      expect(sketch.add(value)).toBe(false);
    for (const weight of [0, -1, 0.5, Number.NaN, Number.MAX_SAFE_INTEGER])
      expect(sketch.add(1, weight)).toBe(false);
    expect(sketch.quantile(1.5)).toBeUndefined();
    expect(sketch.quantile(Number.NaN)).toBeUndefined();
    expect(sketch.encode()).toEqual(sketchOf([1]).encode());
  });

  it('takes the whole range of numbers, and its sum stays one', () => {
    const sketch = sketchOf([Number.MAX_VALUE, Number.MAX_VALUE, Number.MIN_VALUE, -0, 2 ** -1022]);
    expect(sketch.sum).toBe(Number.MAX_VALUE);
    expect(sketch.quantile(1)).toBe(Number.MAX_VALUE);
    expect(sketch.quantile(0)).toBe(0);
    expect(unwrap(decodeSketch(sketch.encode())).encode()).toEqual(sketch.encode());
  });

  it('counts a weight as so many samples', () => {
    const weighted = createSketch();
    weighted.add(3, 1_000);
    weighted.add(-2, 7);
    expect(weighted.encode()).toEqual(
      sketchOf([...Array<number>(1_000).fill(3), ...Array<number>(7).fill(-2)]).encode(),
    );
  });

  it('counts what is at or below a value, as a histogram’s bucket does', () => {
    const sketch = sketchOf([-5, -1, 0, 0, 1, 2, 3, 10]);
    const below = [-6, -5, -2, -0.5, 0, 0.5, 1, 2.5, 10, 11].map((value) => sketch.countBelow(value));
    expect(below).toEqual([0, 1, 1, 2, 4, 4, 5, 6, 8, 8]);
    expect(sketch.countBelow(Number.NaN)).toBe(0);
  });

  it('keeps the highest quantiles when the lowest bins are put together, whatever the order', () => {
    const values = upTo(3_000).map((i) => 1.02 ** (i % 1_500));
    const rising = sketchOf(values, { maxBins: 256 });
    const falling = sketchOf(values.toReversed(), { maxBins: 256 });
    values.sort((a, b) => a - b);
    for (const q of [0.85, 0.9, 0.99]) {
      const exact = exactQuantile(values, q);
      expect(Math.abs(rising.quantile(q)! / exact - 1)).toBeLessThanOrEqual(0.01);
    }
    expect(falling.quantile(0.5)).toBe(rising.quantile(0.5));
    expect(falling.count).toBe(3_000);
    expect({ ...decoded(falling), sum: 0 }).toEqual({ ...decoded(rising), sum: 0 });
  });

  it('forgets and begins again', () => {
    const sketch = sketchOf([1, 2, -3, 0]);
    sketch.clear();
    expect(sketch.encode()).toEqual(createSketch().encode());
    sketch.add(1e-9);
    expect(sketch.encode()).toEqual(sketchOf([1e-9]).encode());
  });

  it('refuses settings that no sketch can have', () => {
    expect(() => createSketch({ alpha: 0 })).toThrow(RangeError);
    expect(() => createSketch({ alpha: 1 })).toThrow(RangeError);
    expect(() => createSketch({ maxBins: 1e9 })).toThrow(RangeError);
  });
});

describe('merging', () => {
  const samples = fc.array(
    fc.oneof(
      fc.constantFrom(0, -0, 1, -1),
      fc.integer({ min: -1_000, max: 1_000 }),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
    ),
    { maxLength: 60 },
  );

  it('gives the sketch of all samples, also when bins are put together', () => {
    fc.assert(
      fc.property(samples, samples, fc.constantFrom(2, 16, 2_048), (a, b, maxBins) => {
        const merged = sketchOf(a, { maxBins });
        unwrap(merged.merge(sketchOf(b, { maxBins })));
        const whole = sketchOf([...a, ...b], { maxBins });
        expect({ ...decoded(merged), sum: 0 }).toEqual({ ...decoded(whole), sum: 0 });
        if (Math.abs(whole.sum) < 1e12) expect(merged.sum).toBeCloseTo(whole.sum, 0);
      }),
      { seed: 11, numRuns: 300 },
    );
  });

  it('round-trips through its bytes, and equal sketches have equal bytes', () => {
    fc.assert(
      fc.property(samples, (values) => {
        const sketch = sketchOf(values);
        const read = unwrap(decodeSketch(sketch.encode()));
        expect(read.encode()).toEqual(sketch.encode());
        expect(quantiles.map((q) => read.quantile(q))).toEqual(quantiles.map((q) => sketch.quantile(q)));
        read.add(5);
        sketch.add(5);
        expect(read.encode()).toEqual(sketch.encode());
      }),
      { seed: 12, numRuns: 300 },
    );
  });

  it('doubles what merges with itself, and leaves a copy alone', () => {
    const sketch = sketchOf([1, 2, -3, 0]);
    const copy = sketch.copy();
    unwrap(sketch.merge(sketch));
    expect(sketch.encode()).toEqual(sketchOf([1, 2, -3, 0, 1, 2, -3, 0]).encode());
    expect(copy.encode()).toEqual(sketchOf([1, 2, -3, 0]).encode());
  });

  it('is refused between different errors, and beyond what can be counted', () => {
    const sketch = sketchOf([1]);
    expect(sketch.merge(sketchOf([1], { alpha: 0.02 }))).toMatchObject({ error: { code: 'incompatible' } });
    const full = createSketch();
    full.add(1, Number.MAX_SAFE_INTEGER);
    expect(sketch.merge(full)).toMatchObject({ error: { code: 'incompatible' } });
    expect(sketch.count).toBe(1);
  });
});

describe('a stranger’s sketch', () => {
  const honest = {
    v: 1,
    alpha: 0.01,
    maxBins: 2_048,
    range: [-1, 100],
    sum: 99,
    zeros: 1,
    negative: [0, 1],
    positive: [231, 1],
  };
  const refused = (change: object) => {
    const result = decodeSketch(encodeCbor({ ...honest, ...change }));
    return result.ok ? 'accepted' : result.error.code;
  };

  it('is read if it is one', () => {
    expect(refused({})).toBe('accepted');
    expect(refused({ zeros: 0 })).toBe('accepted');
  });

  it('is refused if its parts contradict each other', () => {
    const lies: Record<string, object> = {
      'sum above its values': { sum: 1e6 },
      'sum below its values': { sum: -1e6 },
      'range without samples': { zeros: 0, negative: [], positive: [] },
      'samples without range': { range: null },
      'turned range': { range: [100, -1] },
      'greatest value not in the highest bin': { range: [-1, 200] },
      'least value not in the lowest bin': { range: [-5, 100] },
      'positive range without positive bins': { positive: [], zeros: 2 },
      'negative range without negative bins': { negative: [], zeros: 2 },
      'zeros outside of the range': { range: [1, 100], negative: [], positive: [0, 1, 231, 1], sum: 101 },
      'empty with a sum': { range: null, zeros: 0, negative: [], positive: [], sum: 5 },
      'gap between zero and the range': { range: [-1, 100], negative: [], positive: [231, 1], zeros: 0 },
    };
    for (const [lie, change] of Object.entries(lies))
      expect([lie, refused(change)]).toEqual([lie, 'malformed']);
  });

  it('is refused before it can ask for memory', () => {
    expect(refused({ positive: [-1_000_000, 1, 1_000_231, 1] })).toBe('malformed');
    expect(refused({ positive: [2 ** 40, 1] })).toBe('malformed');
    expect(refused({ maxBins: 2 ** 31 })).toBe('malformed');
    expect(refused({ alpha: 1e-12 })).toBe('malformed');
    expect(refused({ alpha: 0 })).toBe('malformed');
  });

  it('is refused if its bins are not pairs in order with counts', () => {
    expect(refused({ positive: [231] })).toBe('malformed');
    expect(refused({ positive: [230, 1, 0, 1] })).toBe('malformed');
    expect(refused({ positive: [232, 1, -1, 1] })).toBe('malformed');
    expect(refused({ positive: [231, 0] })).toBe('malformed');
    expect(refused({ positive: [231, -1] })).toBe('malformed');
    expect(refused({ positive: [231, 1.5] })).toBe('malformed');
    expect(refused({ zeros: Number.MAX_SAFE_INTEGER })).toBe('malformed');
  });

  it('never throws, whatever its bytes', () => {
    const bytes = sketchOf(upTo(50)).encode();
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(255), fc.nat(bytes.length), (at, byte, length) => {
        const damaged = bytes.slice(0, length);
        damaged[at] = byte;
        const read = decodeSketch(damaged);
        if (read.ok) expect(read.value.encode()).toEqual(damaged);
      }),
      { seed: 13, numRuns: 400 },
    );
  });
});

/** Without the sum, whose last digits depend on the order. */
const decoded = (sketch: Sketch) => ({
  count: sketch.count,
  min: sketch.min,
  max: sketch.max,
  sum: sketch.sum,
  quantiles: Array.from({ length: 101 }, (_, i) => sketch.quantile(i / 100)),
});
