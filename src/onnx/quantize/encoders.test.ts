import { describe, expect, it } from 'vitest';
import { bitsOfNumber, numberOfBits } from '../ir/tensor.ts';
import { encodeBlocks, floats, names } from './blockTesting.ts';
import { channelEncoder } from './channelEncoder.ts';
import { encodeAll, normalWeights } from './testDoubles.ts';

describe('round to nearest', () => {
  it('divides the range of a block into 15 steps, and packs the first code lowest', () => {
    const weights = Float32Array.from({ length: 16 }, (_, i) => i - 5);
    const { codes, scales, points } = encodeBlocks(
      weights,
      [1, 16],
      { bits: 4, block: 16, points: true },
      'rtn',
    );
    expect([...scales]).toEqual([1]);
    expect(points).toEqual(Uint8Array.of(5));
    expect([...codes]).toEqual([0x10, 0x32, 0x54, 0x76, 0x98, 0xba, 0xdc, 0xfe]);
  });

  it('without zero points gives the largest weight, of either sign, the lowest code', () => {
    const up = Float32Array.from({ length: 16 }, (_, i) => (i === 3 ? 16 : -1));
    const format = { bits: 4, block: 16, points: false } as const;
    expect([...encodeBlocks(up, [1, 16], format, 'rtn').scales]).toEqual([-2]);
    const down = up.map((weight) => -weight);
    const found = encodeBlocks(down, [1, 16], format, 'rtn');
    expect([...found.scales]).toEqual([2]);
    expect(found.decoded[3]).toBe(-16);
  });

  it('is at most half a step off, in each block its own, the last one shorter', () => {
    const [channels, length, block] = [3, 41, 16];
    const weights = normalWeights(channels * length, 1);
    const format = { bits: 4, block, points: true } as const;
    const { decoded, scales, error } = encodeBlocks(weights, [channels, length], format, 'rtn');
    let squares = 0;
    weights.forEach((weight, i) => {
      const scale = scales[Math.floor(i / length) * 3 + Math.floor((i % length) / block)] ?? 0;
      const off = Math.abs(weight - (decoded[i] ?? 0));
      squares += off ** 2;
      // The zero point is rounded: at the ends of the range another half.
      expect(off).toBeLessThanOrEqual(scale * 1.001);
    });
    expect(error.rmse).toBeCloseTo(Math.sqrt(squares / weights.length), 9);
    expect(error.relative).toBeCloseTo(Math.sqrt(squares / weights.reduce((sum, w) => sum + w * w, 0)), 6);
  });

  it('keeps blocks of zeros exact, and fills the last one with zeros', () => {
    const format = { bits: 4, block: 16, points: true } as const;
    const { codes, decoded, error } = encodeBlocks(new Float32Array(20), [1, 20], format, 'rtn');
    expect(error).toEqual({ rmse: 0, relative: 0, max: 0 });
    expect(decoded.every((weight) => weight === 0)).toBe(true);
    expect([...codes]).toEqual(Array(16).fill(0x88));
  });

  it.each(['rtn', 'hqq', 'ternary'] as const)(
    '%s survives the smallest and the largest numbers',
    (method) => {
      const format = { bits: method === 'ternary' ? 2 : 4, block: 16, points: method !== 'ternary' } as const;
      for (const size of [1.4e-45, 1e-38, 1e38]) {
        const weights = Float32Array.from(
          { length: 32 },
          (_, i) => (i % 3) * 0.5 * size * (i % 2 === 0 ? 1 : -1),
        );
        const { decoded, error } = encodeBlocks(weights, [2, 16], format, method);
        expect(decoded.every(Number.isFinite), `${size}`).toBe(true);
        expect(error.max).toBeLessThanOrEqual(2 * size);
      }
    },
  );
});

describe('ternary weights', () => {
  it('are −1, 0 and 1 times the mean size of those that are not 0', () => {
    const weights = Float32Array.of(4, -6, 5, 0, 0.5, -0.5, 0, 0, 0, 0, 0, 0, 0, 0, 0, -5);
    const { codes, scales, decoded } = encodeBlocks(
      weights,
      [1, 16],
      { bits: 2, block: 16, points: false },
      'ternary',
    );
    expect([...scales]).toEqual([5]);
    expect([...decoded]).toEqual([5, -5, 5, ...Array(12).fill(0), -5]);
    expect([...codes]).toEqual([0b10_11_01_11, 0b10_10_10_10, 0b10_10_10_10, 0b01_10_10_10]);
  });

  it('of a normal distribution lose what the paper says: 0.78 of the norm is kept by the best', () => {
    const weights = normalWeights(64 * 256, 6);
    const { error, codes } = encodeBlocks(
      weights,
      [64, 256],
      { bits: 2, block: 256, points: false },
      'ternary',
    );
    // The optimum for a normal distribution: 1 − 0.81 of the squares.
    expect(error.relative).toBeGreaterThan(0.42);
    expect(error.relative).toBeLessThan(0.45);
    expect(codes.some((byte) => [0, 2, 4, 6].some((at) => ((byte >> at) & 3) === 0))).toBe(false);
  });
});

describe('codes of 8 bits by channel', () => {
  const layout = (dtype: 'int8' | 'uint8', order: 'columns' | 'channels') => ({
    names,
    dims: order === 'columns' ? [5, 3] : [3, 5],
    scaleDims: [3],
    order,
    dtype,
  });
  const weights = Float32Array.of(1, -2, 0.5, 0, 2, 0, 0, 0, 0, 0, -12.7, 6.4, 0.1, 0.04, 0.06);

  it('have 127 steps to either side, a scale for each channel, and channels of zeros', () => {
    const encoder = channelEncoder({ channels: 3, length: 5 }, 'float32', layout('int8', 'channels'));
    const { parts, error } = encodeAll(encoder, weights, 3);
    const codes = new Int8Array(parts[0]?.buffer ?? new ArrayBuffer(0));
    expect([...codes]).toEqual([64, -127, 32, 0, 127, 0, 0, 0, 0, 0, -127, 64, 1, 0, 1]);
    expect([...floats(parts[1])]).toEqual([Math.fround(2 / 127), 0, Math.fround(Math.fround(12.7) / 127)]);
    expect(error.max).toBeCloseTo(0.04, 5);
  });

  it('lie as columns for a product, and around 128 for a table', () => {
    const columns = channelEncoder({ channels: 3, length: 5 }, 'float32', layout('int8', 'columns'));
    const [codes = new Uint8Array()] = encodeAll(columns, weights, 3).parts;
    expect([...new Int8Array(codes.buffer)].slice(0, 6)).toEqual([64, 0, -127, -127, 0, 64]);
    const table = channelEncoder({ channels: 3, length: 5 }, 'float32', layout('uint8', 'channels'));
    expect([...(encodeAll(table, weights, 3).parts[0] ?? [])].slice(0, 5)).toEqual([192, 1, 160, 128, 255]);
  });

  it('are of the scale that is stored, also in 16 bits', () => {
    const one = Float32Array.of(1, 0.3);
    const sized = { names, dims: [1, 2], scaleDims: [1], order: 'channels', dtype: 'int8' } as const;
    const encoder = channelEncoder({ channels: 1, length: 2 }, 'float16', sized);
    const { parts, error } = encodeAll(encoder, one, 1);
    const stored = numberOfBits('float16', bitsOfNumber('float16', 1 / 127));
    expect([...new Uint16Array(parts[1]?.buffer ?? new ArrayBuffer(0))]).toEqual([
      bitsOfNumber('float16', 1 / 127),
    ]);
    expect(error.max).toBeCloseTo(Math.max(Math.abs(1 - 127 * stored), Math.abs(0.3 - 38 * stored)), 7);
  });
});
