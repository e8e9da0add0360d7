import type { DataType } from './types.ts';

/** Bits of one element; 0 for strings, which have a length each. */
export const bitsPerElement: Readonly<Record<DataType, number>> = {
  float32: 32,
  float64: 64,
  float16: 16,
  bfloat16: 16,
  int8: 8,
  int16: 16,
  int32: 32,
  int64: 64,
  uint8: 8,
  uint16: 16,
  uint32: 32,
  uint64: 64,
  bool: 8,
  string: 0,
  complex64: 64,
  complex128: 128,
  float8e4m3fn: 8,
  float8e4m3fnuz: 8,
  float8e5m2: 8,
  float8e5m2fnuz: 8,
  float8e8m0: 8,
  float4e2m1: 4,
  uint4: 4,
  int4: 4,
  uint2: 2,
  int2: 2,
};

/** `TensorProto.DataType`: the number on the wire. 0 is undefined there. */
export const dataTypeNumbers: Readonly<Record<DataType, number>> = {
  float32: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  string: 8,
  bool: 9,
  float16: 10,
  float64: 11,
  uint32: 12,
  uint64: 13,
  complex64: 14,
  complex128: 15,
  bfloat16: 16,
  float8e4m3fn: 17,
  float8e4m3fnuz: 18,
  float8e5m2: 19,
  float8e5m2fnuz: 20,
  uint4: 21,
  int4: 22,
  float4e2m1: 23,
  float8e8m0: 24,
  uint2: 25,
  int2: 26,
};

const byNumber = new Map(Object.entries(dataTypeNumbers).map(([name, number]) => [number, name as DataType]));

export const dataTypeOf = (number: number): DataType | undefined => byNumber.get(number);

/** Bytes of `count` elements, packed; undefined for strings. */
export const byteLengthOf = (dtype: DataType, count: number): number | undefined =>
  dtype === 'string' ? undefined : Math.ceil((count * bitsPerElement[dtype]) / 8);

/** Of `dims`; a scalar has one. Not finite if it is absurd. */
export const countOf = (dims: readonly number[]): number => dims.reduce((count, dim) => count * dim, 1);
