import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { unwrap } from '../../core/result.ts';
import type { Tensor } from '../ir/types.ts';
import { float32Tensor, int64Tensor, joinColumns, readFloat32, sliceColumns, transpose } from './tensors.ts';
import { bytesOf } from './testSupport.ts';

const raw = (dtype: Tensor['dtype'], dims: readonly number[], ...bytes: readonly number[]): Tensor => ({
  dtype,
  dims,
  data: { kind: 'bytes', bytes: Uint8Array.from(bytes) },
});

describe('tensors', () => {
  it('are little-endian', () => {
    expect([...bytesOf(float32Tensor([1], Float32Array.of(1)))]).toEqual([0, 0, 0x80, 0x3f]);
    expect([...bytesOf(int64Tensor([], [-2]))]).toEqual([0xfe, 255, 255, 255, 255, 255, 255, 255]);
    expect(() => float32Tensor([3], Float32Array.of(1))).toThrow('[3] holds 3 values, not 1');
  });

  it('of 16 bits become float32 exactly', () => {
    const halves = raw('float16', [5], 0x00, 0x3c, 0x01, 0x00, 0x00, 0xfc, 0xff, 0x7b, 0x00, 0xc2);
    expect([...unwrap(readFloat32(halves))]).toEqual([1, 2 ** -24, Number.NEGATIVE_INFINITY, 65504, -3]);
    const brains = raw('bfloat16', [2], 0x80, 0x3f, 0x49, 0xc0);
    expect([...unwrap(readFloat32(brains))]).toEqual([1, -3.140625]);
  });

  it('are read from wherever they start in a buffer', () => {
    const bytes = Uint8Array.of(9, 0, 0, 0x80, 0x3f).subarray(1);
    const tensor: Tensor = { dtype: 'float32', dims: [1], data: { kind: 'bytes', bytes } };
    expect([...unwrap(readFloat32(tensor))]).toEqual([1]);
  });

  it.each([
    ['is int8: float32, float16 or bfloat16 is read', raw('int8', [1], 1)],
    ['has 3 bytes, and its shape needs 4', raw('float32', [1], 1, 2, 3)],
    [
      'is not in memory: read it first',
      { ...raw('float32', [1]), data: { kind: 'external', location: 'w', offset: 0, length: 4 } } as Tensor,
    ],
  ])('are refused if one %s', (message, tensor) => {
    expect(readFloat32(tensor)).toMatchObject({ ok: false, error: { message } });
  });
});

describe('matrices', () => {
  it('turn, and turn back', () => {
    expect([...transpose(Float32Array.of(1, 2, 3, 4, 5, 6), 2, 3)]).toEqual([1, 4, 2, 5, 3, 6]);
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 0, max: 9 }), (rows, columns) => {
        const values = Float32Array.from({ length: rows * columns }, (_, i) => i);
        expect(transpose(transpose(values, rows, columns), columns, rows)).toEqual(values);
      }),
      { seed: 4, numRuns: 60 },
    );
  });

  it('come apart by columns, and go together again', () => {
    const matrix = Float32Array.of(1, 2, 3, 4, 5, 6);
    const parts = [sliceColumns(matrix, 3, 0, 1), sliceColumns(matrix, 3, 1, 2)];
    expect(parts.map((part) => [...part])).toEqual([
      [1, 4],
      [2, 3, 5, 6],
    ]);
    expect(joinColumns(2, parts)).toEqual(matrix);
  });
});
