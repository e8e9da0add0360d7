import { bitsPerElement } from '../ir/dataTypes.ts';
import type { DataType } from '../ir/types.ts';

/** Types whose every value a float64 holds. */
export type RealType = Exclude<
  DataType,
  | 'int64'
  | 'uint64'
  | 'string'
  | 'complex64'
  | 'complex128'
  | 'float8e4m3fn'
  | 'float8e4m3fnuz'
  | 'float8e5m2'
  | 'float8e5m2fnuz'
  | 'float8e8m0'
  | 'float4e2m1'
>;
export type WideType = 'int64' | 'uint64';
export type NumberType = RealType | WideType;

/** Row-major; `bool` is 0 and 1. How exact a float32 is kept is the evaluation's choice (`precision`). */
export type RealArray = {
  readonly dtype: RealType;
  readonly dims: readonly number[];
  readonly values: Float64Array;
};
export type SignedWideArray = {
  readonly dtype: 'int64';
  readonly dims: readonly number[];
  readonly values: BigInt64Array;
};
export type UnsignedWideArray = {
  readonly dtype: 'uint64';
  readonly dims: readonly number[];
  readonly values: BigUint64Array;
};
export type WideArray = SignedWideArray | UnsignedWideArray;
/** A tensor as the reference computes with it: numbers of 64 bits that lose nothing, whatever the type says. */
export type NdArray = RealArray | WideArray;

const bitsOfReal: Readonly<Record<RealType, 'float' | 'signed' | 'unsigned' | 'bool'>> = {
  float64: 'float',
  float32: 'float',
  float16: 'float',
  bfloat16: 'float',
  int32: 'signed',
  int16: 'signed',
  int8: 'signed',
  int4: 'signed',
  int2: 'signed',
  uint32: 'unsigned',
  uint16: 'unsigned',
  uint8: 'unsigned',
  uint4: 'unsigned',
  uint2: 'unsigned',
  bool: 'bool',
};

export const isReal = (dtype: DataType): dtype is RealType => Object.hasOwn(bitsOfReal, dtype);
export const isWide = (dtype: DataType): dtype is WideType => dtype === 'int64' || dtype === 'uint64';
export const isFloat = (dtype: DataType): boolean => isReal(dtype) && bitsOfReal[dtype] === 'float';
/** Of any width; `bool` is none. */
export const isInteger = (dtype: DataType): boolean =>
  isWide(dtype) || (isReal(dtype) && (bitsOfReal[dtype] === 'signed' || bitsOfReal[dtype] === 'unsigned'));

export const isRealArray = (array: NdArray): array is RealArray =>
  array.dtype !== 'int64' && array.dtype !== 'uint64';

/** The least and the greatest value of an integer type of at most 32 bits; of `bool`, 0 and 1. */
export const rangeOf = (dtype: RealType): readonly [number, number] => {
  const bits = bitsPerElement[dtype];
  switch (bitsOfReal[dtype]) {
    case 'signed':
      return [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1];
    case 'unsigned':
      return [0, 2 ** bits - 1];
    case 'bool':
      return [0, 1];
    case 'float':
      return [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  }
};

/** What remains of an integer in the bits of its type (two's complement); a float is left as it is. */
export const wrapTo = (dtype: RealType, value: number): number => {
  const shift = 32 - bitsPerElement[dtype];
  switch (bitsOfReal[dtype]) {
    case 'signed':
      return (value << shift) >> shift;
    case 'unsigned':
      return (value << shift) >>> shift;
    case 'bool':
      return value === 0 ? 0 : 1;
    case 'float':
      return value;
  }
};

/** For callers and tests. The values are taken as they are; one that is no integer can't be of a 64-bit type (throws). */
export const ndArray = (
  dtype: NumberType,
  dims: readonly number[],
  values: Iterable<number | bigint>,
): NdArray => {
  switch (dtype) {
    case 'int64':
      return { dtype, dims, values: BigInt64Array.from(values, BigInt) };
    case 'uint64':
      return { dtype, dims, values: BigUint64Array.from(values, BigInt) };
    default:
      return { dtype, dims, values: Float64Array.from(values, Number) };
  }
};

/** Every value as a number; an integer beyond 2^53 is rounded. */
export const toNumbers = (array: NdArray): number[] =>
  Array.from<number | bigint, number>(array.values, Number);

export const withDims = (array: NdArray, dims: readonly number[]): NdArray => ({ ...array, dims });
