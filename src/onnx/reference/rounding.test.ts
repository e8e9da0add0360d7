import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { unwrap } from '../../core/result.ts';
import type { DataType, Tensor } from '../ir/types.ts';
import { type NumberType, ndArray, rangeOf, toNumbers } from './ndArray.ts';
import { bitsOfFloat16, float16Of, roundHalfEven, roundToBfloat16, roundToFloat16 } from './rounding.ts';
import { ndArrayToTensor, tensorToNdArray } from './tensors.ts';

const bytesTensor = (dtype: DataType, dims: readonly number[], bytes: readonly number[]): Tensor => ({
  dtype,
  dims,
  data: { kind: 'bytes', bytes: Uint8Array.from(bytes) },
});
const numbersOf = (tensor: Tensor) => toNumbers(unwrap(tensorToNdArray(tensor)));

describe('rounding', () => {
  it('goes to the even integer from a half', () => {
    expect([0.5, 1.5, 2.5, -0.5, -1.5, 2.4, 2.6].map(roundHalfEven)).toEqual([0, 2, 2, -0, -2, 2, 3]);
  });

  it('to float16 knows subnormals, the greatest number and what is beyond it', () => {
    expect(roundToFloat16(0.1)).toBe(0.0999755859375);
    expect(roundToFloat16(65519.99)).toBe(65504);
    expect(roundToFloat16(65520)).toBe(Number.POSITIVE_INFINITY);
    expect(roundToFloat16(2 ** -24)).toBe(2 ** -24);
    expect(roundToFloat16(2 ** -25)).toBe(0);
    expect(roundToFloat16(2048 + 1)).toBe(2048);
  });

  it('to bfloat16 rounds once, not through float32', () => {
    expect(roundToBfloat16(1 + 2 ** -8)).toBe(1);
    expect(roundToBfloat16(1 + 2 ** -8 + 2 ** -40)).toBe(1 + 2 ** -7);
    expect(roundToBfloat16(3.4e38)).toBe(Number.POSITIVE_INFINITY);
  });

  it('every number of float16 comes back from its bits', () => {
    for (let bits = 0; bits < 65536; bits++) {
      const value = float16Of(bits);
      if (!Number.isNaN(value) && bitsOfFloat16(value) !== bits) throw new Error(`${bits}`);
      if (Number.isFinite(value) && roundToFloat16(value) !== value) throw new Error(`${value} is not kept`);
    }
  });
});

describe('a tensor', () => {
  it('is read from little-endian bytes, the first of two nibbles in the lower half', () => {
    expect(numbersOf(bytesTensor('int4', [3], [0xf1, 0x08]))).toEqual([1, -1, -8]);
    expect(numbersOf(bytesTensor('uint4', [3], [0xf1, 0x08]))).toEqual([1, 15, 8]);
    expect(numbersOf(bytesTensor('int8', [2], [0xff, 0x7f]))).toEqual([-1, 127]);
    expect(numbersOf(bytesTensor('float16', [2], [0, 0x3c, 0, 0xc0]))).toEqual([1, -2]);
    expect(numbersOf(bytesTensor('bfloat16', [1], [0x49, 0x40]))).toEqual([3.140625]);
    expect(numbersOf(bytesTensor('int64', [1], [0xfe, 255, 255, 255, 255, 255, 255, 255]))).toEqual([-2]);
    expect(numbersOf(bytesTensor('bool', [2], [0, 1]))).toEqual([0, 1]);
  });

  it('keeps integers of 64 bits whole', () => {
    const tensor = bytesTensor('int64', [1], [1, 0, 0, 0, 0, 0, 0, 0x40]);
    expect(unwrap(tensorToNdArray(tensor)).values[0]).toBe(2n ** 62n + 1n);
  });

  it('comes back from numbers as it was', () => {
    const types = [
      'int2',
      'uint2',
      'int4',
      'uint4',
      'int8',
      'uint8',
      'int16',
      'uint16',
      'int32',
      'uint32',
    ] as const;
    const array = fc.constantFrom(...types).chain((dtype) => {
      const [min, max] = rangeOf(dtype);
      return fc
        .array(fc.integer({ min, max }), { maxLength: 9 })
        .map((values) => ndArray(dtype, [values.length], values));
    });
    fc.assert(
      fc.property(array, (before) => {
        expect(unwrap(tensorToNdArray(ndArrayToTensor(before)))).toEqual(before);
      }),
      { seed: 1, numRuns: 300 },
    );
    for (const dtype of [
      'float16',
      'bfloat16',
      'float32',
      'float64',
      'int64',
      'uint64',
      'bool',
    ] satisfies NumberType[]) {
      const before = ndArray(dtype, [2], [0, 1]);
      expect(unwrap(tensorToNdArray(ndArrayToTensor(before)))).toEqual(before);
    }
  });

  it('is refused with the wrong number of bytes, without its data, or of no number', () => {
    expect(tensorToNdArray(bytesTensor('float32', [2], [0, 0, 0, 0]))).toMatchObject({
      error: { code: 'invalid' },
    });
    expect(tensorToNdArray(bytesTensor('string', [0], []))).toMatchObject({ error: { code: 'unsupported' } });
    const elsewhere: Tensor = {
      dtype: 'float32',
      dims: [1],
      data: { kind: 'external', location: 'w', offset: 0, length: 4 },
    };
    expect(tensorToNdArray(elsewhere)).toMatchObject({ error: { code: 'missing' } });
  });
});
