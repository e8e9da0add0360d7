import { describe, expect, it } from 'vitest';
import { ndArray, toNumbers } from '../ndArray.ts';
import { applyOp, distance, f32, plain, scalar, tryOp, wavy } from '../testing.ts';

describe('matrix products', () => {
  it('multiply the last two axes and broadcast the others', () => {
    expect(plain(applyOp('MatMul', [f32([2, 2], [1, 2, 3, 4]), f32([2, 2], [5, 6, 7, 8])]))).toEqual({
      dims: [2, 2],
      values: [19, 22, 43, 50],
    });
    const [a, b] = [wavy([2, 1, 3, 4]), wavy([5, 4, 2])];
    expect(
      distance(applyOp('MatMul', [a, b]), applyOp('Einsum', [a, b], { equation: '...ij,...jk->...ik' })),
    ).toBeLessThan(1e-14);
  });

  it('take vectors as rows on the left and columns on the right', () => {
    const [v, m] = [f32([2], [1, 2]), f32([2, 3], [1, 2, 3, 4, 5, 6])];
    expect(plain(applyOp('MatMul', [v, m]))).toEqual({ dims: [3], values: [9, 12, 15] });
    expect(plain(applyOp('MatMul', [v, v]))).toEqual({ dims: [], values: [5] });
    expect(tryOp('MatMul', [m, v])).toMatchObject({ error: { code: 'invalid' } });
  });

  it('Gemm scales, transposes and adds', () => {
    const [a, b, c] = [wavy([3, 2]), wavy([4, 3], 2), wavy([4], 3)];
    const whole = applyOp('Gemm', [a, b, c], {
      transA: 1,
      transB: 1,
      alpha: { float: 0.5 },
      beta: { float: 2 },
    });
    const product = applyOp('Einsum', [a, b], { equation: 'ki,jk->ij' });
    const expected = applyOp('Add', [applyOp('Mul', [product, scalar(0.5)]), applyOp('Mul', [c, scalar(2)])]);
    expect(distance(whole, expected)).toBeLessThan(1e-15);
  });

  it('MatMulInteger takes zero points off (ONNX example)', () => {
    const a = ndArray('uint8', [4, 3], [11, 7, 3, 10, 6, 2, 9, 5, 1, 8, 4, 0]);
    const b = ndArray('uint8', [3, 2], [1, 4, 2, 5, 3, 6]);
    const y = applyOp('MatMulInteger', [a, b, ndArray('uint8', [1], [12]), ndArray('uint8', [1], [0])]);
    expect(plain(y)).toEqual({ dims: [4, 2], values: [-38, -83, -44, -98, -50, -113, -56, -128] });
    expect(y.dtype).toBe('int32');
  });

  it('sum in float32 if asked: what is small is lost', () => {
    const sum = (accumulate: 'float32' | 'float64') =>
      toNumbers(applyOp('MatMul', [f32([3], [1, 1e8, -1e8]), f32([3], [1, 1, 1])], {}, { accumulate }));
    expect(sum('float64')).toEqual([1]);
    expect(sum('float32')).toEqual([0]);
  });
});

describe('Einsum', () => {
  it('transposes, traces, sums and takes outer products', () => {
    const m = f32([2, 2], [1, 2, 3, 4]);
    expect(toNumbers(applyOp('Einsum', [m], { equation: 'ij->ji' }))).toEqual([1, 3, 2, 4]);
    expect(toNumbers(applyOp('Einsum', [m], { equation: 'ii->' }))).toEqual([5]);
    expect(toNumbers(applyOp('Einsum', [m], { equation: 'ii->i' }))).toEqual([1, 4]);
    expect(toNumbers(applyOp('Einsum', [m, m], { equation: 'ij,jk' }))).toEqual([7, 10, 15, 22]);
    expect(
      toNumbers(applyOp('Einsum', [f32([2], [1, 2]), f32([2], [3, 4])], { equation: 'i, j -> ij' })),
    ).toEqual([3, 4, 6, 8]);
  });

  it('of three matrices is their product', () => {
    const [a, b, c] = [wavy([2, 3]), wavy([3, 4], 2), wavy([4, 2], 3)];
    const step = applyOp('MatMul', [applyOp('MatMul', [a, b]), c]);
    expect(distance(applyOp('Einsum', [a, b, c], { equation: 'ij,jk,kl->il' }), step)).toBeLessThan(1e-14);
  });

  it('refuses equations that do not fit', () => {
    const m = f32([2, 2], [1, 2, 3, 4]);
    for (const equation of ['', 'ij', 'ijk->i', 'ij->z', 'ij->ii', 'i.j->ij', 'ij->i->j'])
      if (equation !== 'ij') expect(tryOp('Einsum', [m], { equation }).ok, equation).toBe(false);
    expect(tryOp('Einsum', [m, f32([3], [1, 2, 3])], { equation: 'ij,j->i' }).ok).toBe(false);
  });
});
