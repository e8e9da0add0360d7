import type { NdArray } from './ndArray.ts';

/** An index beyond a table is a bug here, never a NaN in a result. */
const outOfRange = (index: number, length: number): never => {
  throw new RangeError(`element ${index} of ${length}`);
};

/** `values[i]` in loops over numbers. */
export const at = (values: Float64Array, i: number): number => values[i] ?? outOfRange(i, values.length);
/** `indices[i]` in loops over index tables. */
export const indexAt = (indices: Int32Array, i: number): number =>
  indices[i] ?? outOfRange(i, indices.length);
/** `items[i]` of anything else. */
export const itemAt = <T>(items: ArrayLike<T>, i: number): T => items[i] ?? outOfRange(i, items.length);

/** How far apart neighbours along each axis are, row-major. */
export const stridesOf = (dims: readonly number[]): number[] => {
  const strides = new Array<number>(dims.length).fill(1);
  for (let axis = dims.length - 2; axis >= 0; axis--)
    strides[axis] = itemAt(strides, axis + 1) * itemAt(dims, axis + 1);
  return strides;
};

export const countBefore = (dims: readonly number[], axis: number): number => product(dims.slice(0, axis));
export const countFrom = (dims: readonly number[], axis: number): number => product(dims.slice(axis));
export const product = (numbers: readonly number[]): number => numbers.reduce((all, one) => all * one, 1);

/** Of one count, as a table: `first`, `first + step`, … */
export const ramp = (count: number, first = 0, step = 1): Int32Array => {
  const table = new Int32Array(count);
  for (let i = 0; i < count; i++) table[i] = first + i * step;
  return table;
};

/** For each position of `dims`, row-major: the sum over the axes of position times stride. A stride may be 0 or negative. */
export const stridedIndices = (dims: readonly number[], strides: readonly number[], offset = 0): Int32Array =>
  gridIndices(
    dims.map((dim, axis) => ramp(dim, 0, itemAt(strides, axis))),
    offset,
  );

/**
 * For each combination of one entry per axis, row-major: the sum of the entries; -1 if one of them is -1 and `holes` is set.
 * Every index map of this folder (slices, pads, broadcasts, windows) is such a grid.
 */
export const gridIndices = (axes: readonly Int32Array[], offset = 0, holes = false): Int32Array => {
  let grid = Int32Array.of(offset);
  for (const axis of axes) {
    const next = new Int32Array(grid.length * axis.length);
    let out = 0;
    for (const base of grid)
      for (const entry of axis) next[out++] = holes && (base === -1 || entry === -1) ? -1 : base + entry;
    grid = next;
  }
  return grid;
};

/** Entries times `factor`, holes kept. */
export const scaledAxis = (axis: Int32Array, factor: number): Int32Array =>
  axis.map((entry) => (entry === -1 ? -1 : entry * factor));

/** The common dims of numpy's broadcasting; undefined if there are none. */
export const broadcastDims = (...shapes: readonly (readonly number[])[]): number[] | undefined => {
  const rank = Math.max(0, ...shapes.map((dims) => dims.length));
  const common: number[] = [];
  for (let axis = 0; axis < rank; axis++) {
    const sizes = shapes.map((dims) => dims[axis - rank + dims.length] ?? 1).filter((dim) => dim !== 1);
    const [size = 1] = sizes;
    if (sizes.some((other) => other !== size)) return undefined;
    common.push(size);
  }
  return common;
};

/** Strides that read an array of `dims` as if it had `wanted`, which it broadcasts to. */
export const broadcastStrides = (dims: readonly number[], wanted: readonly number[]): number[] => {
  const strides = stridesOf(dims);
  const missing = wanted.length - dims.length;
  return wanted.map((_, axis) =>
    axis < missing || dims[axis - missing] === 1 ? 0 : itemAt(strides, axis - missing),
  );
};

/** For each element of `wanted`, which element of an array of `dims` it is. */
export const broadcastIndices = (dims: readonly number[], wanted: readonly number[]): Int32Array =>
  stridedIndices(wanted, broadcastStrides(dims, wanted));

export const equalDims = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((dim, axis) => dim === b[axis]);

/** An array of the elements that `source` names, in its order; -1 is `fill`. */
export const take = (
  array: NdArray,
  dims: readonly number[],
  source: Int32Array,
  fill: number | bigint = 0,
): NdArray => {
  switch (array.dtype) {
    case 'int64': {
      const values = new BigInt64Array(source.length);
      copyBy<bigint>(array.values, values, source, BigInt(fill));
      return { dtype: array.dtype, dims, values };
    }
    case 'uint64': {
      const values = new BigUint64Array(source.length);
      copyBy<bigint>(array.values, values, source, BigInt(fill));
      return { dtype: array.dtype, dims, values };
    }
    default: {
      const values = new Float64Array(source.length);
      copyBy<number>(array.values, values, source, Number(fill));
      return { dtype: array.dtype, dims, values };
    }
  }
};

/** All elements of arrays of one type after each other, flat. */
export const joined = (arrays: readonly [NdArray, ...NdArray[]]): NdArray => {
  const [first] = arrays;
  const dims = [arrays.reduce((count, { values }) => count + values.length, 0)];
  switch (first.dtype) {
    case 'int64':
      return {
        dtype: first.dtype,
        dims,
        values: fill<bigint, BigInt64Array>(new BigInt64Array(dims[0] ?? 0), arrays, BigInt),
      };
    case 'uint64':
      return {
        dtype: first.dtype,
        dims,
        values: fill<bigint, BigUint64Array>(new BigUint64Array(dims[0] ?? 0), arrays, BigInt),
      };
    default:
      return {
        dtype: first.dtype,
        dims,
        values: fill<number, Float64Array>(new Float64Array(dims[0] ?? 0), arrays, Number),
      };
  }
};

const fill = <T, Values extends { [i: number]: T }>(
  to: Values,
  arrays: readonly NdArray[],
  toElement: (value: number | bigint) => T,
): Values => {
  let next = 0;
  const out: { [i: number]: T } = to;
  for (const { values } of arrays) for (const value of values) out[next++] = toElement(value);
  return to;
};

const copyBy = <T>(from: ArrayLike<T>, to: { [i: number]: T }, source: Int32Array, fill: T): void => {
  for (let i = 0; i < source.length; i++) {
    const index = indexAt(source, i);
    to[i] = index === -1 ? fill : itemAt(from, index);
  }
};
