import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ndArray, toNumbers } from '../ndArray.ts';
import { applyAll, applyOp, bool, distance, f32, i64, plain, scalar, tryOp, wavy } from '../testing.ts';

const u8 = (dims: readonly number[], values: readonly number[]) => ndArray('uint8', dims, values);

describe('operators of one element each', () => {
  it('follow their formulas', () => {
    const one = (op: string, x: number, attributes = {}) =>
      toNumbers(applyOp(op, [scalar(x)], attributes))[0];
    expect(one('Gelu', 1)).toBeCloseTo(0.8413447460685429, 15);
    expect(one('Gelu', 1, { approximate: 'tanh' })).toBeCloseTo(0.8411919906082768, 15);
    expect(one('com.microsoft.Gelu', -1)).toBeCloseTo(-0.15865525393145707, 15);
    expect(one('Sigmoid', -800)).toBe(0);
    expect(one('Softplus', 800)).toBe(800);
    expect(one('HardSwish', 1)).toBeCloseTo(2 / 3, 15);
    expect(one('LeakyRelu', -2, { alpha: { float: 0.5 } })).toBe(-1);
    expect(one('Round', 2.5)).toBe(2);
    expect(one('Relu', Number.NaN)).toBeNaN();
  });

  it('keep integers of 64 bits exact', () => {
    const big = 2n ** 60n + 1n;
    expect(applyOp('Neg', [ndArray('int64', [1], [big])]).values[0]).toBe(-big);
    expect(applyOp('Add', [ndArray('int64', [1], [big]), i64([1], [1])]).values[0]).toBe(big + 1n);
  });
});

describe('operators that broadcast', () => {
  it('repeat axes of 1 and missing ones, as numpy does', () => {
    expect(plain(applyOp('Add', [f32([2, 1], [10, 20]), f32([3], [1, 2, 3])]))).toEqual({
      dims: [2, 3],
      values: [11, 12, 13, 21, 22, 23],
    });
    expect(tryOp('Add', [f32([2], [1, 2]), f32([3], [1, 2, 3])])).toMatchObject({
      error: { code: 'invalid' },
    });
    expect(tryOp('Add', [f32([1], [1]), i64([1], [1])])).toMatchObject({ error: { code: 'invalid' } });
  });

  it('wrap narrow integers, divide toward zero, and refuse to divide by it', () => {
    expect(toNumbers(applyOp('Add', [u8([1], [250]), u8([1], [10])]))).toEqual([4]);
    expect(toNumbers(applyOp('Div', [i64([2], [-7, 7]), i64([], [2])]))).toEqual([-3, 3]);
    expect(tryOp('Div', [i64([1], [1]), i64([1], [0])])).toMatchObject({ error: { code: 'invalid' } });
    expect(
      toNumbers(applyOp('Mul', [ndArray('int32', [1], [65537]), ndArray('int32', [1], [65537])])),
    ).toEqual([131073]);
  });

  it('take the remainder of the divisor, or with fmod of the dividend (ONNX examples of Mod)', () => {
    const [a, b] = [i64([6], [-4, 7, 5, 4, -7, 8]), i64([6], [2, -3, 8, -2, 3, 5])];
    expect(toNumbers(applyOp('Mod', [a, b]))).toEqual([0, -2, 5, 0, 2, 3]);
    expect(toNumbers(applyOp('Mod', [a, b], { fmod: 1 }))).toEqual([0, 1, 5, 0, -1, 3]);
  });

  it('broadcast along an axis in old versions, and PRelu along the channels', () => {
    const x = f32([1, 2, 2], [-1, -2, -3, -4]);
    expect(
      toNumbers(applyOp('Add', [x, f32([2], [10, 20])], { axis: 1, broadcast: 1 }, { opset: 6 })),
    ).toEqual([9, 8, 17, 16]);
    expect(toNumbers(applyOp('PRelu', [x, f32([2], [1, 10])], {}, { opset: 6 }))).toEqual([-1, -2, -30, -40]);
    expect(toNumbers(applyOp('PRelu', [x, f32([2], [1, 10])], {}, { opset: 7 }))).toEqual([-1, -20, -3, -40]);
  });

  it('raise to powers of another type', () => {
    expect(toNumbers(applyOp('Pow', [f32([3], [1, 2, 3]), i64([3], [4, 5, 6])]))).toEqual([1, 32, 729]);
    expect(toNumbers(applyOp('Pow', [i64([1], [3]), i64([1], [4])]))).toEqual([81]);
    expect(tryOp('Pow', [i64([1], [3]), ndArray('int64', [1], [2n ** 62n])]).ok).toBe(true);
  });

  it('fold any number of inputs', () => {
    const three = [f32([2], [1, 5]), f32([1], [3]), f32([], [2])];
    expect(toNumbers(applyOp('Max', three))).toEqual([3, 5]);
    expect(toNumbers(applyOp('Mean', three))).toEqual([2, 10 / 3]);
  });

  it('compare, decide and choose', () => {
    const less = applyOp('Less', [f32([2], [1, 3]), f32([1], [2])]);
    expect(less).toEqual(bool([2], [1, 0]));
    expect(toNumbers(applyOp('Where', [less, i64([2], [7, 8]), i64([1], [0])]))).toEqual([7, 0]);
    expect(toNumbers(applyOp('Xor', [bool([2], [1, 0]), bool([2], [1, 1])]))).toEqual([0, 1]);
  });

  it('clip between bounds of which either may be missing; where they cross the upper one wins', () => {
    const x = f32([3], [-2, 0, 2]);
    expect(toNumbers(applyOp('Clip', [x, undefined, scalar(1)]))).toEqual([-2, 0, 1]);
    expect(toNumbers(applyOp('Clip', [x, scalar(1), scalar(-1)]))).toEqual([-1, -1, -1]);
    expect(toNumbers(applyOp('Clip', [x], { min: { float: -1 } }, { opset: 6 }))).toEqual([-1, 0, 2]);
  });
});

describe('casts', () => {
  const cast = (array: Parameters<typeof plain>[0], to: number) => tryOp('Cast', [array], { to });

  it('round to float16 in every precision', () => {
    expect(toNumbers(applyOp('Cast', [scalar(0.1)], { to: 10 }))).toEqual([0.0999755859375]);
  });

  it('cut fractions off, wrap integers and refuse what has no integer', () => {
    expect(toNumbers(applyOp('Cast', [f32([2], [-1.9, 1.9])], { to: 7 }))).toEqual([-1, 1]);
    expect(toNumbers(applyOp('Cast', [i64([1], [300])], { to: 2 }))).toEqual([44]);
    expect(cast(scalar(Number.NaN), 7)).toMatchObject({ error: { code: 'invalid' } });
    expect(cast(scalar(300), 2)).toMatchObject({ error: { code: 'invalid' } });
    expect(cast(scalar(1), 8)).toMatchObject({ error: { code: 'unsupported' } });
  });
});

describe('reductions', () => {
  const x = f32([3, 2, 2], [5, 1, 20, 2, 30, 1, 40, 2, 55, 1, 60, 2]);

  it('take axes from the attribute or the input, as the version has it', () => {
    const expected = { dims: [3, 2], values: [12.5, 1.5, 35, 1.5, 57.5, 1.5] };
    expect(plain(applyOp('ReduceMean', [x], { axes: [1], keepdims: 0 }, { opset: 13 }))).toEqual(expected);
    expect(plain(applyOp('ReduceMean', [x, i64([1], [-2])], { keepdims: 0 }, { opset: 18 }))).toEqual(
      expected,
    );
  });

  it('reduce everything without axes, or nothing if so told', () => {
    expect(plain(applyOp('ReduceSum', [x]))).toEqual({ dims: [1, 1, 1], values: [219] });
    expect(applyOp('ReduceSum', [x, i64([0], [])], { noop_with_empty_axes: 1 })).toEqual(x);
  });

  it('have a value for nothing, if there is one', () => {
    const empty = f32([2, 0], []);
    expect(plain(applyOp('ReduceSum', [empty, i64([1], [1])]))).toEqual({ dims: [2, 1], values: [0, 0] });
    expect(tryOp('ReduceMean', [empty, i64([1], [1])])).toMatchObject({ error: { code: 'invalid' } });
    expect(tryOp('ArgMax', [empty], { axis: 1 })).toMatchObject({ error: { code: 'invalid' } });
  });

  it('do not overflow in a logarithm of sums', () => {
    expect(toNumbers(applyOp('ReduceLogSumExp', [f32([2], [1000, 1000])]))[0]).toBeCloseTo(
      1000 + Math.LN2,
      12,
    );
  });

  it('sum to the variance by two ways', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -99, max: 99 }), { minLength: 1, maxLength: 9 }), (values) => {
        const array = f32([values.length], values);
        const [l2] = toNumbers(applyOp('ReduceL2', [array]));
        const [squares] = toNumbers(applyOp('ReduceSumSquare', [array]));
        expect(l2! ** 2).toBeCloseTo(squares!, 6);
      }),
      { seed: 2, numRuns: 50 },
    );
  });

  it('find the first of the greatest, or the last if asked', () => {
    const ties = f32([2, 2], [2, 2, 3, 10]);
    expect(plain(applyOp('ArgMax', [ties], { axis: 1 }))).toEqual({ dims: [2, 1], values: [0, 1] });
    expect(toNumbers(applyOp('ArgMax', [ties], { axis: 1, select_last_index: 1 }))).toEqual([1, 1]);
    expect(plain(applyOp('ArgMin', [ties], { axis: 0, keepdims: 0 }))).toEqual({ dims: [2], values: [0, 0] });
  });
});

describe('normalizations', () => {
  it('softmax sums to 1 along its axis and does not overflow (ONNX example)', () => {
    const y = applyOp('Softmax', [f32([2, 4], [0, 1, 2, 3, 10000, 10001, 10002, 10003])]);
    const row = [0.0320586, 0.08714432, 0.23688284, 0.6439143];
    expect(distance(y, f32([2, 4], [...row, ...row]))).toBeLessThan(1e-7);
    const sums = applyOp('ReduceSum', [applyOp('Softmax', [wavy([2, 3, 4])], { axis: 1 }), i64([1], [1])]);
    expect(distance(sums, f32([2, 1, 4], new Array(8).fill(1)))).toBeLessThan(1e-15);
  });

  it('softmax before version 13 goes over everything behind its axis', () => {
    const y = applyOp('Softmax', [wavy([2, 3, 2])], { axis: 1 }, { opset: 11 });
    expect(
      distance(
        y,
        applyOp('Reshape', [applyOp('Softmax', [{ ...wavy([2, 3, 2]), dims: [2, 6] }]), i64([3], [2, 3, 2])]),
      ),
    ).toBe(0);
  });

  it('log-softmax is the logarithm of softmax', () => {
    const x = wavy([3, 5]);
    expect(distance(applyOp('LogSoftmax', [x]), applyOp('Log', [applyOp('Softmax', [x])]))).toBeLessThan(
      1e-14,
    );
  });

  it('layer normalization gives rows of mean 0 and variance 1, with both', () => {
    const x = f32([1, 4], [1, 2, 3, 4]);
    const [y, mean, inverse] = applyAll(
      'LayerNormalization',
      [x, f32([4], [1, 1, 1, 1]), f32([4], [0, 0, 0, 1])],
      { epsilon: { float: 0 } },
      { outputs: ['y0', 'y1', 'y2'] },
    );
    const s = Math.sqrt(1.25);
    expect(distance(y!, f32([1, 4], [-1.5 / s, -0.5 / s, 0.5 / s, 1.5 / s + 1]))).toBeLessThan(1e-15);
    expect(plain(mean!)).toEqual({ dims: [1, 1], values: [2.5] });
    expect(toNumbers(inverse!)[0]).toBeCloseTo(1 / s, 15);
  });

  it('RMS normalization divides by the root of the mean square; its skip variant adds first and gives the sum', () => {
    const [x, skip, scale] = [f32([1, 2], [1, 2]), f32([1, 2], [2, 2]), f32([2], [1, 2])];
    const [y, sum] = applyAll(
      'com.microsoft.SkipSimplifiedLayerNormalization',
      [x, skip, scale],
      { epsilon: { float: 0 } },
      { outputs: ['y0', '', '', 'y3'] },
    );
    const root = Math.sqrt(12.5);
    expect(distance(y!, f32([1, 2], [3 / root, 8 / root]))).toBeLessThan(1e-15);
    expect(toNumbers(sum!)).toEqual([3, 4]);
    expect(
      distance(applyOp('SimplifiedLayerNormalization', [sum!, scale], { epsilon: { float: 0 } }), y!),
    ).toBe(0);
  });

  it('batch normalization uses the statistics it is given, and refuses to train', () => {
    const x = f32([1, 2, 1, 2], [1, 3, 2, 4]);
    const per = (...values: number[]) => f32([2], values);
    const inputs = [x, per(2, 1), per(0, 1), per(1, 2), per(4, 1)];
    expect(
      distance(
        applyOp('BatchNormalization', inputs, { epsilon: { float: 0 } }),
        f32([1, 2, 1, 2], [0, 2, 1, 3]),
      ),
    ).toBeLessThan(1e-15);
    expect(tryOp('BatchNormalization', inputs, { training_mode: 1 })).toMatchObject({
      error: { code: 'unsupported' },
    });
  });

  it('groups of one channel are instances, one group of all is a layer', () => {
    const x = wavy([2, 4, 3]);
    const [ones, zeros] = [f32([4], [1, 1, 1, 1]), f32([4], [0, 0, 0, 0])];
    const groups = (num_groups: number) => applyOp('GroupNormalization', [x, ones, zeros], { num_groups });
    expect(distance(groups(4), applyOp('InstanceNormalization', [x, ones, zeros]))).toBe(0);
    const layer = applyOp('LayerNormalization', [x, f32([1], [1])], { axis: 1 });
    expect(distance(groups(1), layer)).toBeLessThan(1e-14);
    const perGroup = applyOp(
      'GroupNormalization',
      [x, f32([2], [1, 1]), f32([2], [0, 0])],
      { num_groups: 2 },
      { opset: 18 },
    );
    expect(distance(groups(2), perGroup)).toBe(0);
  });
});
