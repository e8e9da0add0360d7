import { describe, expect, it } from 'vitest';
import { ndArray, toNumbers, withDims } from '../ndArray.ts';
import { applyAll, applyOp, distance, f32, i64, scalar, tryOp, wavy } from '../testing.ts';

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
