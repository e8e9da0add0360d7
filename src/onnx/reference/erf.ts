const twoOverRootPi = 2 / Math.sqrt(Math.PI);
/** Above, the continued fraction needs fewer terms than the series. */
const seriesUpTo = 2;
/** 1 - erf(6) is below 2.2e-17, half a unit in the last place of 1. */
const oneFrom = 6;

/**
 * The error function, to about 1e-15. Below 2 the series of positive terms (Abramowitz & Stegun 7.1.6)
 *   erf x = 2/√π · exp(-x²) · Σ 2^n x^(2n+1) / (1·3·…·(2n+1)),
 * above it 1 minus the continued fraction of the complement (7.1.14).
 */
export const erf = (x: number): number => {
  if (Number.isNaN(x)) return x;
  const size = Math.abs(x);
  const value = size < seriesUpTo ? series(size) : size < oneFrom ? 1 - complement(size) : 1;
  return x < 0 ? -value : value;
};

const series = (x: number): number => {
  const square = x * x;
  let term = x;
  let sum = x;
  for (let n = 1; term > sum * 1e-17; n++) {
    term *= (2 * square) / (2 * n + 1);
    sum += term;
  }
  return twoOverRootPi * Math.exp(-square) * sum;
};

/** erfc x = exp(-x²)/√π · 1/(x + (1/2)/(x + 1/(x + (3/2)/(x + …)))), from the inside out. */
const complement = (x: number): number => {
  let fraction = x;
  for (let k = 100; k >= 1; k--) fraction = x + k / 2 / fraction;
  return Math.exp(-x * x) / (Math.sqrt(Math.PI) * fraction);
};

/** The distribution function of the standard normal distribution. */
export const normalCdf = (x: number): number => 0.5 * (1 + erf(x / Math.SQRT2));
