import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type NdArray, toNumbers } from '../ndArray.ts';
import { applyAll, applyOp, distance, f32, type PlainAttributes, plain, tryOp, wavy } from '../testing.ts';

const dot = (a: NdArray, b: NdArray): number => {
  const other = toNumbers(b);
  return toNumbers(a).reduce((sum, value, i) => sum + value * other[i]!, 0);
};

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
