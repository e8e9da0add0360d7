import type { Fit } from './hqq.ts';

/**
 * Scale and zero point of a block of weights such that the squares of the errors are least, without any data: rounding, and steps in
 * closed form, in turns (Lloyd's method with equal steps).
 *
 *   q ← round(w ÷ s) within the codes − z,   s ← Σ q·w ÷ Σ q²,   which leaves Σ w² − (Σ q·w)² ÷ Σ q² of squares.
 *
 * The zero points of `MatMulNBits` are whole numbers wherever it runs on WebGPU, so the few that can be are tried, each with steps of
 * several sizes, and the best is descended from. What rounding to nearest gives is tried first, so that the squares are never
 * more than with that.
 */
const shrinkages = Array.from({ length: 10 }, (_, i) => 0.68 + 0.04 * i);
const descents = 4;

/**
 * Of the `count` weights from `start` on. `fit` holds the start and gets the result. A zero point that is not `free` stays. The
 * largest code is `top`.
 */
export const fitSquares = (
  weights: Float32Array,
  start: number,
  count: number,
  top: number,
  free: boolean,
  fit: Fit,
): void => {
  const { scale, point } = fit;
  best.saved = 0;
  tryScale(weights, start, count, top, scale, point);
  const middle = free ? middleOf(weights, start, count) : 0;
  for (const shrinkage of shrinkages) {
    const smaller = scale * shrinkage;
    if (free) {
      // The middle of the weights is at the middle of the codes, or half a step beside it.
      const below = Math.floor(top / 2 - middle / smaller);
      if (below >= 0 && below <= top) tryScale(weights, start, count, top, smaller, below);
      if (below >= -1 && below < top) tryScale(weights, start, count, top, smaller, below + 1);
    } else {
      // There is one code more on one side of the zero point.
      tryScale(weights, start, count, top, smaller, point);
      tryScale(weights, start, count, top, -smaller, point);
    }
  }
  for (let step = 0; step < descents; step++)
    if (!tryScale(weights, start, count, top, best.scale, best.point)) break;
  if (best.saved === 0) return;
  fit.scale = best.scale;
  fit.point = best.point;
};

/** `saved`: squares that the codes stand for, of all the weights' squares. */
const best = { saved: 0, scale: 0, point: 0 };

/** Rounds by this scale and fits it to the codes; true, and in `best`, if nothing was better yet. */
const tryScale = (
  weights: Float32Array,
  start: number,
  count: number,
  top: number,
  scale: number,
  point: number,
): boolean => {
  const inverse = 1 / scale;
  const shift = point + 0.5;
  let products = 0;
  let squares = 0;
  for (let i = start; i < start + count; i++) {
    const weight = weights[i] ?? 0;
    const code = (weight * inverse + shift) | 0;
    const kept = (code < 0 ? 0 : Math.min(code, top)) - point;
    products += kept * weight;
    squares += kept * kept;
  }
  const fitted = products / squares;
  const saved = products * fitted;
  // Not so either where numbers are so small that they divide to nothing.
  if (!(saved > best.saved) || !Number.isFinite(1 / fitted)) return false;
  best.saved = saved;
  best.scale = fitted;
  best.point = point;
  return true;
};

const middleOf = (weights: Float32Array, start: number, count: number): number => {
  let low = 0;
  let high = 0;
  for (let i = start; i < start + count; i++) {
    const weight = weights[i] ?? 0;
    if (weight < low) low = weight;
    else if (weight > high) high = weight;
  }
  return (low + high) / 2;
};
