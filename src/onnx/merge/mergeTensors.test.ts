import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { unwrap } from '../../core/result.ts';
import { mergeTensors } from './mergeTensors.ts';
import type { MergeMethod } from './methods.ts';
import { keepByChance, rankChances } from './sparsify.ts';

const place = { name: 'w' };
const floats = (...values: readonly number[]) => Float32Array.from(values);
const merged = (method: MergeMethod, base: Float32Array | undefined, ...tensors: readonly Float32Array[]) => [
  ...unwrap(mergeTensors(method, base, tensors, place)),
];
const close = (found: readonly number[], expected: readonly number[]) => {
  expect(found).toHaveLength(expected.length);
  for (const [i, value] of expected.entries()) expect(found[i], `element ${i}`).toBeCloseTo(value, 5);
};

const ones = floats(1, 1, 1, 1, 1, 1);
const three = [
  floats(1.5, 0.8, 1, 2, 1.1, 0),
  floats(0.4, 1.3, 1.2, 1.9, 0.5, 1),
  floats(1.3, 1.1, 0.3, 1.05, 1.2, 1.4),
] as const;
const weights = [0.5, 0.3, 0.2];

describe('published numbers', () => {
  it('SLERP goes along the arc', () =>
    close(
      merged({ kind: 'slerp', t: 0.3 }, undefined, floats(1, 2, 3), floats(3, -1, 2)),
      [1.8431117, 1.1884689, 3.0315806],
    ));

  it('TIES trims, elects and takes the mean, with equal weights and with others', () => {
    const ties = { kind: 'ties', density: 0.5 } as const;
    close(merged({ ...ties, weights: [1, 1, 1] }, ones, ...three), [1.4, 1, 0.3, 1.95, 0.5, 0]);
    close(merged({ ...ties, weights }, ones, ...three), [1.442857, 1, 0.3, 1.9625, 0.5, 0]);
  });

  it('task arithmetic adds what was learned', () =>
    close(
      merged({ kind: 'task-arithmetic', weights, lambda: 0.7 }, ones, ...three),
      [1.091, 1.007, 0.944, 1.546, 0.958, 0.706],
    ));

  it('model stock stands three quarters of the way', () =>
    close(
      merged({ kind: 'model-stock' }, floats(0, 0, 0), floats(1, 0, 0), floats(0.6, 0.8, 0)),
      [0.6, 0.3, 0],
    ));

  it('DELLA gives larger changes larger chances', () =>
    close(
      [
        ...rankChances(floats(0, 0, 0, 0), floats(0.1, -0.4, 0.2, 0.9), {
          density: 0.5,
          epsilon: 0.15,
          neurons: { kind: 'rows', width: 4 },
        }),
      ],
      [0.35, 0.55, 0.45, 0.65],
    ));
});

const fault = (method: MergeMethod, base: Float32Array | undefined, ...tensors: readonly Float32Array[]) => {
  const result = mergeTensors(method, base, tensors, place);
  return result.ok ? 'merged' : result.error.message;
};

describe('SLERP', () => {
  const slerp = (t: number, a: Float32Array, b: Float32Array) =>
    merged({ kind: 'slerp', t }, undefined, a, b);

  it('starts at the first model and ends at the second', () => {
    close(slerp(0, floats(1, 2, 3), floats(3, -1, 2)), [1, 2, 3]);
    close(slerp(1, floats(1, 2, 3), floats(3, -1, 2)), [3, -1, 2]);
  });

  it('keeps the length of a turned tensor, which a line would shorten', () => {
    const [x = 0, y = 0] = slerp(0.5, floats(1, 0), floats(0, 1));
    expect(Math.hypot(x, y)).toBeCloseTo(1, 6);
    const [far = 0, up = 0] = slerp(0.5, floats(1, 0), floats(-0.9, 0.4358899));
    expect(Math.hypot(far, up)).toBeCloseTo(1, 5);
  });

  it('goes along the line where both point the same way, or one nowhere', () => {
    close(slerp(0.25, floats(1, 1), floats(3, 3)), [1.5, 1.5]);
    close(slerp(0.25, floats(0, 0), floats(4, 8)), [1, 2]);
  });

  it('refuses opposite directions in place of averaging them to nothing', () =>
    expect(fault({ kind: 'slerp', t: 0.5 }, undefined, floats(1, 2), floats(-1, -2))).toMatch(
      /^w: .*opposite directions/,
    ));
});

describe('model stock', () => {
  const stock = (...tensors: readonly Float32Array[]) =>
    merged({ kind: 'model-stock' }, floats(1, 1), ...tensors);

  it('is the mean of models that agree', () => close(stock(floats(3, 1), floats(5, 1)), [4, 1]));
  it('stays at the base where models pull apart, or one did not move', () => {
    close(stock(floats(2, 1), floats(0, 1)), [1, 1]);
    close(stock(floats(1, 1), floats(0, 1)), [1, 1]);
  });
});

describe('TIES', () => {
  it('keeps one element at least, and of equal ones the first', () => {
    const ties = { kind: 'ties', density: 0.01, weights: [1] } as const;
    expect(merged(ties, floats(0, 0, 0), floats(2, -2, 1))).toEqual([2, 0, 0]);
    expect(merged(ties, floats(0), floats(3))).toEqual([3]);
    const near = [15.9921875, 15.99609375, 15.9921875];
    expect(merged({ ...ties, density: 0.7 }, floats(0, 0, 0), floats(...near))).toEqual([
      15.9921875, 15.99609375, 0,
    ]);
  });

  it('keeps what a sort by magnitude and place puts first', () =>
    fc.assert(
      fc.property(
        fc.array(float, { minLength: 1, maxLength: 60 }),
        fc.double({ min: 0.05, max: 1, noNaN: true }),
        (values, density) => {
          const model = floats(...values);
          const order = values
            .map((_, i) => i)
            .sort((a, b) => Math.abs(values[b]!) - Math.abs(values[a]!) || a - b);
          const first = new Set(order.slice(0, Math.max(1, Math.floor(density * values.length))));
          const expected = values.map((value, i) => (first.has(i) ? value : 0));
          const base = new Float32Array(values.length);
          expect(merged({ kind: 'ties', density, weights: [1] }, base, model)).toEqual(expected);
        },
      ),
      { seed: 8, numRuns: 300 },
    ));

  it('gives back a single model that is kept whole, bit by bit', () =>
    fc.assert(
      fc.property(fc.array(fc.tuple(float, float), { minLength: 1, maxLength: 20 }), (pairs) => {
        const base = floats(...pairs.map(([one]) => one));
        const model = floats(...pairs.map(([, other]) => other));
        expect(merged({ kind: 'ties', density: 1, weights: [1] }, base, model)).toEqual([...model]);
      }),
      { seed: 7, numRuns: 200 },
    ));
});

/** So near to each other that a difference in float64 is exact. */
const float = fc.integer({ min: -4096, max: 4096 }).map((value) => value / 256);

describe('dropping at random', () => {
  const count = 40_000;
  const base = new Float32Array(count);
  const model = new Float32Array(count).fill(1);
  const dare = { kind: 'dare', density: 0.25, seed: 11, weights: [1] } as const;
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

  it('keeps its part, and rescales so that the mean stays', () => {
    const kept = merged(dare, base, model);
    expect(new Set(kept)).toEqual(new Set([0, 4]));
    expect(mean(kept)).toBeCloseTo(1, 1);
    expect(mean(merged({ ...dare, rescale: false }, base, model))).toBeCloseTo(0.25, 2);
  });

  it('is decided by seed, tensor and model alone', () => {
    expect(merged(dare, base, model)).toEqual(merged(dare, base, model));
    expect(merged({ ...dare, seed: 12 }, base, model)).not.toEqual(merged(dare, base, model));
    const other = unwrap(mergeTensors(dare, base, [model], { name: 'v' }));
    expect([...other]).not.toEqual(merged(dare, base, model));
    const two = merged({ ...dare, weights: [1, 1], sign: 'linear' }, base, model, model);
    expect(new Set(two)).toEqual(new Set([0, 4, 8]));
  });

  it('keeps what a golden choice kept: the generator is part of the format', () =>
    expect(merged(dare, base.subarray(0, 16), model.subarray(0, 16)).map(Math.sign).join('')).toBe(
      '0001000000110001',
    ));

  it('is task arithmetic when nothing is dropped and no sign elected', () => {
    const all = { kind: 'dare', density: 1, seed: 0, sign: 'linear', weights } as const;
    expect(merged(all, ones, ...three)).toEqual(merged({ kind: 'task-arithmetic', weights }, ones, ...three));
  });

  it('elects signs as TIES does unless it only adds', () => {
    const two = [floats(2, 3), floats(-1, 5)] as const;
    const at = { kind: 'dare', density: 1, seed: 0, weights: [1, 1] } as const;
    expect(merged(at, floats(0, 0), ...two)).toEqual([2, 4]);
    expect(merged({ ...at, sign: 'linear' }, floats(0, 0), ...two)).toEqual([1, 8]);
  });

  it('by DELLA keeps what changed most, most often, each by its chance', () => {
    const changed = Float32Array.from({ length: count }, (_, i) => (i % 2 === 0 ? 0.1 : 10));
    const della = { kind: 'della', density: 0.5, epsilon: 0.25, seed: 3, weights: [1] } as const;
    const found = unwrap(
      mergeTensors(della, base, [changed], { name: 'w', neurons: { kind: 'rows', width: 2 } }),
    );
    const small = [...found].filter((_, i) => i % 2 === 0);
    const large = [...found].filter((_, i) => i % 2 === 1);
    const partKept = (values: readonly number[]) =>
      values.filter((value) => value !== 0).length / values.length;
    expect(partKept(small)).toBeCloseTo(0.25, 1);
    expect(partKept(large)).toBeCloseTo(0.75, 1);
    expect(mean(small)).toBeCloseTo(0.1, 2);
    expect(mean(large)).toBeCloseTo(10, 0);
  });

  it('ranks within columns where those are the neurons', () => {
    const chances = rankChances(floats(0, 0, 0, 0), floats(1, 4, 2, 3), {
      density: 0.5,
      epsilon: 0.1,
      neurons: { kind: 'columns', width: 2 },
    });
    close([...chances], [0.4, 0.6, 0.6, 0.4]);
  });

  it('ranks the earlier of two equal changes higher', () => {
    const how = { density: 0.5, epsilon: 0.2, neurons: { kind: 'rows', width: 3 } } as const;
    close([...rankChances(floats(0, 0, 0), floats(2, -2, 2), how)], [0.7, 0.5, 0.3]);
  });

  it('draws with chances of 0 and 1 as they say', () => {
    const how = { seed: 1, stream: 's', rescale: true };
    expect([...keepByChance(Float64Array.of(0, 1, 0, 1, 1), how)]).toEqual([0, 1, 0, 1, 1]);
  });
});

describe('a linear merge', () => {
  it('divides by the weights, or does not', () => {
    expect(merged({ kind: 'linear', weights: [1, 3] }, undefined, floats(4), floats(8))).toEqual([7]);
    expect(
      merged({ kind: 'linear', weights: [1, 3], normalize: false }, undefined, floats(4), floats(8)),
    ).toEqual([28]);
  });
});

describe('what is refused', () => {
  const one = floats(1, 2);
  it.each<[string, MergeMethod, Float32Array | undefined, readonly Float32Array[]]>([
    ['2 weights for 1 models', { kind: 'linear', weights: [1, 1] }, undefined, [one]],
    ['add to 0', { kind: 'linear', weights: [1, -1] }, undefined, [one, one]],
    ['there is no model', { kind: 'linear', weights: [] }, undefined, []],
    ['need the base model', { kind: 'task-arithmetic', weights: [1] }, undefined, [one]],
    ['must be finite', { kind: 'task-arithmetic', weights: [1], lambda: Number.NaN }, one, [one]],
    ['between 2 models', { kind: 'slerp', t: 0.5 }, undefined, [one]],
    ['t is 2', { kind: 'slerp', t: 2 }, undefined, [one, one]],
    ['2 models or more', { kind: 'model-stock' }, one, [one]],
    ['density is 0', { kind: 'ties', density: 0, weights: [1] }, one, [one]],
    ['above 0 where signs', { kind: 'ties', density: 1, weights: [-1] }, one, [one]],
    ['seed is -1', { kind: 'dare', density: 1, weights: [1], seed: -1 }, one, [one]],
    ['density ± epsilon', { kind: 'della', density: 0.1, epsilon: 0.2, weights: [1], seed: 0 }, one, [one]],
    [
      'element 1 of model 1 is NaN',
      { kind: 'linear', weights: [1, 1] },
      undefined,
      [one, floats(1, Number.NaN)],
    ],
    [
      'element 0 of the base is Infinity',
      { kind: 'ties', density: 1, weights: [1] },
      floats(Infinity, 1),
      [one],
    ],
    ['3 elements, and model 0 2', { kind: 'linear', weights: [1, 1] }, undefined, [one, floats(1, 2, 3)]],
  ])('%s', (message, method, base, tensors) => expect(fault(method, base, ...tensors)).toContain(message));
});
