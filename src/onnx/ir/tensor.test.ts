import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { unwrap } from '../../core/result.ts';
import {
  bitsOfNumber,
  bytesOf,
  isFiniteTensor,
  numberOfBits,
  type SmallFloatType,
  scalarOf,
  scalarValueOf,
  tensorOf,
  typedViewOf,
  valuesOf,
} from './tensor.ts';
import type { DataType, Tensor } from './types.ts';

const roundTrip = (dtype: DataType, numbers: readonly (number | bigint)[]) =>
  unwrap(valuesOf(unwrap(tensorOf(dtype, [numbers.length], numbers))));

describe('a tensor of numbers', () => {
  it.each<[DataType, readonly (number | bigint)[]]>([
    ['float32', [0, 1.5, -2.25, Number.POSITIVE_INFINITY]],
    ['float64', [Math.PI, -1e300]],
    ['float16', [1, 0.5, -65504, 2 ** -24]],
    ['bfloat16', [1, -3.140625, 2 ** 127]],
    ['int8', [-128, 127]],
    ['uint16', [0, 65535]],
    ['int32', [-(2 ** 31), 2 ** 31 - 1]],
    ['int64', [-1, 2n ** 62n, -(2n ** 63n)]],
    ['uint64', [0, 2n ** 64n - 1n]],
    ['bool', [1, 0, 1]],
    ['int4', [-8, 7, -1]],
    ['uint4', [15, 0, 9]],
    ['int2', [-2, 1, 0, -1, 1]],
    ['uint2', [3, 2, 1, 0, 3]],
    ['float4e2m1', [0.5, -6, 3]],
    ['float8e4m3fn', [448, -0.015625]],
    ['float8e8m0', [1, 2 ** 127]],
  ])('of %s has what was put in', (dtype, numbers) => {
    expect(roundTrip(dtype, numbers)).toEqual(numbers);
  });

  it('packs small integers from the lowest bits on', () => {
    expect(unwrap(bytesOf(unwrap(tensorOf('uint4', [3], [1, 2, 3]))))).toEqual(Uint8Array.of(0x21, 0x03));
    expect(unwrap(bytesOf(unwrap(tensorOf('int4', [2], [-1, 7]))))).toEqual(Uint8Array.of(0x7f));
    expect(unwrap(bytesOf(unwrap(tensorOf('uint2', [5], [1, 2, 3, 0, 1]))))).toEqual(Uint8Array.of(0x39, 1));
  });

  it('refuses a number that the type has no place for, and a count that the dimensions do not have', () => {
    expect(tensorOf('int8', [1], [128])).toMatchObject({ ok: false, error: { code: 'invalid' } });
    expect(tensorOf('int32', [1], [0.5])).toMatchObject({ ok: false });
    expect(tensorOf('float32', [2, 2], [1, 2, 3])).toMatchObject({ ok: false });
    expect(tensorOf('float32', [-1], [])).toMatchObject({ ok: false });
    expect(tensorOf('string', [0], [])).toMatchObject({ ok: false, error: { code: 'unsupported' } });
  });

  it('is seen as a typed array, also where its bytes start anywhere', () => {
    const { data } = unwrap(tensorOf('float32', [3], [1, 2, 3]));
    if (data.kind !== 'bytes') throw new Error('no bytes');
    const file = new Uint8Array(14);
    file.set(data.bytes, 1);
    const tensor = {
      dtype: 'float32',
      dims: [3],
      data: { kind: 'bytes', bytes: file.subarray(1, 13) },
    } as const;
    expect(unwrap(typedViewOf(tensor))).toEqual(Float32Array.of(1, 2, 3));
    expect(unwrap(valuesOf(tensor))).toEqual([1, 2, 3]);
  });

  it('says what is missing when it is not in memory, too short, or too long to read', () => {
    const outside: Tensor = {
      dtype: 'float32',
      dims: [2],
      name: 'w',
      data: { kind: 'external', location: 'w.bin', offset: 0, length: 8 },
    };
    expect(valuesOf(outside)).toMatchObject({ ok: false, error: { code: 'missing', message: /w/ } });
    const short: Tensor = { dtype: 'float32', dims: [2], data: { kind: 'bytes', bytes: new Uint8Array(7) } };
    expect(valuesOf(short)).toMatchObject({ ok: false, error: { code: 'invalid' } });
    const huge: Tensor = { ...short, dims: [2 ** 30] };
    expect(valuesOf(huge)).toMatchObject({ ok: false, error: { code: 'too-large' } });
  });

  it('gives its only element', () => {
    expect(unwrap(scalarValueOf(unwrap(scalarOf('int64', 7))))).toBe(7);
    expect(scalarValueOf(unwrap(tensorOf('int64', [0], [])))).toMatchObject({ ok: false });
  });

  it('knows whether all of it is finite', () => {
    expect(isFiniteTensor(unwrap(tensorOf('float16', [2], [1, 2])))).toBe(true);
    expect(isFiniteTensor(unwrap(tensorOf('float32', [2], [1, Number.NaN])))).toBe(false);
    expect(isFiniteTensor(unwrap(tensorOf('int8', [1], [1])))).toBeUndefined();
  });
});

describe('a float of few bits', () => {
  const small: readonly SmallFloatType[] = [
    'float8e4m3fn',
    'float8e4m3fnuz',
    'float8e5m2',
    'float8e5m2fnuz',
    'float16',
    'bfloat16',
    'float4e2m1',
  ];
  it.each(small)('%s: all its bits are numbers that become the same bits', (dtype) => {
    const size = { float16: 16, bfloat16: 16, float4e2m1: 4 }[dtype as 'float16'] ?? 8;
    for (let bits = 0; bits < 2 ** size; bits += size === 16 ? 7 : 1) {
      const number = numberOfBits(dtype, bits);
      if (!Number.isNaN(number)) expect(bitsOfNumber(dtype, number)).toBe(bits);
      else expect(numberOfBits(dtype, bitsOfNumber(dtype, number))).toBeNaN();
    }
  });

  it.each([
    ['float16', 65504, 0x7bff],
    ['float16', 65520, 0x7c00],
    ['float16', 1 + 2 ** -11, 0x3c00],
    ['float16', 1 + 3 * 2 ** -11, 0x3c02],
    ['float16', 2 ** -25, 0],
    ['float16', 2 ** -25 * 1.0001, 1],
    ['bfloat16', 1 + 2 ** -8, 0x3f80],
    ['bfloat16', 1 + 3 * 2 ** -8, 0x3f82],
    ['float8e4m3fn', 1000, 0x7e],
    ['float8e5m2', 1e6, 0x7c],
    ['float8e4m3fnuz', -0, 0],
    ['float4e2m1', 100, 7],
    ['float4e2m1', 2.5, 4],
  ] as const)('%s of %d is rounded to the nearest, ties to even', (dtype, number, bits) => {
    expect(bitsOfNumber(dtype, number)).toBe(bits);
  });

  it('is the nearest of all there are', () => {
    const all = Array.from({ length: 128 }, (_, bits) => numberOfBits('float8e4m3fn', bits)).filter(
      Number.isFinite,
    );
    fc.assert(
      fc.property(fc.double({ min: 0, max: 448, noNaN: true }), (number) => {
        const found = numberOfBits('float8e4m3fn', bitsOfNumber('float8e4m3fn', number));
        const least = Math.min(...all.map((other) => Math.abs(other - number)));
        expect(Math.abs(found - number)).toBe(least);
      }),
      { seed: 1, numRuns: 300 },
    );
  });
});
