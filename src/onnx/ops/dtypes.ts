import type { DataType } from '../ir/types.ts';

/** Which element types a parameter takes. */
export type TypeSet = ReadonlySet<DataType>;

const floatTypes = ['float16', 'float32', 'float64', 'bfloat16'] as const;
const wideInts = ['int32', 'int64', 'uint32', 'uint64'] as const;
const intTypes = ['int8', 'int16', 'uint8', 'uint16', ...wideInts] as const;
const complexTypes = ['complex64', 'complex128'] as const;
const float8Types = ['float8e4m3fn', 'float8e4m3fnuz', 'float8e5m2', 'float8e5m2fnuz'] as const;
const packedTypes = ['int4', 'uint4', 'int2', 'uint2', 'float4e2m1'] as const;

/**
 * The sets that ONNX's type constraints are made of, each the newest version's: an older version of an operator took fewer
 * types (bfloat16 came with opset 13, float8 with 19), and runtimes take the newer ones there as well.
 */
export const typeSets = {
  all: new Set<DataType>([
    ...floatTypes,
    ...intTypes,
    ...complexTypes,
    ...float8Types,
    ...packedTypes,
    'bool',
    'string',
    'float8e8m0',
  ]),
  float: new Set<DataType>(floatTypes),
  numeric: new Set<DataType>([...floatTypes, ...intTypes]),
  /** What sums and products are defined for. */
  wide: new Set<DataType>([...floatTypes, ...wideInts]),
  signed: new Set<DataType>([...floatTypes, 'int8', 'int16', 'int32', 'int64']),
  integer: new Set<DataType>(intTypes),
  index: new Set<DataType>(['int32', 'int64']),
  /** What a comparison for equality takes. */
  comparable: new Set<DataType>([...floatTypes, ...intTypes, 'bool', 'string']),
  ordinal: new Set<DataType>([...floatTypes, ...intTypes, 'bool']),
  pooled: new Set<DataType>([...floatTypes, 'int8', 'uint8']),
  floatOrFloat8: new Set<DataType>([...floatTypes, ...float8Types]),
  byte: new Set<DataType>(['int8', 'uint8']),
  quantized: new Set<DataType>(['int8', 'uint8', 'int16', 'uint16', ...float8Types, ...packedTypes]),
  /** What `DequantizeLinear` takes: also sums that are not scaled back yet. */
  quantizedOrSum: new Set<DataType>([
    'int8',
    'uint8',
    'int16',
    'uint16',
    'int32',
    ...float8Types,
    ...packedTypes,
  ]),
  scale: new Set<DataType>([...floatTypes, 'int32', 'float8e8m0']),
} as const satisfies Record<string, TypeSet>;

export type TypeSetName = keyof typeof typeSets;
