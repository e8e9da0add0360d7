import {
  add,
  type Call,
  claim,
  floatInput,
  intAttribute,
  invalid,
  type Operator,
  optionalInts,
  realInput,
  spend,
  unsupported,
  zeros,
} from '../call.ts';
import { at, indexAt, itemAt, product } from '../indexing.ts';
import { ndArray, type RealArray } from '../ndArray.ts';
import {
  gridCoordinates,
  outputDim,
  readWindow,
  requireImage,
  tapTables,
  type WindowAxis,
} from './window.ts';

type Pool = {
  readonly x: RealArray;
  readonly windows: readonly WindowAxis[];
  readonly dims: readonly number[];
  readonly places: readonly number[];
  readonly tables: readonly Int32Array[];
  /** N times C. */
  readonly planes: number;
};

const readPool = (call: Call, x: RealArray): Pool => {
  const dims = requireImage(x.dims);
  const kernel = optionalInts(call, 'kernel_shape');
  if (kernel?.length !== dims.length) throw invalid(`kernel_shape [${kernel ?? ''}] for [${x.dims}]`);
  const windows = readWindow(call, kernel, dims);
  const ceil = intAttribute(call, 'ceil_mode', 0) !== 0;
  const places = windows.map((window, axis) => outputDim(window, itemAt(dims, axis), ceil));
  const planes = itemAt(x.dims, 0) * itemAt(x.dims, 1);
  spend(call, planes * product(kernel) * product(places));
  return { x, windows, dims, places, tables: tapTables(call, windows, dims, places), planes };
};

/** The greatest under the kernel, and where it is in the whole input; of equal ones the first. */
const maxPool: Operator = (call) => {
  const x = realInput(call, 0);
  const { places, tables, planes, dims } = readPool(call, x);
  const wantsPlaces = (call.node.outputs[1] ?? '') !== '';
  if (wantsPlaces && intAttribute(call, 'storage_order', 0) !== 0)
    throw unsupported('column-major indices (storage_order)');
  const result = zeros(call, x.dtype, [...x.dims.slice(0, 2), ...places]);
  const [size, count] = [product(dims), product(places)];
  if (wantsPlaces) claim(call, result.dims);
  const found = wantsPlaces ? new Array<number>(result.values.length).fill(0) : [];
  for (let plane = 0; plane < planes; plane++)
    for (let place = 0; place < count; place++) {
      const best = greatestAt(x.values, plane * size, tables, place);
      if (best === -1) throw invalid('a kernel lies in the padding alone: there is no greatest element');
      result.values[plane * count + place] = at(x.values, best);
      if (wantsPlaces) found[plane * count + place] = best;
    }
  return wantsPlaces ? [result, ndArray('int64', result.dims, found)] : [result];
};

const greatestAt = (
  values: Float64Array,
  base: number,
  tables: readonly Int32Array[],
  place: number,
): number => {
  let best = -1;
  for (const table of tables) {
    const source = indexAt(table, place);
    if (source === -1) continue;
    if (best === -1 || at(values, base + source) > at(values, best)) best = base + source;
  }
  return best;
};

/** The mean under the kernel: of what is inside, or with the padding as zeros (`count_include_pad`). */
const averagePool: Operator = (call) => {
  const x = floatInput(call, 0);
  const pool = readPool(call, x);
  const { places, tables, planes, dims } = pool;
  const result = zeros(call, x.dtype, [...x.dims.slice(0, 2), ...places]);
  const [size, count] = [product(dims), product(places)];
  const divisors = intAttribute(call, 'count_include_pad', 0)
    ? paddedCounts(pool)
    : insideCounts(tables, count);
  for (let plane = 0; plane < planes; plane++)
    for (let place = 0; place < count; place++) {
      let sum = 0;
      for (const table of tables) {
        const source = indexAt(table, place);
        if (source !== -1) sum = add(call, sum, at(x.values, plane * size + source));
      }
      result.values[plane * count + place] = sum / itemAt(divisors, place);
    }
  return [result];
};

const insideCounts = (tables: readonly Int32Array[], count: number): number[] =>
  Array.from({ length: count }, (_, place) => {
    const inside = tables.filter((table) => indexAt(table, place) !== -1).length;
    if (inside === 0) throw invalid('a kernel lies in the padding alone: there is nothing to average');
    return inside;
  });

/** Taps inside the input and its padding; what `ceil_mode` lets stand out behind them never counts. */
const paddedCounts = ({ windows, dims, places }: Pool): number[] =>
  gridCoordinates(places).map((position) =>
    product(
      windows.map(({ kernel, stride, dilation, padBefore, padAfter }, axis) => {
        const start = itemAt(position, axis) * stride - padBefore;
        const end = itemAt(dims, axis) + padAfter;
        return Math.min(kernel, Math.ceil((end - start) / dilation));
      }),
    ),
  );

/** Over all spatial axes at once. */
const globalPool =
  (f: (call: Call, values: Float64Array) => number): Operator =>
  (call) => {
    const x = floatInput(call, 0);
    const dims = requireImage(x.dims);
    const size = product(dims);
    if (size === 0) throw invalid(`[${x.dims}] has nothing to pool`);
    spend(call, x.values.length);
    const result = zeros(call, x.dtype, [...x.dims.slice(0, 2), ...dims.map(() => 1)]);
    for (let plane = 0; plane < result.values.length; plane++)
      result.values[plane] = f(call, x.values.subarray(plane * size, (plane + 1) * size));
    return [result];
  };

/** Kernels over [N, C, spatial…] that choose or average. */
export const poolingOperators = {
  MaxPool: maxPool,
  AveragePool: averagePool,
  GlobalMaxPool: globalPool((_, values) =>
    values.reduce((best, value) => Math.max(best, value), Number.NEGATIVE_INFINITY),
  ),
  GlobalAveragePool: globalPool(
    (call, values) => values.reduce((sum, value) => add(call, sum, value), 0) / values.length,
  ),
} satisfies Record<string, Operator>;
