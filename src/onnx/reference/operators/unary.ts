import {
  type Call,
  floatAttribute,
  floatInput,
  input,
  intAttribute,
  type Operator,
  realInput,
  stringAttribute,
  unsupported,
  zeros,
} from '../call.ts';
import { erf, normalCdf } from '../erf.ts';
import { at } from '../indexing.ts';
import { isRealArray, type RealArray, type RealType, type WideArray, wrapTo } from '../ndArray.ts';
import { roundHalfEven } from '../rounding.ts';

type RealFunction = (x: number) => number;

/** `f` of each element, as `dtype`. */
export const mapReal = (
  call: Call,
  array: RealArray,
  f: RealFunction,
  dtype: RealType = array.dtype,
): RealArray => {
  const result = zeros(call, dtype, array.dims);
  for (let i = 0; i < result.values.length; i++) result.values[i] = f(at(array.values, i));
  return result;
};

/** Of floats only. */
const floatMap =
  (f: RealFunction): Operator =>
  (call) => [mapReal(call, floatInput(call, 0), f)];

/** Of floats only, with parameters from the attributes. */
const floatMapBy =
  (functionOf: (call: Call) => RealFunction): Operator =>
  (call) => [mapReal(call, floatInput(call, 0), functionOf(call))];

/** Of numbers of any type. */
const numberMap =
  (real: RealFunction, wide: (x: bigint) => bigint): Operator =>
  (call) => {
    const array = input(call, 0);
    if (!isRealArray(array)) return [mapWide(array, wide)];
    return [mapReal(call, array, (x) => wrapTo(array.dtype, real(x)))];
  };

const mapWide = (array: WideArray, f: (x: bigint) => bigint): WideArray =>
  array.dtype === 'int64'
    ? { ...array, values: array.values.map(f) }
    : { ...array, values: array.values.map(f) };

/** To bool. */
const predicate =
  (f: (x: number) => boolean): Operator =>
  (call) => [mapReal(call, floatInput(call, 0), (x) => (f(x) ? 1 : 0), 'bool')];

export const sigmoid = (x: number): number =>
  x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x));
/** log(1 + e^x) without overflow. */
const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
const clamp = (x: number, low: number, high: number): number => Math.min(Math.max(x, low), high);

export const exactGelu: RealFunction = (x) => x * normalCdf(x);
/** Hendrycks & Gimpel, 2016 (arXiv:1606.08415). */
export const tanhGelu: RealFunction = (x) =>
  0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));

const gelu = floatMapBy((call) => {
  const approximate = stringAttribute(call, 'approximate', 'none');
  if (approximate === 'none') return exactGelu;
  if (approximate === 'tanh') return tanhGelu;
  throw unsupported(`approximate "${approximate}"`);
});

const isInfinite: Operator = (call) => {
  const negative = intAttribute(call, 'detect_negative', 1) !== 0;
  const positive = intAttribute(call, 'detect_positive', 1) !== 0;
  return predicate(
    (x) => (positive && x === Number.POSITIVE_INFINITY) || (negative && x === Number.NEGATIVE_INFINITY),
  )(call);
};

const elu = (alpha: number) => (x: number) => (x < 0 ? alpha * Math.expm1(x) : x);

const selu = floatMapBy((call) => {
  const alpha = floatAttribute(call, 'alpha', 1.6732631921768188);
  const gamma = floatAttribute(call, 'gamma', 1.0507010221481323);
  return (x) => gamma * elu(alpha)(x);
});

const hardSigmoid = floatMapBy((call) => {
  const alpha = floatAttribute(call, 'alpha', 0.2);
  const beta = floatAttribute(call, 'beta', 0.5);
  return (x) => clamp(alpha * x + beta, 0, 1);
});

const leakyRelu = floatMapBy((call) => {
  const alpha = floatAttribute(call, 'alpha', 0.01);
  return (x) => (x < 0 ? alpha * x : x);
});

const not: Operator = (call) => {
  const array = realInput(call, 0);
  if (array.dtype !== 'bool') throw unsupported(`Not of ${array.dtype}`);
  return [mapReal(call, array, (x) => 1 - x)];
};

const absolute = (x: bigint) => (x < 0n ? -x : x);
const signOf = (x: bigint) => (x < 0n ? -1n : x > 0n ? 1n : 0n);

/** One input, one output of its shape. */
export const unaryOperators = {
  Identity: (call) => [input(call, 0)],
  Abs: numberMap(Math.abs, absolute),
  Neg: numberMap(
    (x) => -x,
    (x) => -x,
  ),
  Sign: numberMap(Math.sign, signOf),
  Relu: numberMap(
    (x) => (x > 0 || Number.isNaN(x) ? x : 0),
    (x) => (x > 0n ? x : 0n),
  ),
  Exp: floatMap(Math.exp),
  Log: floatMap(Math.log),
  Sqrt: floatMap(Math.sqrt),
  Reciprocal: floatMap((x) => 1 / x),
  Floor: floatMap(Math.floor),
  Ceil: floatMap(Math.ceil),
  Round: floatMap(roundHalfEven),
  Sin: floatMap(Math.sin),
  Cos: floatMap(Math.cos),
  Tan: floatMap(Math.tan),
  Asin: floatMap(Math.asin),
  Acos: floatMap(Math.acos),
  Atan: floatMap(Math.atan),
  Sinh: floatMap(Math.sinh),
  Cosh: floatMap(Math.cosh),
  Tanh: floatMap(Math.tanh),
  Asinh: floatMap(Math.asinh),
  Acosh: floatMap(Math.acosh),
  Atanh: floatMap(Math.atanh),
  Erf: floatMap(erf),
  Sigmoid: floatMap(sigmoid),
  HardSigmoid: hardSigmoid,
  HardSwish: floatMap((x) => x * clamp(x / 6 + 0.5, 0, 1)),
  Softplus: floatMap(softplus),
  Softsign: floatMap((x) => x / (1 + Math.abs(x))),
  Mish: floatMap((x) => x * Math.tanh(softplus(x))),
  Elu: floatMapBy((call) => elu(floatAttribute(call, 'alpha', 1))),
  Selu: selu,
  LeakyRelu: leakyRelu,
  Gelu: gelu,
  Not: not,
  IsNaN: predicate(Number.isNaN),
  IsInf: isInfinite,
} satisfies Record<string, Operator>;

/** com.microsoft. */
export const microsoftUnaryOperators = {
  Gelu: floatMap(exactGelu),
  QuickGelu: floatMapBy((call) => {
    const alpha = floatAttribute(call, 'alpha', 1.702);
    return (x) => x * sigmoid(alpha * x);
  }),
} satisfies Record<string, Operator>;
