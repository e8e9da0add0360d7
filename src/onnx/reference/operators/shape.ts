import { countOf } from '../../ir/dataTypes.ts';
import {
  axesOf,
  axisOf,
  type Call,
  claim,
  commonDims,
  dimAt,
  input,
  intAttribute,
  integers,
  invalid,
  type Operator,
  optionalInput,
  optionalInts,
  requireSameType,
  roughIntegers,
  stringAttribute,
} from '../call.ts';
import {
  broadcastIndices,
  countBefore,
  countFrom,
  equalDims,
  gridIndices,
  itemAt,
  joined,
  product,
  ramp,
  scaledAxis,
  stridedIndices,
  stridesOf,
  take,
} from '../indexing.ts';
import { type NdArray, ndArray, withDims } from '../ndArray.ts';

/** Numbers from an attribute in old versions of an operator, from an input in newer ones. */
const listed = (call: Call, name: string, position: number): number[] | undefined =>
  optionalInts(call, name) ?? (optionalInput(call, position) && integers(call, position));

const requireListed = (call: Call, name: string, position: number): number[] => {
  const numbers = listed(call, name, position);
  if (numbers === undefined)
    throw invalid(`${name} is given neither as an attribute nor as input ${position}`);
  return numbers;
};

/** 0 keeps a dim (unless `allowzero`), one -1 is what remains. */
const reshape: Operator = (call) => {
  const array = input(call, 0);
  const keeps = intAttribute(call, 'allowzero', 0) === 0;
  const asked = requireListed(call, 'shape', 1);
  const wanted = asked.map((dim, axis) => (dim === 0 && keeps ? dimAtOr(array, axis) : dim));
  if (wanted.filter((dim) => dim === -1).length > 1) throw invalid(`shape [${asked}] has more than one -1`);
  const known = product(wanted.filter((dim) => dim !== -1));
  const count = array.values.length;
  const dims = wanted.map((dim) => (dim === -1 ? (known === 0 ? 0 : count / known) : dim));
  if (dims.some((dim) => dim < 0 || !Number.isSafeInteger(dim)) || countOf(dims) !== count)
    throw invalid(`[${array.dims}] has ${count} elements, which don't make [${asked}]`);
  return [withDims(array, dims)];
};

const dimAtOr = (array: NdArray, axis: number): number => {
  const dim = array.dims[axis];
  if (dim === undefined) throw invalid(`a 0 keeps dim ${axis}, and [${array.dims}] has none there`);
  return dim;
};

const flatten: Operator = (call) => {
  const array = input(call, 0);
  const rank = array.dims.length;
  const axis = intAttribute(call, 'axis', 1);
  if (axis < -rank || axis > rank) throw invalid(`axis ${axis} is none of ${rank}`);
  const from = axis < 0 ? axis + rank : axis;
  return [withDims(array, [countBefore(array.dims, from), countFrom(array.dims, from)])];
};

const squeeze: Operator = (call) => {
  const array = input(call, 0);
  const asked = listed(call, 'axes', 1);
  const axes = asked
    ? axesOf(asked, array.dims.length)
    : array.dims.flatMap((dim, axis) => (dim === 1 ? [axis] : []));
  const wide = axes.find((axis) => array.dims[axis] !== 1);
  if (wide !== undefined) throw invalid(`axis ${wide} of [${array.dims}] is not 1`);
  return [
    withDims(
      array,
      array.dims.filter((_, axis) => !axes.includes(axis)),
    ),
  ];
};

const unsqueeze: Operator = (call) => {
  const array = input(call, 0);
  const asked = requireListed(call, 'axes', 1);
  const rank = array.dims.length + asked.length;
  const axes = axesOf(asked, rank);
  const rest = [...array.dims];
  return [
    withDims(
      array,
      Array.from({ length: rank }, (_, axis) => (axes.includes(axis) ? 1 : (rest.shift() ?? 1))),
    ),
  ];
};

/** With axes in the order of `perm`. */
export const permute = (call: Call, array: NdArray, perm: readonly number[]): NdArray => {
  const rank = array.dims.length;
  if (perm.length !== rank || axesOf(perm, rank).some((axis, i) => axis !== perm[i]))
    throw invalid(`perm [${perm}] doesn't order the ${rank} axes of [${array.dims}]`);
  const strides = stridesOf(array.dims);
  const dims = perm.map((axis) => dimAt(array, axis));
  claim(call, dims);
  return take(
    array,
    dims,
    stridedIndices(
      dims,
      perm.map((axis) => itemAt(strides, axis)),
    ),
  );
};

const transpose: Operator = (call) => {
  const array = input(call, 0);
  return [permute(call, array, optionalInts(call, 'perm') ?? [...array.dims.keys()].reverse())];
};

const expand: Operator = (call) => {
  const array = input(call, 0);
  const dims = commonDims(array.dims, integers(call, 1));
  if (equalDims(dims, array.dims)) return [array];
  claim(call, dims);
  return [take(array, dims, broadcastIndices(array.dims, dims))];
};

/** The part of an array that a list of positions per axis names; -1 is `fill`. */
export const grid = (
  call: Call,
  array: NdArray,
  axes: readonly Int32Array[],
  fill: number | bigint = 0,
): NdArray => {
  const dims = axes.map((axis) => axis.length);
  claim(call, dims);
  const strides = stridesOf(array.dims);
  const scaled = axes.map((axis, i) => scaledAxis(axis, itemAt(strides, i)));
  return take(array, dims, gridIndices(scaled, 0, true), fill);
};

const tile: Operator = (call) => {
  const array = input(call, 0);
  const repeats = integers(call, 1);
  if (repeats.length !== array.dims.length || repeats.some((count) => count < 0))
    throw invalid(`repeats [${repeats}] don't fit to [${array.dims}]`);
  const dims = array.dims.map((dim, axis) => dim * itemAt(repeats, axis));
  claim({ ...call, budget: { ...call.budget } }, dims); // before the tables are made
  const axes = array.dims.map((dim, axis) => ramp(itemAt(dims, axis)).map((i) => i % dim));
  return [grid(call, array, axes)];
};

const slice: Operator = (call) => {
  const array = input(call, 0);
  const rank = array.dims.length;
  const starts = sliceBounds(call, 'starts', 1);
  const ends = sliceBounds(call, 'ends', 2);
  if (starts === undefined || ends === undefined) throw invalid('starts or ends are not given');
  const axes = axesOf(sliceBounds(call, 'axes', 3) ?? [...starts.keys()], rank);
  const steps = sliceBounds(call, 'steps', 4) ?? starts.map(() => 1);
  if ([ends, axes, steps].some(({ length }) => length !== starts.length))
    throw invalid(`starts [${starts}], ends [${ends}], axes [${axes}] and steps [${steps}] are not as many`);
  const positions = array.dims.map((dim) => ramp(dim));
  for (const [i, axis] of axes.entries())
    positions[axis] = slicePositions(
      dimAt(array, axis),
      itemAt(starts, i),
      itemAt(ends, i),
      itemAt(steps, i),
    );
  return [grid(call, array, positions)];
};

/** May stand for "to the end", beyond exact integers: so not through `integers`. */
const sliceBounds = (call: Call, name: string, position: number): number[] | undefined => {
  if (call.opset < 10) return optionalInts(call, name);
  return optionalInput(call, position) && roughIntegers(call, position);
};

/** Python's `range(dim)[start:end:step]`. */
const slicePositions = (dim: number, start: number, end: number, step: number): Int32Array => {
  if (step === 0) throw invalid('a slice has step 0');
  const clamp = (bound: number, low: number, high: number) =>
    Math.min(Math.max(bound < 0 ? bound + dim : bound, low), high);
  const first = step > 0 ? clamp(start, 0, dim) : clamp(start, -1, dim - 1);
  const last = step > 0 ? clamp(end, 0, dim) : clamp(end, -1, dim - 1);
  return ramp(Math.max(0, Math.ceil((last - first) / step)), first, step);
};

const concat: Operator = (call) => {
  requireSameType(call, [...call.inputs.keys()]);
  const first = input(call, 0);
  const arrays: [NdArray, ...NdArray[]] = [first, ...call.inputs.slice(1).map((_, i) => input(call, i + 1))];
  return [
    concatArrays(call, arrays, axisOf(intAttribute(call, 'axis', call.opset < 4 ? 1 : 0), first.dims.length)),
  ];
};

/** Of one type and of the same dims but for `axis`. */
export const concatArrays = (call: Call, arrays: readonly [NdArray, ...NdArray[]], axis: number): NdArray => {
  const [first] = arrays;
  const others = (dims: readonly number[]) => dims.toSpliced(axis, 1);
  const odd = arrays.find(
    ({ dims }) => dims.length !== first.dims.length || !equalDims(others(dims), others(first.dims)),
  );
  if (odd) throw invalid(`[${first.dims}] and [${odd.dims}] differ beside axis ${axis}`);
  const length = arrays.reduce((sum, array) => sum + dimAt(array, axis), 0);
  const dims = first.dims.with(axis, length);
  const source = new Int32Array(claim(call, dims));
  const rows = countBefore(dims, axis);
  let next = 0;
  for (let row = 0; row < rows; row++) {
    let start = 0;
    for (const { dims: part, values } of arrays) {
      const size = countFrom(part, axis);
      for (let i = 0; i < size; i++) source[next++] = start + row * size + i;
      start += values.length;
    }
  }
  return take(joined(arrays), dims, source);
};

const split: Operator = (call) => {
  const array = input(call, 0);
  const axis = axisOf(intAttribute(call, 'axis', 0), array.dims.length);
  const dim = dimAt(array, axis);
  const sizes =
    listed(call, 'split', 1) ?? equalParts(dim, intAttribute(call, 'num_outputs', call.node.outputs.length));
  if (sizes.some((size) => size < 0) || sizes.reduce((sum, size) => sum + size, 0) !== dim)
    throw invalid(`parts [${sizes}] don't make the ${dim} of axis ${axis}`);
  let start = 0;
  return sizes.map((size) => {
    const positions = array.dims.map((length) => ramp(length)).with(axis, ramp(size, start));
    start += size;
    return grid(call, array, positions);
  });
};

/** The last is smaller if they don't come out even. */
const equalParts = (dim: number, parts: number): number[] => {
  if (parts < 1 || parts > 65_536) throw invalid(`${parts} parts`);
  const size = Math.ceil(dim / parts);
  return Array.from({ length: parts }, (_, i) => Math.max(0, Math.min(size, dim - i * size)));
};

const shape: Operator = (call) => {
  const { dims } = input(call, 0);
  const clamp = (bound: number) =>
    Math.min(Math.max(bound < 0 ? bound + dims.length : bound, 0), dims.length);
  const part = dims.slice(
    clamp(intAttribute(call, 'start', 0)),
    clamp(intAttribute(call, 'end', dims.length)),
  );
  return [ndArray('int64', [part.length], part)];
};

/** [N, C·b², H, W] to [N, C, H·b, W·b]. */
const depthToSpace: Operator = (call) => {
  const array = input(call, 0);
  const block = intAttribute(call, 'blocksize', 0);
  const [n = 0, c = 0, h = 0, w = 0] = array.dims;
  if (array.dims.length !== 4 || block < 1 || c % block ** 2 !== 0)
    throw invalid(`[${array.dims}] doesn't split into blocks of ${block}`);
  const depth = c / block ** 2;
  const isCrd = stringAttribute(call, 'mode', 'DCR') === 'CRD';
  const split = isCrd ? [n, depth, block, block, h, w] : [n, block, block, depth, h, w];
  const moved = permute(call, withDims(array, split), isCrd ? [0, 1, 4, 2, 5, 3] : [0, 3, 4, 1, 5, 2]);
  return [withDims(moved, [n, depth, h * block, w * block])];
};

/** The same elements in another shape or order. */
export const shapeOperators = {
  Reshape: reshape,
  Flatten: flatten,
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
  Transpose: transpose,
  Expand: expand,
  Tile: tile,
  Slice: slice,
  Concat: concat,
  Split: split,
  Shape: shape,
  Size: (call) => [ndArray('int64', [], [input(call, 0).values.length])],
  DepthToSpace: depthToSpace,
} satisfies Record<string, Operator>;
