import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type NdArray, ndArray, toNumbers } from '../ndArray.ts';
import { ndArrayToTensor } from '../tensors.ts';
import { applyAll, applyOp, distance, f32, i64, plain, scalar, tryOp, wavy } from '../testing.ts';

const count = (n: number) => Array.from({ length: n }, (_, i) => i);
const dot = (a: NdArray, b: NdArray): number => {
  const other = toNumbers(b);
  return toNumbers(a).reduce((sum, value, i) => sum + value * other[i]!, 0);
};

describe('shapes', () => {
  const x = f32([2, 3, 4], count(24));

  it('reshape with what remains and what stays', () => {
    expect(applyOp('Reshape', [x, i64([2], [0, -1])]).dims).toEqual([2, 12]);
    expect(applyOp('Reshape', [f32([0, 3], []), i64([2], [3, 0])], { allowzero: 1 }).dims).toEqual([3, 0]);
    for (const shape of [
      [5, 5],
      [-1, -1],
      [-1, 5],
      [2, 3, 4, 0],
      [-2, -12],
    ])
      expect(tryOp('Reshape', [x, i64([shape.length], shape)]), `${shape}`).toMatchObject({
        error: { code: 'invalid' },
      });
  });

  it('squeeze and unsqueeze undo each other, by attribute and by input', () => {
    expect(applyOp('Unsqueeze', [x, i64([2], [0, -1])]).dims).toEqual([1, 2, 3, 4, 1]);
    expect(applyOp('Unsqueeze', [x], { axes: [1] }, { opset: 11 }).dims).toEqual([2, 1, 3, 4]);
    expect(applyOp('Squeeze', [{ ...x, dims: [1, 24, 1] }]).dims).toEqual([24]);
    expect(tryOp('Squeeze', [x, i64([1], [0])])).toMatchObject({ error: { code: 'invalid' } });
    expect(applyOp('Flatten', [x], { axis: -1 }).dims).toEqual([6, 4]);
  });

  it('transposed twice is the same', () => {
    const perms = fc.shuffledSubarray([0, 1, 2, 3], { minLength: 4 });
    fc.assert(
      fc.property(perms, (perm) => {
        const array = wavy([2, 3, 1, 4]);
        const inverse = perm.map((_, axis) => perm.indexOf(axis));
        const once = applyOp('Transpose', [array], { perm });
        expect(once.dims).toEqual(perm.map((axis) => array.dims[axis]));
        expect(applyOp('Transpose', [once], { perm: inverse })).toEqual(array);
      }),
      { seed: 5, numRuns: 24 },
    );
    expect(applyOp('Transpose', [x]).dims).toEqual([4, 3, 2]);
    expect(tryOp('Transpose', [x], { perm: [0, 0, 1] })).toMatchObject({ error: { code: 'invalid' } });
  });

  it('slice as Python does, backwards and far beyond the end', () => {
    const line = i64([6], count(6));
    const slice = (start: number | bigint, end: number | bigint, step: number) =>
      toNumbers(
        applyOp('Slice', [
          line,
          ndArray('int64', [1], [start]),
          ndArray('int64', [1], [end]),
          i64([1], [0]),
          i64([1], [step]),
        ]),
      );
    expect(slice(1, -1, 2)).toEqual([1, 3]);
    expect(slice(-1, -(2n ** 63n), -2)).toEqual([5, 3, 1]);
    expect(slice(2, 2n ** 63n - 1n, 1)).toEqual([2, 3, 4, 5]);
    expect(slice(4, 2, 1)).toEqual([]);
    expect(tryOp('Slice', [line, i64([1], [0]), i64([1], [1]), i64([1], [0]), i64([1], [0])]).ok).toBe(false);
    expect(toNumbers(applyOp('Slice', [line], { starts: [1], ends: [3] }, { opset: 9 }))).toEqual([1, 2]);
  });

  it('split and joined again is the same', () => {
    const parts = applyAll('Split', [x, i64([2], [1, 2])], { axis: 1 }, { outputs: ['y0', 'y1'] });
    expect(parts.map(({ dims }) => dims)).toEqual([
      [2, 1, 4],
      [2, 2, 4],
    ]);
    expect(applyOp('Concat', parts, { axis: -2 })).toEqual(x);
    const uneven = applyAll('Split', [i64([5], count(5))], { num_outputs: 2 }, { outputs: ['y0', 'y1'] });
    expect(uneven.map(toNumbers)).toEqual([
      [0, 1, 2],
      [3, 4],
    ]);
    expect(tryOp('Split', [x, i64([2], [1, 1])], { axis: 1 }).ok).toBe(false);
    expect(tryOp('Concat', [x, f32([2, 3], count(6))], { axis: 0 }).ok).toBe(false);
  });

  it('expand and tile repeat', () => {
    expect(plain(applyOp('Expand', [f32([2, 1], [1, 2]), i64([2], [1, 2])]))).toEqual({
      dims: [2, 2],
      values: [1, 1, 2, 2],
    });
    expect(plain(applyOp('Tile', [f32([1, 2], [1, 2]), i64([2], [2, 2])]))).toEqual({
      dims: [2, 4],
      values: [1, 2, 1, 2, 1, 2, 1, 2],
    });
  });

  it('are values themselves', () => {
    expect(plain(applyOp('Shape', [x], { start: 1 }))).toEqual({ dims: [2], values: [3, 4] });
    expect(plain(applyOp('Size', [x]))).toEqual({ dims: [], values: [24] });
  });
});

describe('Pad', () => {
  const x = i64([3], [1, 2, 3]);
  const pad = (mode: string, before: number, after: number) =>
    toNumbers(applyOp('Pad', [x, i64([2], [before, after])], { mode }));

  it('continues in four ways', () => {
    expect(pad('constant', 1, 2)).toEqual([0, 1, 2, 3, 0, 0]);
    expect(pad('edge', 2, 1)).toEqual([1, 1, 1, 2, 3, 3]);
    expect(pad('reflect', 2, 2)).toEqual([3, 2, 1, 2, 3, 2, 1]);
    expect(pad('wrap', 2, 4)).toEqual([2, 3, 1, 2, 3, 1, 2, 3, 1]);
  });

  it('crops where a pad is negative', () => {
    expect(pad('constant', -1, 1)).toEqual([2, 3, 0]);
    expect(pad('edge', -1, 1)).toEqual([2, 3, 3]);
    expect(tryOp('Pad', [x, i64([2], [-2, -2])]).ok).toBe(false);
  });

  it('takes the value from its input, and only the axes it names', () => {
    const y = applyOp('Pad', [f32([1, 1], [5]), i64([2], [1, 0]), scalar(7), i64([1], [1])]);
    expect(plain(y)).toEqual({ dims: [1, 2], values: [7, 5] });
  });
});

describe('gather and scatter', () => {
  const x = f32([3, 2], [1, 1.2, 2.3, 3.4, 4.5, 5.7]);

  it('pick slices (ONNX example)', () => {
    expect(plain(applyOp('Gather', [x, i64([2, 2], [0, 1, 1, -1])]))).toEqual({
      dims: [2, 2, 2],
      values: [1, 1.2, 2.3, 3.4, 2.3, 3.4, 4.5, 5.7],
    });
    expect(tryOp('Gather', [x, i64([1], [3])])).toMatchObject({ error: { code: 'invalid' } });
  });

  it('pick tuples, within batches (ONNX example)', () => {
    const cube = i64([2, 2, 2], count(8));
    expect(plain(applyOp('GatherND', [cube, i64([2, 1], [1, 0])], { batch_dims: 1 }))).toEqual({
      dims: [2, 2],
      values: [2, 3, 4, 5],
    });
    expect(plain(applyOp('GatherND', [cube, i64([2, 2], [0, 1, 1, 0])]))).toEqual({
      dims: [2, 2],
      values: [2, 3, 4, 5],
    });
  });

  it('put elements in their places (ONNX example)', () => {
    const y = applyOp(
      'ScatterElements',
      [f32([1, 5], [1, 2, 3, 4, 5]), i64([1, 2], [1, 3]), f32([1, 2], [1.1, 2.1])],
      { axis: 1 },
    );
    expect(toNumbers(y)).toEqual([1, 1.1, 3, 2.1, 5]);
    const twice = [f32([1, 5], [1, 2, 3, 4, 5]), i64([1, 2], [1, 1]), f32([1, 2], [1.1, 2.1])];
    const reduced = (reduction: string) =>
      toNumbers(applyOp('ScatterElements', twice, { axis: 1, reduction }))[1];
    expect(['add', 'mul', 'max', 'min'].map(reduced)).toEqual([2 + 1.1 + 2.1, 2 * 1.1 * 2.1, 2.1, 1.1]);
  });

  it('put slices in their places', () => {
    const y = applyOp('ScatterND', [x, i64([2, 1], [0, 2]), f32([2, 2], [9, 8, 7, 6])]);
    expect(toNumbers(y)).toEqual([9, 8, 2.3, 3.4, 7, 6]);
    expect(tryOp('ScatterND', [x, i64([1, 3], [0, 0, 0]), f32([1], [1])])).toMatchObject({
      error: { code: 'invalid' },
    });
  });

  it('adding is the adjoint of picking', () => {
    const indices = fc.array(fc.integer({ min: -3, max: 2 }), { minLength: 6, maxLength: 6 });
    fc.assert(
      fc.property(indices, (list) => {
        const where = i64([3, 2], list);
        const y = wavy([3, 2], 3);
        const zeros = f32([3, 2], new Array(6).fill(0));
        const picked = applyOp('GatherElements', [x, where], { axis: 0 });
        const added = applyOp('ScatterElements', [zeros, where, y], { axis: 0, reduction: 'add' });
        expect(dot(picked, y)).toBeCloseTo(dot(x, added), 12);
        const tuples = i64([6, 1], list);
        const z = wavy([6, 2], 4);
        const addedRows = applyOp('ScatterND', [zeros, tuples, z], { reduction: 'add' });
        expect(dot(applyOp('GatherND', [x, tuples]), z)).toBeCloseTo(dot(x, addedRows), 12);
      }),
      { seed: 6, numRuns: 60 },
    );
  });
});

describe('arrays out of little', () => {
  it('count, repeat and mark', () => {
    expect(toNumbers(applyOp('Range', [i64([], [10]), i64([], [4]), i64([], [-2])]))).toEqual([10, 8, 6]);
    const value = ndArrayToTensor(i64([1], [7]));
    expect(applyOp('ConstantOfShape', [i64([2], [1, 2])], { value })).toEqual(i64([1, 2], [7, 7]));
    expect(applyOp('Constant', [], { value_ints: [1, 2] })).toEqual(i64([2], [1, 2]));
    const hot = applyOp('OneHot', [i64([3], [0, -1, 9]), i64([], [3]), f32([2], [2, 5])]);
    expect(plain(hot)).toEqual({ dims: [3, 3], values: [5, 2, 2, 2, 2, 5, 2, 2, 2] });
    expect(applyOp('OneHot', [i64([2], [0, 1]), i64([], [3]), f32([2], [0, 1])], { axis: 0 }).dims).toEqual([
      3, 2,
    ]);
  });

  it('sum up along an axis, in four ways', () => {
    const x = f32([3], [1, 2, 3]);
    const sums = (attributes: { exclusive?: number; reverse?: number }) =>
      toNumbers(applyOp('CumSum', [x, i64([], [0])], attributes));
    expect(sums({})).toEqual([1, 3, 6]);
    expect(sums({ exclusive: 1 })).toEqual([0, 1, 3]);
    expect(sums({ reverse: 1 })).toEqual([6, 5, 3]);
    expect(sums({ exclusive: 1, reverse: 1 })).toEqual([5, 3, 0]);
  });

  it('rank the greatest (ONNX example), of equal ones the first', () => {
    const x = f32([3, 4], [0, 1, 2, 3, 4, 5, 6, 7, 11, 10, 9, 8]);
    const [y, where] = applyAll('TopK', [x, i64([1], [3])], { axis: 1 }, { outputs: ['y0', 'y1'] });
    expect(toNumbers(y!)).toEqual([3, 2, 1, 7, 6, 5, 11, 10, 9]);
    expect(toNumbers(where!)).toEqual([3, 2, 1, 3, 2, 1, 0, 1, 2]);
    const [, ties] = applyAll(
      'TopK',
      [f32([3, 1], [2, 2, 1]), i64([1], [2])],
      { axis: 0, largest: 0 },
      { outputs: ['y0', 'y1'] },
    );
    expect(toNumbers(ties!)).toEqual([2, 0]);
  });

  it('keep a triangle', () => {
    const x = i64(
      [2, 3],
      count(6).map((i) => i + 1),
    );
    expect(toNumbers(applyOp('Trilu', [x, i64([], [1])]))).toEqual([0, 2, 3, 0, 0, 6]);
    expect(toNumbers(applyOp('Trilu', [x], { upper: 0 }))).toEqual([1, 0, 0, 4, 5, 0]);
  });
});

describe('Resize', () => {
  const x = f32([1, 1, 2, 2], [1, 2, 3, 4]);
  const scales = f32([4], [1, 1, 2, 2]);

  it('repeats the nearest (ONNX example)', () => {
    const y = applyOp('Resize', [x, undefined, f32([4], [1, 1, 2, 3])]);
    expect(plain(y)).toEqual({
      dims: [1, 1, 4, 6],
      values: [
        [1, 1, 1, 2, 2, 2],
        [1, 1, 1, 2, 2, 2],
        [3, 3, 3, 4, 4, 4],
        [3, 3, 3, 4, 4, 4],
      ].flat(),
    });
    const floor = { coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' };
    expect(
      distance(
        applyOp('Resize', [x, undefined, scales], floor),
        applyOp('Resize', [x, scales], {}, { opset: 10 }),
      ),
    ).toBe(0);
  });

  it('goes linearly between (ONNX examples)', () => {
    const half = [
      [1, 1.25, 1.75, 2],
      [1.5, 1.75, 2.25, 2.5],
      [2.5, 2.75, 3.25, 3.5],
      [3, 3.25, 3.75, 4],
    ].flat();
    expect(toNumbers(applyOp('Resize', [x, undefined, scales], { mode: 'linear' }))).toEqual(half);
    const corners = applyOp('Resize', [x, undefined, scales], {
      mode: 'linear',
      coordinate_transformation_mode: 'align_corners',
    });
    const expected = [3, 4, 5, 6, 5, 6, 7, 8, 7, 8, 9, 10, 9, 10, 11, 12].map((third) => third / 3);
    expect(distance(corners, f32([1, 1, 4, 4], expected))).toBeLessThan(1e-14);
  });

  it('shrinks to a size', () => {
    const wide = f32([1, 1, 2, 4], [1, 2, 3, 4, 5, 6, 7, 8]);
    const y = applyOp('Resize', [wide, undefined, undefined, i64([4], [1, 1, 1, 2])], { mode: 'linear' });
    expect(plain(y)).toEqual({ dims: [1, 1, 1, 2], values: [3.5, 5.5] });
    expect(tryOp('Resize', [wide, undefined, scales], { mode: 'cubic' })).toMatchObject({
      error: { code: 'unsupported' },
    });
    expect(tryOp('Resize', [wide])).toMatchObject({ error: { code: 'invalid' } });
  });
});
