/** What the tests of gradients and of training share: small graphs, seeded numbers, and values in and out. */
import type { Tensor, Value } from '../ir/types.ts';
import type { NdArray, RealArray } from '../reference/ndArray.ts';
import { sizeOf } from './emitter.ts';

/** mulberry32: small, seeded, good enough to place test points. */
export const randomBy = (seed: number) => {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
};

export const real = (dims: readonly number[], values: ArrayLike<number>): RealArray => ({
  dtype: 'float32',
  dims,
  values: Float64Array.from(values),
});

export const drawn = (
  dims: readonly number[],
  random: () => number,
  [low, high]: readonly [number, number] = [-2, 2],
): RealArray =>
  real(
    dims,
    Array.from({ length: sizeOf(dims) }, () => low + (high - low) * random()),
  );

export const wide = (dims: readonly number[], values: readonly number[]): NdArray => ({
  dtype: 'int64',
  dims,
  values: BigInt64Array.from(values.map(BigInt)),
});

export const classes = (dims: readonly number[], values: readonly number[]): NdArray => ({
  dtype: 'int32',
  dims,
  values: Float64Array.from(values),
});

export const toValue = (
  name: string,
  dtype: 'float32' | 'bool' | 'int64',
  dims: readonly number[],
): Value => ({ name, type: { kind: 'tensor', dtype, shape: dims } });

export const int64 = ({
  dims,
  values,
}: {
  readonly dims: readonly number[];
  readonly values: readonly number[];
}): Tensor => ({
  dtype: 'int64',
  dims,
  data: { kind: 'bytes', bytes: new Uint8Array(BigInt64Array.from(values.map(BigInt)).buffer) },
});

export const uint8 = ({
  dims,
  values,
}: {
  readonly dims: readonly number[];
  readonly values: readonly number[];
}): Tensor => ({ dtype: 'uint8', dims, data: { kind: 'bytes', bytes: Uint8Array.from(values) } });

export const float32 = ({ dims, values }: Pick<RealArray, 'dims' | 'values'>): Tensor => ({
  dtype: 'float32',
  dims,
  data: { kind: 'bytes', bytes: new Uint8Array(Float32Array.from(values).buffer) },
});

export const valuesOf = (array: NdArray | undefined): readonly number[] =>
  Array.from(array?.values ?? [], Number);
