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

/** What `fitBlock` finds; one object for all blocks. */
export type Fit = { scale: number; point: number };

/**
 * Of the `count` weights from `start` on. `fit` holds the start and gets the result. A zero point that is not `free` stays. The
 * largest code is `top`.
 */
export const fitBlock = (
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
    let moves = 0;
    let error = 0;
    for (let i = start; i < start + count; i++) {
      const exact = (weights[i] ?? 0) * inverse;
      const code = Math.floor(exact + point + 0.5);
      const kept = Math.max(0, Math.min(top, code)) - point;
      const off = exact - kept;
      const size = off < 0 ? -off : off;
      error += size;
      moves += shrunk(off, size, beta) - off;
    }
    if (error >= least) break;
    least = error;
    found = point;
    point += moves / count;
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
  let scale = from;
  let least = Number.POSITIVE_INFINITY;
  let beta = firstBeta;
  for (let step = 0; step < iterations; step++) {
    const inverse = 1 / scale;
    let products = 0;
    let squares = 0;
    let sum = 0;
    for (let i = start; i < start + count; i++) {
      const exact = (weights[i] ?? 0) * inverse;
      const code = Math.floor(exact + point + 0.5);
      const kept = Math.max(0, Math.min(top, code)) - point;
      const off = exact - kept;
      const size = off < 0 ? -off : off;
      sum += size;
      products += kept * (exact - shrunk(off, size, beta));
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
    const next = (scale * products) / squares;
    if (!Number.isFinite(next) || next === 0) return;
    scale = next;
    beta *= kappa;
  }
};

/** Nothing is left of an error of at most this: β^(−1 ÷ (2 − p)), and β only grows, by a fifth: then a little less is. */
const smallest = (firstBeta * kappa ** iterations) ** (-1 / (2 - p));

/** |e|^(p−1) by 512ths up to 4, as `Math.pow` takes longer than all the rest; beyond are few. */
const perUnit = 512;
const tabled = 4;
const powers = Float64Array.from({ length: tabled * perUnit }, (_, i) => ((i + 0.5) / perUnit) ** (p - 1));

const shrunk = (error: number, size: number, beta: number): number => {
  if (size <= smallest) return 0;
  const power = size < tabled ? (powers[(size * perUnit) | 0] ?? 0) : size ** (p - 1);
  const left = size - power / beta;
  return left <= 0 ? 0 : error < 0 ? -left : left;
};
