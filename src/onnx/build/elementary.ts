/**
 * Logarithm, exponential, sine and cosine out of +, −, × and ÷ of doubles alone, so that they are the same bits on every
 * machine: ECMAScript leaves `Math.log`, `exp`, `sin`, `cos` and `pow` to the engine. Within a few units in the last place
 * of a double where stated, far below float32's, which is all that weights need. Reductions as in fdlibm (Sun, 1993).
 */

/** Of a normal positive number. m·2^k with m in [√½, √2); ln m = 2·artanh((m − 1) / (m + 1)). */
export const exactLog = (x: number): number => {
  let m = x;
  let k = 0;
  for (; m >= Math.SQRT2; k++) m /= 2;
  for (; m < Math.SQRT1_2; k--) m *= 2;
  const s = (m - 1) / (m + 1);
  const square = s * s;
  let series = 0;
  for (let n = 25; n >= 1; n -= 2) series = series * square + 1 / n;
  return k * ln2High + (k * ln2Low + 2 * s * series);
};

/** For |x| ≤ 700. 2^k·e^r with |r| ≤ ln 2 / 2. */
export const exactExp = (x: number): number => {
  const k = Math.floor(x / (ln2High + ln2Low) + 0.5);
  const r = x - k * ln2High - k * ln2Low;
  let series = 1;
  for (let n = 16; n >= 1; n--) series = 1 + (series * r) / n;
  const factor = k < 0 ? 0.5 : 2;
  for (let i = Math.abs(k); i > 0; i--) series *= factor;
  return series;
};

/** For 0 ≤ x ≤ 2^20 radians. */
export const exactSinCos = (x: number): { readonly sin: number; readonly cos: number } => {
  const k = Math.floor(x / (Math.PI / 2) + 0.5);
  const r = x - k * halfPiHigh - k * halfPiMiddle - k * halfPiLow;
  const square = r * r;
  let sin = 1;
  for (let n = 18; n >= 2; n -= 2) sin = 1 - (sin * square) / (n * (n + 1));
  sin *= r;
  let cos = 1;
  for (let n = 19; n >= 1; n -= 2) cos = 1 - (cos * square) / (n * (n + 1));
  switch (k % 4) {
    case 0:
      return { sin, cos };
    case 1:
      return { sin: cos, cos: -sin };
    case 2:
      return { sin: -sin, cos: -cos };
    default:
      return { sin: -cos, cos: sin };
  }
};

/** ln 2 and π/2 in parts: products of the upper ones with k are exact. */
const ln2High = 6.931471803691238e-1;
const ln2Low = 1.9082149292705877e-10;
const halfPiHigh = 1.5707963267341256;
const halfPiMiddle = 6.077100506303966e-11;
const halfPiLow = 2.0222662487959506e-21;
