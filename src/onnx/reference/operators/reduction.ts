import {
  add,
  axesOf,
  axisOf,
  type Call,
  claim,
  input,
  intAttribute,
  integers,
  invalid,
  type Operator,
  optionalInput,
  optionalInts,
  spend,
  unsupported,
  zeros,
} from '../call.ts';
import { at, indexAt, itemAt, stridedIndices, stridesOf } from '../indexing.ts';
import {
  isFloat,
  isRealArray,
  type NdArray,
  ndArray,
  type RealArray,
  type RealType,
  rangeOf,
  wrapTo,
} from '../ndArray.ts';

/**
 * One group of elements that become one: those at `base + offsets[i]`. `dtype` decides what the least value is.
 */
type Group = {
  readonly values: Float64Array;
  readonly base: number;
  readonly offsets: Int32Array;
};
type RealReduction = (call: Call, group: Group, dtype: RealType) => number;
type Reduction = {
  readonly real: RealReduction;
  /** Integers of 64 bits, where the operator has a use for them. */
  readonly wide?: (values: readonly bigint[]) => bigint;
};

const total = (call: Call, { values, base, offsets }: Group, f: (x: number) => number): number => {
  let sum = 0;
  for (let i = 0; i < offsets.length; i++) sum = add(call, sum, f(at(values, base + indexAt(offsets, i))));
  return sum;
};

const extreme =
  (pick: (a: number, b: number) => number, side: 0 | 1): RealReduction =>
  (_, { values, base, offsets }, dtype) => {
    let best = rangeOf(dtype)[side];
    for (let i = 0; i < offsets.length; i++) best = pick(best, at(values, base + indexAt(offsets, i)));
    return best;
  };
const greatest = extreme(Math.max, 0);
const least = extreme(Math.min, 1);

const same = (x: number) => x;
const square = (x: number) => x * x;

const meanOf: RealReduction = (call, group, dtype) => {
  if (group.offsets.length === 0) throw invalid('the mean of no elements');
  const mean = total(call, group, same) / group.offsets.length;
  return isFloat(dtype) ? mean : Math.trunc(mean);
};

/** max + log Σ exp(x - max): nothing overflows. */
const logSumExp: RealReduction = (call, group, dtype) => {
  const max = greatest(call, group, dtype);
  if (!Number.isFinite(max)) return max;
  return max + Math.log(total(call, group, (x) => Math.exp(x - max)));
};

const productOf: RealReduction = (call, { values, base, offsets }, dtype) => {
  let result = 1;
  for (let i = 0; i < offsets.length; i++) {
    const factor = at(values, base + indexAt(offsets, i));
    if (!isFloat(dtype)) result = Math.imul(result, factor);
    else result = call.single ? Math.fround(result * factor) : result * factor;
  }
  return result;
};

const wideExtreme =
  (better: (a: bigint, b: bigint) => boolean) =>
  (values: readonly bigint[]): bigint => {
    const [first, ...others] = values;
    if (first === undefined) throw unsupported('the extreme of no elements of 64 bits');
    return others.reduce((best, value) => (better(value, best) ? value : best), first);
  };

const wideSum = (values: readonly bigint[]) => values.reduce((sum, value) => sum + value, 0n);
const wideMean = (values: readonly bigint[]) => {
  if (values.length === 0) throw invalid('the mean of no elements');
  return wideSum(values) / BigInt(values.length);
};

/** The axes in the attribute, or in the second input, as the operator's version has it; all if there are none. */
const reducedAxes = (call: Call, array: NdArray): number[] | undefined => {
  const listed =
    optionalInts(call, 'axes') ?? (optionalInput(call, 1) === undefined ? [] : integers(call, 1));
  if (listed.length > 0) return axesOf(listed, array.dims.length);
  return intAttribute(call, 'noop_with_empty_axes', 0) === 1 ? undefined : [...array.dims.keys()];
};

/** Which elements go where if `axes` are taken together: bases of the groups, offsets inside one. */
export const groupsOf = (dims: readonly number[], axes: readonly number[]) => {
  const strides = stridesOf(dims);
  const kept = [...dims.keys()].filter((axis) => !axes.includes(axis));
  const pick = (from: readonly number[], which: readonly number[]) => which.map((axis) => itemAt(from, axis));
  const inside = axes.toSorted((a, b) => a - b);
  return {
    bases: stridedIndices(pick(dims, kept), pick(strides, kept)),
    offsets: stridedIndices(pick(dims, inside), pick(strides, inside)),
  };
};

/** What is left of `dims` without `axes`: 1 in their place, or nothing. */
export const reducedDims = (dims: readonly number[], axes: readonly number[], keep: boolean): number[] =>
  dims.flatMap((dim, axis) => (axes.includes(axis) ? (keep ? [1] : []) : [dim]));

const reduce =
  (how: Reduction): Operator =>
  (call) => {
    const array = input(call, 0);
    const axes = reducedAxes(call, array);
    if (axes === undefined) return [array];
    const dims = reducedDims(array.dims, axes, intAttribute(call, 'keepdims', 1) !== 0);
    spend(call, array.values.length);
    if (isRealArray(array)) return [reduceReal(call, array, axes, dims, how.real)];
    const { wide } = how;
    if (wide === undefined) throw unsupported(`reduction of ${array.dtype}`);
    claim(call, dims);
    const { bases, offsets } = groupsOf(array.dims, axes);
    const groups = Array.from(bases, (base) => Array.from(offsets, (o) => itemAt(array.values, base + o)));
    return [ndArray(array.dtype, dims, groups.map(wide))];
  };

const reduceReal = (
  call: Call,
  array: RealArray,
  axes: readonly number[],
  dims: readonly number[],
  f: RealReduction,
): RealArray => {
  const result = zeros(call, array.dtype, dims);
  const { bases, offsets } = groupsOf(array.dims, axes);
  for (let i = 0; i < bases.length; i++) {
    const group = { values: array.values, base: indexAt(bases, i), offsets };
    result.values[i] = wrapTo(array.dtype, f(call, group, array.dtype));
  }
  return result;
};

/** The position of the greatest (or least) along an axis; of equal ones the first, or the last if so asked. */
const argExtreme =
  (better: (a: number | bigint, b: number | bigint) => boolean): Operator =>
  (call) => {
    const array = input(call, 0);
    const axis = axisOf(intAttribute(call, 'axis', 0), array.dims.length);
    const last = intAttribute(call, 'select_last_index', 0) !== 0;
    if (array.dims[axis] === 0)
      throw invalid(`axis ${axis} of [${array.dims}] has no elements to choose from`);
    const dims = reducedDims(array.dims, [axis], intAttribute(call, 'keepdims', 1) !== 0);
    claim(call, dims);
    spend(call, array.values.length);
    const { bases, offsets } = groupsOf(array.dims, [axis]);
    const best = Array.from(bases, (base) => {
      let found = 0;
      for (let i = 1; i < offsets.length; i++) {
        const value = itemAt<number | bigint>(array.values, base + indexAt(offsets, i));
        const soFar = itemAt<number | bigint>(array.values, base + indexAt(offsets, found));
        if (better(value, soFar) || (last && value === soFar)) found = i;
      }
      return found;
    });
    return [ndArray('int64', dims, best)];
  };

/** Many elements to one. */
export const reductionOperators = {
  ReduceSum: reduce({ real: (call, group) => total(call, group, same), wide: wideSum }),
  ReduceMean: reduce({ real: meanOf, wide: wideMean }),
  ReduceMax: reduce({ real: greatest, wide: wideExtreme((a, b) => a > b) }),
  ReduceMin: reduce({ real: least, wide: wideExtreme((a, b) => a < b) }),
  ReduceProd: reduce({
    real: productOf,
    wide: (values) => values.reduce((all, value) => BigInt.asIntN(64, all * value), 1n),
  }),
  ReduceL1: reduce({ real: (call, group) => total(call, group, Math.abs) }),
  ReduceL2: reduce({ real: (call, group) => Math.sqrt(total(call, group, square)) }),
  ReduceSumSquare: reduce({
    real: (call, group) => total(call, group, square),
    wide: (values) => wideSum(values.map((value) => value * value)),
  }),
  ReduceLogSum: reduce({ real: (call, group) => Math.log(total(call, group, same)) }),
  ReduceLogSumExp: reduce({ real: logSumExp }),
  ArgMax: argExtreme((a, b) => a > b),
  ArgMin: argExtreme((a, b) => a < b),
} satisfies Record<string, Operator>;
