import type { RealType } from './ndArray.ts';

/** To the nearest integer, halves to the even one (IEEE 754 roundTiesToEven), as `Round` and `QuantizeLinear` do. */
export const roundHalfEven = (value: number): number => {
  const floor = Math.floor(value);
  const above = value - floor;
  if (above < 0.5 || (above === 0.5 && floor % 2 === 0)) return floor;
  return floor === -1 ? -0 : floor + 1;
};

/** To a binary float of `precision` significant bits and least exponent `minExponent`; beyond `max` is infinite. */
const roundFloat = (value: number, precision: number, minExponent: number, max: number): number => {
  if (value === 0 || !Number.isFinite(value)) return value;
  const exponent = Math.max(exponentOf(Math.abs(value)), minExponent);
  const unit = 2 ** (exponent - precision + 1);
  const rounded = roundHalfEven(value / unit) * unit;
  if (Math.abs(rounded) > max) return rounded > 0 ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
  return rounded;
};

/** The greatest e with 2^e <= value, for normal numbers; `Math.log2` alone may be one off beside a power of two. */
const exponentOf = (value: number): number => {
  const guess = Math.floor(Math.log2(value));
  if (2 ** guess > value) return guess - 1;
  return 2 ** (guess + 1) <= value ? guess + 1 : guess;
};

export const roundToFloat16 = (value: number): number => roundFloat(value, 11, -14, 65504);
/** Through float32 would round twice; the greatest is that of float32's exponent with 8 bits. */
export const roundToBfloat16 = (value: number): number => roundFloat(value, 8, -126, 3.3895313892515355e38);

const identity = (value: number): number => value;
const rounders: Readonly<Partial<Record<RealType, (value: number) => number>>> = {
  float32: Math.fround,
  float16: roundToFloat16,
  bfloat16: roundToBfloat16,
};

/** To what the float type holds; an integer and a float64 stay. */
export const rounderOf = (dtype: RealType): ((value: number) => number) => rounders[dtype] ?? identity;

/** IEEE 754 binary16. */
export const float16Of = (bits: number): number => {
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  const sign = bits & 0x8000 ? -1 : 1;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
};

/** IEEE 754 binary16; a number that it doesn't hold is rounded. */
export const bitsOfFloat16 = (value: number): number => {
  if (Number.isNaN(value)) return 0x7e00;
  const rounded = roundToFloat16(value);
  const sign = rounded < 0 || Object.is(rounded, -0) ? 0x8000 : 0;
  const size = Math.abs(rounded);
  if (size === Number.POSITIVE_INFINITY) return sign | 0x7c00;
  if (size < 2 ** -14) return sign | (size * 2 ** 24);
  const exponent = exponentOf(size);
  return sign | ((exponent + 15) << 10) | (size * 2 ** (10 - exponent) - 1024);
};
