import type { Tensor } from '../../ir/types.ts';
import {
  axisOf,
  type Call,
  claim,
  input,
  intAttribute,
  integers,
  invalid,
  type Operator,
  optionalFloatAttribute,
  optionalFloats,
  optionalInput,
  optionalInt,
  optionalInts,
  Refusal,
  realInput,
  requireSameType,
  tensorAttribute,
  unsupported,
  zeros,
} from '../call.ts';
import { indexAt, itemAt, stridedIndices, take } from '../indexing.ts';
import { isFloat, isRealArray, type NdArray, ndArray, toNumbers } from '../ndArray.ts';
import { tensorToNdArray } from '../tensors.ts';

const fromTensor = (call: Call, tensor: Tensor): NdArray => {
  const array = tensorToNdArray(tensor);
  if (!array.ok) throw new Refusal(array.error.code, array.error.message);
  claim(call, array.value.dims);
  return array.value;
};

const constant: Operator = (call) => {
  const tensor = tensorAttribute(call, 'value');
  if (tensor) return [fromTensor(call, tensor)];
  const float = optionalFloatAttribute(call, 'value_float');
  if (float !== undefined) return [ndArray('float32', [], [float])];
  const int = optionalInt(call, 'value_int');
  if (int !== undefined) return [ndArray('int64', [], [int])];
  const floats = optionalFloats(call, 'value_floats');
  if (floats) return [ndArray('float32', [floats.length], floats)];
  const ints = optionalInts(call, 'value_ints');
  if (ints) return [ndArray('int64', [ints.length], ints)];
  throw unsupported(`a constant given by ${Object.keys(call.attributes).join(', ') || 'nothing'}`);
};

const constantOfShape: Operator = (call) => {
  const dims = integers(call, 0);
  const tensor = tensorAttribute(call, 'value');
  const value = tensor ? fromTensor(call, tensor) : ndArray('float32', [], [0]);
  if (value.values.length !== 1) throw invalid('attribute value is not one element');
  return [take(value, dims, new Int32Array(claim(call, dims)))];
};

/** start, start + delta, … before limit. */
const range: Operator = (call) => {
  requireSameType(call, [0, 1, 2]);
  const [start, limit, delta] = [0, 1, 2].map((position) => {
    const [value, ...more] = input(call, position).values;
    if (value === undefined || more.length > 0) throw invalid(`input ${position} is not one number`);
    return value;
  });
  const first = input(call, 0);
  const count = Math.max(0, Math.ceil((Number(limit) - Number(start)) / Number(delta)));
  if (Number(delta) === 0 || Number.isNaN(count)) throw invalid(`from ${start} to ${limit} by ${delta}`);
  claim(call, [count]);
  if (isRealArray(first)) {
    const real = Float64Array.from({ length: count }, (_, i) => Number(start) + i * Number(delta));
    return [{ dtype: first.dtype, dims: [count], values: real }];
  }
  const wide = Array.from({ length: count }, (_, i) => BigInt(start ?? 0) + BigInt(i) * BigInt(delta ?? 0));
  return [ndArray(first.dtype, [count], wide)];
};

/** `values` is [off, on]; an index outside of depth is off everywhere. */
const oneHot: Operator = (call) => {
  const indices = input(call, 0);
  const [depth, ...more] = toNumbers(input(call, 1)).map(Math.trunc);
  if (depth === undefined || more.length > 0 || depth < 1) throw invalid('depth is not one positive number');
  const values = input(call, 2);
  if (values.values.length !== 2) throw invalid('values is not [off, on]');
  const rank = indices.dims.length + 1;
  const axis = axisOf(intAttribute(call, 'axis', -1), rank);
  const dims = indices.dims.toSpliced(axis, 0, depth);
  const source = new Int32Array(claim(call, dims));
  const after = indices.dims.slice(axis).reduce((all, dim) => all * dim, 1);
  for (const [i, index] of toNumbers(indices).entries()) {
    if (index < -depth || index >= depth) continue;
    const on = Math.trunc(index < 0 ? index + depth : index);
    source[(Math.floor(i / after) * depth + on) * after + (i % after)] = 1;
  }
  return [take(values, dims, source)];
};

/** Diagonal ones. */
const eyeLike: Operator = (call) => {
  const like = realInput(call, 0);
  const [rows = 0, columns = 0] = like.dims;
  if (like.dims.length !== 2) throw invalid(`[${like.dims}] is no matrix`);
  if (optionalInt(call, 'dtype') !== undefined) throw unsupported('another type than the input (dtype)');
  const result = zeros(call, like.dtype, like.dims);
  const k = intAttribute(call, 'k', 0);
  for (let row = Math.max(0, -k); row < rows && row + k < columns; row++)
    result.values[row * columns + row + k] = 1;
  return [result];
};

/** Greatest (or least) elements of each line along an axis, with their positions; of equal ones the first. NaN is greatest. */
const topK: Operator = (call) => {
  const array = input(call, 0);
  const axis = axisOf(intAttribute(call, 'axis', -1), array.dims.length);
  const [k] = call.opset < 10 ? [optionalInt(call, 'k')] : integers(call, 1);
  const length = itemAt(array.dims, axis);
  if (k === undefined || k < 0 || k > length) throw invalid(`${k} of ${length}`);
  const largest = intAttribute(call, 'largest', 1) !== 0;
  const dims = array.dims.with(axis, k);
  const source = new Int32Array(claim(call, dims));
  claim(call, dims);
  const positions = new Array<number>(source.length).fill(0);
  forLines(array.dims, axis, (base, stride, line) => {
    const order = Array.from({ length }, (_, i) => i);
    const valueAt = (i: number) => itemAt<number | bigint>(array.values, base + i * stride);
    order.sort((a, b) => (largest ? -1 : 1) * compareValues(valueAt(a), valueAt(b)) || a - b);
    for (const [rank, from] of order.slice(0, k).entries()) {
      const to = (Math.floor(line / stride) * k + rank) * stride + (line % stride);
      source[to] = base + from * stride;
      positions[to] = from;
    }
  });
  return [take(array, dims, source), ndArray('int64', dims, positions)];
};

const compareValues = (a: number | bigint, b: number | bigint): number => {
  if (a === b) return 0;
  if (Number.isNaN(a)) return Number.isNaN(b) ? 0 : 1;
  return Number.isNaN(b) || a < b ? -1 : 1;
};

/** Each line along an axis: its first element, the distance to the next one, and its number. */
const forLines = (
  dims: readonly number[],
  axis: number,
  visit: (base: number, stride: number, line: number) => void,
): void => {
  const stride = dims.slice(axis + 1).reduce((all, dim) => all * dim, 1);
  const before = dims.slice(0, axis).reduce((all, dim) => all * dim, 1);
  const bases = stridedIndices([before, stride], [stride * itemAt(dims, axis), 1]);
  for (let line = 0; line < bases.length; line++) visit(indexAt(bases, line), stride, line);
};

const cumSum: Operator = (call) => {
  const array = input(call, 0);
  const [asked] = integers(call, 1);
  const axis = axisOf(asked ?? 0, array.dims.length);
  const exclusive = intAttribute(call, 'exclusive', 0) !== 0;
  const reverse = intAttribute(call, 'reverse', 0) !== 0;
  const length = itemAt(array.dims, axis);
  claim(call, array.dims);
  const sums: (number | bigint)[] = Array.from<number | bigint>(array.values);
  forLines(array.dims, axis, (base, stride) => {
    let sum: number | bigint = isRealArray(array) ? 0 : 0n;
    for (let i = 0; i < length; i++) {
      const place = base + (reverse ? length - 1 - i : i) * stride;
      const next = plus(call, sum, itemAt<number | bigint>(array.values, place), isFloat(array.dtype));
      sums[place] = exclusive ? sum : next;
      sum = next;
    }
  });
  return [ndArray(array.dtype, array.dims, sums)];
};

const plus = (call: Call, a: number | bigint, b: number | bigint, float: boolean): number | bigint => {
  if (typeof a === 'bigint') return a + BigInt(b);
  const sum = a + Number(b);
  return float ? (call.single ? Math.fround(sum) : sum) : sum | 0;
};

const nonZero: Operator = (call) => {
  const array = input(call, 0);
  const found = toNumbers(array).flatMap((value, i) => (value !== 0 ? [i] : []));
  const dims = [array.dims.length, found.length];
  claim(call, dims);
  const rows = array.dims.map((dim, axis) => {
    const stride = array.dims.slice(axis + 1).reduce((all, next) => all * next, 1);
    return found.map((i) => Math.floor(i / stride) % dim);
  });
  return [ndArray('int64', dims, rows.flat())];
};

const dropout: Operator = (call) => {
  const array = input(call, 0);
  const training = call.opset >= 12 ? optionalInput(call, 2) : undefined;
  const ratio =
    call.opset >= 12 ? (toNumbers(optionalInput(call, 1) ?? ndArray('float32', [], [0.5]))[0] ?? 0) : 0;
  if (training && toNumbers(training)[0] !== 0 && ratio !== 0)
    throw unsupported('dropout in training: it is random');
  claim(call, array.dims);
  const mask = ndArray(
    call.opset >= 10 ? 'bool' : array.dtype,
    array.dims,
    new Float64Array(array.values.length).fill(1),
  );
  return [array, mask];
};

/** Arrays out of nothing but numbers, and those that sort and count. */
export const creationOperators = {
  Constant: constant,
  ConstantOfShape: constantOfShape,
  Range: range,
  OneHot: oneHot,
  EyeLike: eyeLike,
  TopK: topK,
  CumSum: cumSum,
  NonZero: nonZero,
  Dropout: dropout,
} satisfies Record<string, Operator>;
