import {
  axisOf,
  type Call,
  claim,
  dimAt,
  input,
  intAttribute,
  integers,
  invalid,
  type Operator,
  requireDims,
  requireSameType,
  stringAttribute,
  unsupported,
} from '../call.ts';
import {
  countFrom,
  equalDims,
  gridIndices,
  indexAt,
  itemAt,
  product,
  ramp,
  scaledAxis,
  stridedIndices,
  stridesOf,
  take,
} from '../indexing.ts';
import { type NdArray, ndArray } from '../ndArray.ts';
import { wideGreatest, wideLeast } from './binary.ts';

/** Positions along a dim; negative ones count from its end, others outside are refused. */
export const wrapIndices = (indices: readonly number[], dim: number): Int32Array => {
  const outside = indices.find((index) => index < -dim || index >= dim);
  if (outside !== undefined) throw invalid(`index ${outside} is outside of ${dim}`);
  return Int32Array.from(indices, (index) => (index < 0 ? index + dim : index));
};

/** Slices of the first input along an axis, one for each index. */
const gather: Operator = (call) => {
  const array = input(call, 0);
  const { dims: indexDims } = input(call, 1);
  const axis = axisOf(intAttribute(call, 'axis', 0), array.dims.length);
  const chosen = wrapIndices(integers(call, 1), dimAt(array, axis));
  const dims = array.dims.toSpliced(axis, 1, ...indexDims);
  claim(call, dims);
  const strides = stridesOf(array.dims);
  const positions = array.dims.map((dim, i) =>
    scaledAxis(i === axis ? chosen : ramp(dim), itemAt(strides, i)),
  );
  return [take(array, dims, gridIndices(positions))];
};

/** Where each element of the indices points to in `array`: at its own place, but for `axis`. */
const elementTargets = (call: Call, array: NdArray, position: number): Int32Array => {
  const { dims } = input(call, position);
  const axis = axisOf(intAttribute(call, 'axis', 0), array.dims.length);
  const fits = (dim: number, i: number) => i === axis || dim <= dimAt(array, i);
  if (dims.length !== array.dims.length || !dims.every(fits))
    throw invalid(`indices [${dims}] don't fit to [${array.dims}] along axis ${axis}`);
  const along = wrapIndices(integers(call, position), dimAt(array, axis));
  const strides = stridesOf(array.dims);
  const places = stridedIndices(dims, strides.with(axis, 0));
  const stride = itemAt(strides, axis);
  return places.map((place, i) => place + indexAt(along, i) * stride);
};

const gatherElements: Operator = (call) => {
  const array = input(call, 0);
  const { dims } = input(call, 1);
  claim(call, dims);
  return [take(array, dims, elementTargets(call, array, 1))];
};

/** Tuples of indices, the last axis of the input at `position`: where each leads to, and the dims of what is there. */
const tupleTargets = (call: Call, array: NdArray, position: number, batchDims: number) => {
  const { dims } = input(call, position);
  const length = dims.at(-1);
  const rank = array.dims.length;
  if (
    length === undefined ||
    length < 1 ||
    batchDims < 0 ||
    batchDims + length > rank ||
    batchDims >= dims.length
  )
    throw invalid(`tuples of indices [${dims}] don't fit to [${array.dims}] after ${batchDims} batch dims`);
  if (!equalDims(dims.slice(0, batchDims), array.dims.slice(0, batchDims)))
    throw invalid(`indices [${dims}] and [${array.dims}] differ in their first ${batchDims} dims`);
  const strides = stridesOf(array.dims);
  const tuples = dims.slice(0, -1);
  const perBatch = product(tuples.slice(batchDims));
  const columns = Array.from({ length }, (_, i) => dimAt(array, batchDims + i));
  const numbers = integers(call, position);
  const batchStride = countFrom(array.dims, batchDims);
  const starts = new Int32Array(product(tuples));
  for (let i = 0; i < starts.length; i++) {
    let start = Math.floor(i / perBatch) * batchStride;
    for (const [j, dim] of columns.entries()) {
      const [index = 0] = wrapIndices([itemAt(numbers, i * length + j)], dim);
      start += index * itemAt(strides, batchDims + j);
    }
    starts[i] = start;
  }
  return { starts, tuples, inner: array.dims.slice(batchDims + length) };
};

const gatherNd: Operator = (call) => {
  const array = input(call, 0);
  const { starts, tuples, inner } = tupleTargets(call, array, 1, intAttribute(call, 'batch_dims', 0));
  const dims = [...tuples, ...inner];
  claim(call, dims);
  return [take(array, dims, gridIndices([starts, ramp(product(inner))]))];
};

type Combine = {
  readonly real: (a: number, b: number) => number;
  readonly wide: (a: bigint, b: bigint) => bigint;
};
const reductions: Readonly<Record<string, Combine>> = {
  none: { real: (_, b) => b, wide: (_, b) => b },
  add: { real: (a, b) => a + b, wide: (a, b) => a + b },
  mul: { real: (a, b) => a * b, wide: (a, b) => a * b },
  max: { real: Math.max, wide: wideGreatest },
  min: { real: Math.min, wide: wideLeast },
};

/** `array` with each update combined into its target; of two into one, the later one is last. */
const scatterInto = (call: Call, array: NdArray, updates: NdArray, targets: Int32Array): NdArray => {
  const name = stringAttribute(call, 'reduction', 'none');
  const how = Object.hasOwn(reductions, name) ? reductions[name] : undefined;
  if (how === undefined) throw unsupported(`reduction "${name}"`);
  claim(call, array.dims);
  const values: (number | bigint)[] = Array.from<number | bigint>(array.values);
  const scattered = Array.from<number | bigint>(updates.values);
  for (const [i, update] of scattered.entries()) {
    const target = indexAt(targets, i);
    const before = itemAt(values, target);
    if (typeof before === 'number') values[target] = how.real(before, Number(update));
    else values[target] = how.wide(before, BigInt(update));
  }
  return ndArray(array.dtype, array.dims, values);
};

const scatterElements: Operator = (call) => {
  requireSameType(call, [0, 2]);
  const [array, updates] = [input(call, 0), input(call, 2)];
  requireDims(updates, 2, input(call, 1).dims);
  return [scatterInto(call, array, updates, elementTargets(call, array, 1))];
};

const scatterNd: Operator = (call) => {
  requireSameType(call, [0, 2]);
  const [array, updates] = [input(call, 0), input(call, 2)];
  const { starts, tuples, inner } = tupleTargets(call, array, 1, 0);
  requireDims(updates, 2, [...tuples, ...inner]);
  return [scatterInto(call, array, updates, gridIndices([starts, ramp(product(inner))]))];
};

/** Elements by index, and back. */
export const gatherOperators = {
  Gather: gather,
  GatherElements: gatherElements,
  GatherND: gatherNd,
  ScatterElements: scatterElements,
  Scatter: scatterElements,
  ScatterND: scatterNd,
} satisfies Record<string, Operator>;
