/**
 * Half-quadratic quantisation (Badri, Shaji, "Half-Quadratic Quantization of Large Machine Learning Models", 2023): scale and
 * zero point of a block such that few weights have a large error, without any data. The error is split into what is left to
 * outliers, found by shrinkage under the norm l_p with p < 1, and a rest whose squares are minimised in closed form:
 *
 *   outliers ← sign(e)·max(0, |e| − |e|^(p−1) ÷ β),   e = w − s·(q − z);   β grows by κ
 *   z ← mean(q − (w − outliers) ÷ s)
 *
 * The zero points of the paper are real numbers; those of `MatMulNBits` are whole ones wherever it runs on WebGPU. So that what
 * is written is what was optimised, its zero point is rounded and the scale is fitted to it by the same two steps, with the
 * scale's least squares: s ← Σ(q − z)(w − outliers) ÷ Σ(q − z)². Errors are measured in steps of the scale, so that weights twice
 * as large give scales twice as large; the authors' code measures them as they are. As there, it ends when the mean of |e| falls
 * no more; the start, round to nearest, is one of the candidates, so that the mean is never larger than with that.
 */
const p = 0.7;
const firstBeta = 10;
const kappa = 1.01;
const iterations = 20;

/** What fitting a block finds; one object for all blocks. */
export type Fit = { scale: number; point: number };

/**
 * Of the `count` weights from `start` on. `fit` holds the start and gets the result. A zero point that is not `free` stays. The
 * largest code is `top`.
 */
export const fitHalfQuadratic = (
  weights: Float32Array,
  start: number,
  count: number,
  top: number,
  free: boolean,
  fit: Fit,
): void => {
  const { scale, point } = fit;
  best.error = Number.POSITIVE_INFINITY;
  fitScale(weights, start, count, top, scale, point);
  if (free) {
    const moved = Math.min(top, Math.max(0, Math.round(fitPoint(weights, start, count, top, scale, point))));
    if (moved !== point) fitScale(weights, start, count, top, scale, moved);
  }
  fit.scale = best.scale;
  fit.point = best.point;
};

const best = { error: 0, scale: 0, point: 0 };

/** The real zero point. */
const fitPoint = (
  weights: Float32Array,
  start: number,
  count: number,
  top: number,
  scale: number,
  from: number,
): number => {
  const inverse = 1 / scale;
  let point = from;
  let found = from;
  let least = Number.POSITIVE_INFINITY;
  let beta = firstBeta;
  for (let step = 0; step < iterations; step++) {
    const perPower = 1 / beta;
    const shift = point + 0.5;
    let rest = 0;
    let error = 0;
    for (let i = start; i < start + count; i++) {
      const exact = (weights[i] ?? 0) * inverse;
      const code = (exact + shift) | 0;
      const off = exact + point - (code < 0 ? 0 : Math.min(code, top));
      const size = Math.abs(off);
      error += size;
      rest += restOf(off, size, perPower);
    }
    if (error >= least) break;
    least = error;
    found = point;
    point -= rest / count;
    beta *= kappa;
  }
  return found;
};

/** The scale for a whole zero point; puts it into `best` if it is better than what is there. */
const fitScale = (
  weights: Float32Array,
  start: number,
  count: number,
  top: number,
  from: number,
  point: number,
): void => {
  const shift = point + 0.5;
  let scale = from;
  let least = Number.POSITIVE_INFINITY;
  let beta = firstBeta;
  for (let step = 0; step < iterations; step++) {
    const inverse = 1 / scale;
    const perPower = 1 / beta;
    let products = 0;
    let squares = 0;
    let sum = 0;
    for (let i = start; i < start + count; i++) {
      const exact = (weights[i] ?? 0) * inverse;
      const code = (exact + shift) | 0;
      const kept = (code < 0 ? 0 : Math.min(code, top)) - point;
      const off = exact - kept;
      const size = Math.abs(off);
      sum += size;
      products += kept * restOf(off, size, perPower);
      squares += kept * kept;
    }
    const error = sum * Math.abs(scale);
    if (!(error < least)) return;
    least = error;
    if (error < best.error) {
      best.error = error;
      best.scale = scale;
      best.point = point;
    }
    const next = scale * (1 + products / squares);
    if (!Number.isFinite(next) || next === 0) return;
    scale = next;
    beta *= kappa;
  }
};

/** |e|^(p−1), with the sign of e, by 256ths up to 16 steps: `Math.pow` takes longer than all the rest, and nothing is beyond. */
const perUnit = 256;
const widest = 16;
const powers = Float64Array.from({ length: 2 * widest * perUnit }, (_, i) => {
  const error = (i + 0.5) / perUnit - widest;
  return Math.sign(error) * Math.abs(error) ** (p - 1);
});

/** The error without what is left to outliers: e − sign(e)·max(0, |e| − |e|^(p−1) ÷ β). */
const restOf = (error: number, size: number, perPower: number): number => {
  const power = (powers[((error + widest) * perUnit) | 0] ?? 0) * perPower;
  return Math.abs(power) < size ? power : error;
};
