import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type NdArray, ndArray, toNumbers, withDims } from '../ndArray.ts';
import {
  applyAll,
  applyOp,
  distance,
  f32,
  i64,
  type PlainAttributes,
  plain,
  scalar,
  tryOp,
  wavy,
} from '../testing.ts';

const dot = (a: NdArray, b: NdArray): number => {
  const other = toNumbers(b);
  return toNumbers(a).reduce((sum, value, i) => sum + value * other[i]!, 0);
};

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

/** A convolution of [N, C, H, W] in so many words. */
const directConv = (
  x: NdArray,
  w: NdArray,
  stride: number,
  pad: number,
  dilation: number,
  groups: number,
): NdArray => {
  const [n, c, h, width] = x.dims as [number, number, number, number];
  const [m, cg, kh, kw] = w.dims as [number, number, number, number];
  const out = (size: number, kernel: number) =>
    Math.floor((size + 2 * pad - (kernel - 1) * dilation - 1) / stride) + 1;
  const [oh, ow] = [out(h, kh), out(width, kw)];
  const [xs, ws] = [toNumbers(x), toNumbers(w)];
  const y: number[] = [];
  for (let b = 0; b < n; b++)
    for (let o = 0; o < m; o++)
      for (let i = 0; i < oh; i++)
        for (let j = 0; j < ow; j++) {
          let sum = 0;
          for (let ic = 0; ic < cg; ic++)
            for (let p = 0; p < kh; p++)
              for (let q = 0; q < kw; q++) {
                const [r, s] = [i * stride - pad + p * dilation, j * stride - pad + q * dilation];
                if (r < 0 || r >= h || s < 0 || s >= width) continue;
                const channel = Math.floor(o / (m / groups)) * cg + ic;
                sum += xs[((b * c + channel) * h + r) * width + s]! * ws[((o * cg + ic) * kh + p) * kw + q]!;
              }
          y.push(sum);
        }
  return f32([n, m, oh, ow], y);
};

const convCase = fc.record({
  groups: fc.integer({ min: 1, max: 2 }),
  stride: fc.integer({ min: 1, max: 3 }),
  pad: fc.integer({ min: 0, max: 2 }),
  dilation: fc.integer({ min: 1, max: 2 }),
  kernel: fc.integer({ min: 1, max: 3 }),
  height: fc.integer({ min: 5, max: 8 }),
});
const convAttributes = (c: {
  stride: number;
  pad: number;
  dilation: number;
  groups: number;
}): PlainAttributes => ({
  strides: [c.stride, c.stride],
  pads: [c.pad, c.pad, c.pad, c.pad],
  dilations: [c.dilation, c.dilation],
  group: c.groups,
});

describe('convolution', () => {
  it('is the direct sum', () => {
    fc.assert(
      fc.property(convCase, (c) => {
        const [x, w] = [wavy([2, 2 * c.groups, c.height, 6]), wavy([2 * c.groups, 2, c.kernel, c.kernel], 5)];
        const y = applyOp('Conv', [x, w], convAttributes(c));
        expect(distance(y, directConv(x, w, c.stride, c.pad, c.dilation, c.groups))).toBeLessThan(1e-13);
      }),
      { seed: 3, numRuns: 60 },
    );
  });

  it('transposed is its adjoint: ⟨conv x, y⟩ = ⟨x, convT y⟩', () => {
    fc.assert(
      fc.property(convCase, (c) => {
        const [x, w] = [wavy([1, 2 * c.groups, c.height, 6]), wavy([2 * c.groups, 2, c.kernel, c.kernel], 5)];
        const forward = applyOp('Conv', [x, w], convAttributes(c));
        const y = wavy(forward.dims, 7);
        const left = (size: number, out: number) =>
          size - ((out - 1) * c.stride + (c.kernel - 1) * c.dilation + 1 - 2 * c.pad);
        const padding = [left(c.height, forward.dims[2]!), left(6, forward.dims[3]!)];
        const back = applyOp('ConvTranspose', [y, w], { ...convAttributes(c), output_padding: padding });
        expect(back.dims).toEqual(x.dims);
        expect(dot(forward, y)).toBeCloseTo(dot(x, back), 10);
      }),
      { seed: 4, numRuns: 60 },
    );
  });

  it('transposed pads out what the ONNX example has', () => {
    const x = f32([1, 1, 3, 3], [0, 1, 2, 3, 4, 5, 6, 7, 8]);
    const w = f32([1, 2, 3, 3], new Array(18).fill(1));
    const y = applyOp('ConvTranspose', [x, w], { strides: [3, 2], pads: [1, 2, 1, 2] });
    const rows = [
      [1, 1, 3],
      [1, 1, 3],
      [7, 4, 9],
      [7, 4, 9],
      [7, 4, 9],
      [13, 7, 15],
      [13, 7, 15],
    ].flat();
    expect(plain(y)).toEqual({ dims: [1, 2, 7, 3], values: [...rows, ...rows] });
    const sized = applyOp('ConvTranspose', [x, w], {
      strides: [3, 2],
      output_shape: [10, 8],
      kernel_shape: [3, 3],
      output_padding: [1, 1],
    });
    expect(sized.dims).toEqual([1, 2, 10, 8]);
  });

  it('pads by itself to ceil(size / stride) (auto_pad)', () => {
    const x = wavy([1, 1, 5, 5]);
    const w = wavy([1, 1, 2, 2]);
    expect(applyOp('Conv', [x, w], { auto_pad: 'SAME_UPPER', strides: [2, 2] }).dims).toEqual([1, 1, 3, 3]);
    const lower = applyOp('Conv', [x, w], { auto_pad: 'SAME_LOWER' });
    expect(distance(lower, applyOp('Conv', [x, w], { pads: [1, 1, 0, 0] }))).toBe(0);
  });

  it('works over one and three spatial axes, with a bias', () => {
    const line = applyOp('Conv', [f32([1, 1, 4], [1, 2, 3, 4]), f32([1, 1, 2], [1, 10]), f32([1], [100])]);
    expect(plain(line)).toEqual({ dims: [1, 1, 3], values: [121, 132, 143] });
    expect(
      plain(
        applyOp('Conv', [
          f32([1, 1, 2, 2, 2], [1, 2, 3, 4, 5, 6, 7, 8]),
          f32([1, 1, 2, 2, 2], new Array(8).fill(1)),
        ]),
      ),
    ).toEqual({ dims: [1, 1, 1, 1, 1], values: [36] });
  });

  it('refuses weights that do not fit', () => {
    expect(tryOp('Conv', [wavy([1, 3, 4, 4]), wavy([1, 2, 3, 3])])).toMatchObject({
      error: { code: 'invalid' },
    });
    expect(tryOp('Conv', [wavy([1, 1, 2, 2]), wavy([1, 1, 3, 3])])).toMatchObject({
      error: { code: 'invalid' },
    });
    expect(tryOp('Conv', [wavy([1, 1, 4, 4]), wavy([1, 1, 3, 3])], { strides: [0, 1] })).toMatchObject({
      error: { code: 'invalid' },
    });
  });
});

describe('pools', () => {
  const x = f32(
    [1, 1, 4, 4],
    Array.from({ length: 16 }, (_, i) => i + 1),
  );

  it('choose the greatest, and say where it is', () => {
    const [y, where] = applyAll(
      'MaxPool',
      [x],
      { kernel_shape: [2, 2], strides: [2, 2] },
      { outputs: ['y0', 'y1'] },
    );
    expect(toNumbers(y!)).toEqual([6, 8, 14, 16]);
    expect(plain(where!)).toEqual({ dims: [1, 1, 2, 2], values: [5, 7, 13, 15] });
  });

  it('let a kernel end behind the input with ceil_mode (ONNX example)', () => {
    const y = applyOp('MaxPool', [x], { kernel_shape: [3, 3], strides: [2, 2], ceil_mode: 1 });
    expect(plain(y)).toEqual({ dims: [1, 1, 2, 2], values: [11, 12, 15, 16] });
  });

  it('average as a convolution with equal weights does, padding counted', () => {
    const w = f32([1, 1, 3, 3], new Array(9).fill(1 / 9));
    const shape = { kernel_shape: [3, 3], pads: [1, 1, 1, 1], strides: [2, 1] };
    const y = applyOp('AveragePool', [x], { ...shape, count_include_pad: 1 });
    expect(distance(y, applyOp('Conv', [x, w], shape))).toBeLessThan(1e-14);
  });

  it('average only what is there if padding does not count', () => {
    const y = applyOp('AveragePool', [x], { kernel_shape: [2, 2], pads: [1, 1, 0, 0], strides: [2, 2] });
    expect(toNumbers(y)).toEqual([1, 2.5, 7, 8.5]);
    expect(toNumbers(applyOp('GlobalAveragePool', [x]))).toEqual([8.5]);
  });

  it('never count what stands out behind the padding', () => {
    const y = applyOp('AveragePool', [f32([1, 1, 3], [1, 2, 3])], {
      kernel_shape: [2],
      strides: [2],
      ceil_mode: 1,
      count_include_pad: 1,
    });
    expect(toNumbers(y)).toEqual([1.5, 3]);
  });
});

describe('quantization', () => {
  it('rounds halves to even and cuts off (ONNX example)', () => {
    const x = f32([6], [0, 2, 3, 1000, -254, -1000]);
    const y = applyOp('QuantizeLinear', [x, scalar(2), ndArray('uint8', [], [128])]);
    expect(toNumbers(y)).toEqual([128, 129, 130, 255, 1, 0]);
    expect(y.dtype).toBe('uint8');
  });

  it('per axis and per block', () => {
    const x = ndArray('int8', [2, 4], [1, 2, 3, 4, 5, 6, 7, 8]);
    const rows = applyOp('DequantizeLinear', [x, f32([2], [1, 10]), ndArray('int8', [2], [1, 5])], {
      axis: 0,
    });
    expect(toNumbers(rows)).toEqual([0, 1, 2, 3, 0, 10, 20, 30]);
    const blocks = applyOp('DequantizeLinear', [x, f32([2, 2], [1, 10, 100, 1000])], {
      axis: 1,
      block_size: 2,
    });
    expect(toNumbers(blocks)).toEqual([1, 2, 30, 40, 500, 600, 7000, 8000]);
    expect(tryOp('DequantizeLinear', [x, f32([3], [1, 1, 1])], { axis: 0 })).toMatchObject({
      error: { code: 'invalid' },
    });
  });

  it('finds its own scale (ONNX example)', () => {
    const x = f32([6], [0, 2, -3, -2.5, 1.34, 0.5]);
    const asked = { outputs: ['y0', 'y1', 'y2'] };
    const [y, scale, point] = applyAll('DynamicQuantizeLinear', [x], {}, { ...asked, precision: 'float32' });
    expect(toNumbers(y!)).toEqual([153, 255, 0, 26, 221, 179]);
    expect(toNumbers(scale!)[0]).toBeCloseTo(0.0196078438, 9);
    expect(toNumbers(point!)).toEqual([153]);
    const [zeros] = applyAll('DynamicQuantizeLinear', [f32([1], [0])], {}, asked);
    expect(toNumbers(zeros!)).toEqual([0]);
  });

  it('comes back within half a step', () => {
    const [x, scale, point] = [wavy([3, 5]), scalar(0.03), ndArray('int8', [], [3])];
    const back = applyOp('DequantizeLinear', [applyOp('QuantizeLinear', [x, scale, point]), scale, point]);
    expect(distance(back, x)).toBeLessThanOrEqual(0.015 + 1e-12);
  });

  it('MatMulNBits is DequantizeLinear and MatMul', () => {
    for (const bits of [2, 4, 8]) {
      const [k, n, block] = [40, 3, 16];
      const blocks = 3;
      const levels = 2 ** bits;
      const level = (column: number, row: number) => (column * 7 + row * 5) % levels;
      const packed: number[] = [];
      const perByte = 8 / bits;
      for (let column = 0; column < n; column++)
        for (let first = 0; first < blocks * block; first += perByte)
          packed.push(
            Array.from({ length: perByte }, (_, i) => level(column, first + i) << (i * bits)).reduce(
              (a, b) => a | b,
            ),
          );
      const w = ndArray('uint8', [n, blocks, (block * bits) / 8], packed);
      const scales = wavy([n * blocks]);
      const x = wavy([2, k], 4);
      const y = applyOp('com.microsoft.MatMulNBits', [x, w, scales], { K: k, N: n, bits, block_size: block });
      const whole = ndArray(
        'uint8',
        [n, blocks * block],
        Array.from({ length: n * blocks * block }, (_, i) => level(Math.floor(i / 48), i % 48)),
      );
      const points = ndArray('uint8', [n, blocks], new Array(n * blocks).fill(levels / 2));
      const real = applyOp('DequantizeLinear', [whole, withDims(scales, [n, blocks]), points], {
        axis: 1,
        block_size: block,
      });
      const cut = applyOp('Slice', [real, i64([1], [0]), i64([1], [k]), i64([1], [1])]);
      expect(
        distance(y, applyOp('Einsum', [x, cut], { equation: 'ik,nk->in' })),
        `${bits} bits`,
      ).toBeLessThan(1e-12);
    }
  });

  it('MatMulNBits reads packed zero points, each column in bytes of its own', () => {
    const w = ndArray('uint8', [2, 1, 8], new Array(16).fill(0x55));
    const points = ndArray('uint8', [2], [0x03, 0x04]);
    const y = applyOp(
      'com.microsoft.MatMulNBits',
      [f32([1, 16], new Array(16).fill(1)), w, f32([2], [1, 10]), points],
      { K: 16, N: 2, block_size: 16 },
    );
    expect(toNumbers(y)).toEqual([32, 160]);
    expect(
      tryOp('com.microsoft.MatMulNBits', [f32([1, 16], new Array(16).fill(1)), w, f32([3], [1, 10, 1])], {
        K: 16,
        N: 2,
        block_size: 16,
      }),
    ).toMatchObject({ error: { code: 'invalid' } });
  });

  it('GatherBlockQuantized is DequantizeLinear and Gather', () => {
    const data = ndArray(
      'uint4',
      [3, 32],
      Array.from({ length: 96 }, (_, i) => (i * 5) % 16),
    );
    const scales = wavy([3, 2]);
    const indices = i64([2], [2, -3]);
    const y = applyOp('com.microsoft.GatherBlockQuantized', [data, indices, scales], { block_size: 16 });
    const real = applyOp('DequantizeLinear', [data, scales], { axis: 1, block_size: 16 });
    expect(distance(y, applyOp('Gather', [real, indices]))).toBe(0);
    const values = toNumbers(data);
    const bytes = Array.from({ length: 48 }, (_, i) => values[2 * i]! | (values[2 * i + 1]! << 4));
    const packed = ndArray('uint8', [3, 16], bytes);
    const points = ndArray('uint8', [3, 1], [0, 0, 0]);
    expect(
      distance(
        y,
        applyOp('com.microsoft.GatherBlockQuantized', [packed, indices, scales, points], { block_size: 16 }),
      ),
    ).toBe(0);
  });
});
