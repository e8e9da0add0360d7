import { dataTypeOf } from '../../ir/dataTypes.ts';
import type { DataType } from '../../ir/types.ts';
import { type Call, claim, input, invalid, type Operator, requiredInt, unsupported } from '../call.ts';
import {
  isFloat,
  isReal,
  isRealArray,
  isWide,
  type NdArray,
  type RealType,
  type WideType,
  wrapTo,
} from '../ndArray.ts';
import { rounderOf } from '../rounding.ts';

/**
 * To another type. A cast to float16 or bfloat16 rounds whatever the precision: that is what it is for; one to float32 leaves
 * the rounding to the evaluation. To integers a float is cut toward zero; one that doesn't fit has no defined result and is
 * refused, an integer that doesn't fit keeps its low bits.
 */
export const castTo = (call: Call, array: NdArray, dtype: DataType): NdArray => {
  if (dtype === array.dtype) return array;
  claim(call, array.dims);
  if (isWide(dtype)) return toWide(array, dtype);
  if (isReal(dtype)) return toReal(array, dtype);
  throw unsupported(`a cast to ${dtype}`);
};

const toWide = (array: NdArray, dtype: WideType): NdArray => {
  const { dims } = array;
  const values = Array.from<number | bigint, bigint>(array.values, (value) =>
    typeof value === 'bigint' ? value : BigInt(wholePart(value)),
  );
  const [low, high] = dtype === 'int64' ? [-(2n ** 63n), 2n ** 63n] : [0n, 2n ** 64n];
  const outside = isFloat(array.dtype) ? values.find((value) => value < low || value >= high) : undefined;
  if (outside !== undefined) throw invalid(`${outside} doesn't fit into ${dtype}`);
  return dtype === 'int64'
    ? { dtype, dims, values: BigInt64Array.from(values) }
    : { dtype, dims, values: BigUint64Array.from(values) };
};

const toReal = (array: NdArray, dtype: RealType): NdArray => {
  const { dims } = array;
  if (!isRealArray(array)) {
    const low = (value: bigint) =>
      isFloat(dtype) || dtype === 'bool' ? Number(value) : Number(BigInt.asIntN(32, value));
    return {
      dtype,
      dims,
      values: Float64Array.from(array.values, (value) => convertOne(dtype, low(value), false)),
    };
  }
  const fromFloat = isFloat(array.dtype);
  return { dtype, dims, values: array.values.map((value) => convertOne(dtype, value, fromFloat)) };
};

const convertOne = (dtype: RealType, value: number, fromFloat: boolean): number => {
  if (dtype === 'float32') return value;
  if (isFloat(dtype)) return rounderOf(dtype)(value);
  if (!fromFloat || dtype === 'bool') return wrapTo(dtype, value);
  const whole = wholePart(value);
  if (wrapTo(dtype, whole) !== whole) throw invalid(`${value} doesn't fit into ${dtype}`);
  return whole;
};

const wholePart = (value: number): number => {
  if (!Number.isFinite(value)) throw invalid(`a cast of ${value} to an integer`);
  return Math.trunc(value) + 0;
};

/** Types by attribute, `to`, as the number they have in a file. */
export const typeAttribute = (call: Call, name: string): DataType => {
  const number = requiredInt(call, name);
  const dtype = dataTypeOf(number);
  if (dtype === undefined) throw unsupported(`data type ${number}`);
  return dtype;
};

export const castOperators = {
  Cast: (call) => [castTo(call, input(call, 0), typeAttribute(call, 'to'))],
  CastLike: (call) => [castTo(call, input(call, 0), input(call, 1).dtype)],
} satisfies Record<string, Operator>;
