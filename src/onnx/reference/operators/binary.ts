import {
  axisOf,
  type Call,
  claim,
  commonDims,
  floatInput,
  input,
  intAttribute,
  integers,
  invalid,
  type Operator,
  optionalFloatAttribute,
  optionalInput,
  optionalInt,
  requireSameType,
  unsupported,
  zeros,
} from '../call.ts';
import { at, broadcastIndices, equalDims, indexAt, itemAt, take } from '../indexing.ts';
import {
  isFloat,
  isRealArray,
  isWide,
  type NdArray,
  ndArray,
  type RealArray,
  type RealType,
  toNumbers,
  type WideArray,
  withDims,
  wrapTo,
} from '../ndArray.ts';

type RealFunction = (a: number, b: number) => number;
type WideFunction = (a: bigint, b: bigint) => bigint;
/** One function for floats and narrow integers, which wrap, and one for integers of 64 bits, which wrap as they are stored. */
type Arithmetic = { readonly real: RealFunction; readonly wide: WideFunction };

/** As `dims`, which it broadcasts to. */
const expand = (call: Call, array: NdArray, dims: readonly number[]): NdArray => {
  if (equalDims(array.dims, dims)) return array;
  claim(call, dims);
  return take(array, dims, broadcastIndices(array.dims, dims));
};

/** `f` of each pair of elements of two arrays that broadcast. */
export const combineReal = (
  call: Call,
  a: RealArray,
  b: RealArray,
  f: RealFunction,
  dtype: RealType = a.dtype,
): RealArray => {
  const dims = commonDims(a.dims, b.dims);
  const result = zeros(call, dtype, dims);
  const { values } = result;
  if (equalDims(a.dims, b.dims)) {
    for (let i = 0; i < values.length; i++) values[i] = f(at(a.values, i), at(b.values, i));
    return result;
  }
  const inA = broadcastIndices(a.dims, dims);
  const inB = broadcastIndices(b.dims, dims);
  for (let i = 0; i < values.length; i++)
    values[i] = f(at(a.values, indexAt(inA, i)), at(b.values, indexAt(inB, i)));
  return result;
};

export const pairsOf = (call: Call, a: NdArray, b: NdArray) => {
  const dims = commonDims(a.dims, b.dims);
  return { dims, a: expand(call, a, dims), b: expand(call, b, dims) };
};

const combineWide = (call: Call, one: WideArray, other: WideArray, f: WideFunction): NdArray => {
  const { dims, a, b } = pairsOf(call, one, other);
  return ndArray(
    one.dtype,
    dims,
    Array.from<number | bigint, bigint>(a.values, (x, i) =>
      f(BigInt(x), BigInt(itemAt<number | bigint>(b.values, i))),
    ),
  );
};

const combine = (call: Call, a: NdArray, b: NdArray, { real, wide }: Arithmetic): NdArray => {
  if (isRealArray(a) && isRealArray(b)) {
    const { dtype } = a;
    if (isFloat(dtype)) return combineReal(call, a, b, real);
    return combineReal(call, a, b, (x, y) => wrapTo(dtype, real(x, y)));
  }
  if (isRealArray(a) || isRealArray(b)) throw invalid(`its inputs are of ${a.dtype} and ${b.dtype}`);
  return combineWide(call, a, b, wide);
};

const arithmetic =
  (how: Arithmetic): Operator =>
  (call) => {
    requireSameType(call, [0, 1]);
    return [combine(call, input(call, 0), secondInput(call), how)];
  };

/** Before version 7 an axis may say where the axes of the second input begin in those of the first. */
const secondInput = (call: Call): NdArray => {
  const [{ dims }, second] = [input(call, 0), input(call, 1)];
  const axis = call.opset < 7 ? optionalInt(call, 'axis') : undefined;
  if (axis === undefined) return second;
  const behind = dims.length - axisOf(axis, dims.length) - second.dims.length;
  return withDims(second, [...second.dims, ...new Array<number>(Math.max(0, behind)).fill(1)]);
};

const nonZero = <T>(x: T): T => {
  if (x === 0 || x === 0n) throw invalid('it divides an integer by zero');
  return x;
};

const sum: Arithmetic = { real: (a, b) => a + b, wide: (a, b) => a + b };

/** Products of narrow integers are exact in 32 bits only by `Math.imul`. */
const multiply: Operator = (call) => {
  const isFloats = isFloat(input(call, 0).dtype);
  return arithmetic({ real: isFloats ? (a, b) => a * b : Math.imul, wide: (a, b) => a * b })(call);
};

const divide: Operator = (call) => {
  const isFloats = isFloat(input(call, 0).dtype);
  const real: RealFunction = isFloats ? (a, b) => a / b : (a, b) => Math.trunc(a / nonZero(b));
  return arithmetic({ real, wide: (a, b) => a / nonZero(b) })(call);
};

/** With the sign of the divisor, as Python has it; with `fmod` that of the dividend, as C has it. */
const modulo: Operator = (call) => {
  const ofDividend = intAttribute(call, 'fmod', 0) === 1;
  const isFloats = isFloat(input(call, 0).dtype);
  if (isFloats && !ofDividend) throw invalid('Mod of floats needs fmod=1');
  if (isFloats) return arithmetic({ real: (a, b) => a % b, wide: (a) => a })(call);
  const real: RealFunction = (a, b) => {
    const rest = a % nonZero(b);
    return !ofDividend && rest !== 0 && rest < 0 !== b < 0 ? rest + b : rest;
  };
  const wide: WideFunction = (a, b) => {
    const rest = a % nonZero(b);
    return !ofDividend && rest !== 0n && rest < 0n !== b < 0n ? rest + b : rest;
  };
  return arithmetic({ real, wide })(call);
};

/** The exponent may be of another type; the result is of the base's. */
const power: Operator = (call) => {
  const base = input(call, 0);
  const exponent = input(call, 1);
  if (!isRealArray(base)) {
    if (isFloat(exponent.dtype)) throw unsupported(`Pow of ${base.dtype} by ${exponent.dtype}`);
    const whole = ndArray(base.dtype, exponent.dims, exponent.values);
    return [isRealArray(whole) ? whole : combineWide(call, base, whole, widePower)];
  }
  const real = isRealArray(exponent)
    ? exponent
    : { dtype: base.dtype, dims: exponent.dims, values: Float64Array.from(toNumbers(exponent)) };
  if (isFloat(base.dtype)) return [combineReal(call, base, real, Math.pow)];
  return [combineReal(call, base, real, (a, b) => wrapTo(base.dtype, Math.trunc(a ** b)))];
};

/** By squaring, within 64 bits: the exact power may not fit into memory. */
const widePower: WideFunction = (base, exponent) => {
  if (exponent < 0n) throw invalid('an integer to a negative power');
  let result = 1n;
  let square = base;
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = BigInt.asUintN(64, result * square);
    square = BigInt.asUintN(64, square * square);
  }
  return result;
};

export const wideLeast: WideFunction = (a, b) => {
  if (a < b) return a;
  return b;
};
export const wideGreatest: WideFunction = (a, b) => {
  if (a > b) return a;
  return b;
};

/** A NaN stays one. */
const least: Arithmetic = { real: Math.min, wide: wideLeast };
const greatest: Arithmetic = { real: Math.max, wide: wideGreatest };

const fold = (call: Call, how: Arithmetic): NdArray => {
  requireSameType(call, [...call.inputs.keys()]);
  return call.inputs
    .slice(1)
    .reduce<NdArray>((all, _, i) => combine(call, all, input(call, i + 1), how), input(call, 0));
};

const mean: Operator = (call) => {
  floatInput(call, 0);
  const count = call.inputs.length;
  return [
    combine(call, fold(call, sum), ndArray('float64', [], [count]), {
      real: (a, b) => a / b,
      wide: (a) => a,
    }),
  ];
};

/** Bounds are attributes before version 11, inputs since. Where the lower one is above the upper, the upper wins. */
const clip: Operator = (call) => {
  const array = input(call, 0);
  const bound = (position: number, name: string): NdArray | undefined => {
    if (call.opset >= 11) return optionalInput(call, position);
    const value = optionalFloatAttribute(call, name);
    return value === undefined || isWide(array.dtype) ? undefined : ndArray(array.dtype, [], [value]);
  };
  const low = bound(1, 'min');
  const high = bound(2, 'max');
  const above = low ? combine(call, array, low, greatest) : array;
  return [high ? combine(call, above, high, least) : above];
};

const bitwise =
  (real: RealFunction, wide: WideFunction): Operator =>
  (call) => {
    integers(call, 0);
    return arithmetic({ real, wide })(call);
  };

/** Before version 7 a line of slopes is one for each channel. */
const prelu: Operator = (call) => {
  requireSameType(call, [0, 1]);
  const [x, given] = [floatInput(call, 0), floatInput(call, 1)];
  const isPerChannel = call.opset < 7 && given.dims.length === 1 && x.dims.length > 1;
  const slopes = isPerChannel ? { ...given, dims: [...given.dims, ...x.dims.slice(2).map(() => 1)] } : given;
  return [combineReal(call, x, slopes, (value, slope) => (value < 0 ? slope * value : value))];
};

/** Two and more inputs that broadcast. */
export const binaryOperators = {
  Add: arithmetic(sum),
  Sub: arithmetic({ real: (a, b) => a - b, wide: (a, b) => a - b }),
  Mul: multiply,
  Div: divide,
  Mod: modulo,
  Pow: power,
  PRelu: prelu,
  Min: (call) => [fold(call, least)],
  Max: (call) => [fold(call, greatest)],
  Sum: (call) => [fold(call, sum)],
  Mean: mean,
  Clip: clip,
  BitwiseAnd: bitwise(
    (a, b) => a & b,
    (a, b) => a & b,
  ),
  BitwiseOr: bitwise(
    (a, b) => a | b,
    (a, b) => a | b,
  ),
  BitwiseXor: bitwise(
    (a, b) => a ^ b,
    (a, b) => a ^ b,
  ),
} satisfies Record<string, Operator>;
