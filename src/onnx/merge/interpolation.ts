import { err, ok, type Result } from '../../core/result.ts';
import { exactSinCos } from '../build/elementary.ts';
import { type OnnxFault, onnxFault } from '../fault.ts';

/** Points between whole tensors. Sums are float64, and only operations that are the same bits on every machine are used. */

/** Σ wᵢxᵢ. */
export const weightedSum = (tensors: readonly Float32Array[], weights: readonly number[]): Float32Array => {
  const result = new Float32Array(tensors[0]?.length ?? 0);
  for (let i = 0; i < result.length; i++) {
    let sum = 0;
    for (let m = 0; m < tensors.length; m++) sum += (weights[m] ?? 0) * (tensors[m]?.[i] ?? 0);
    result[i] = sum;
  }
  return result;
};

/** Beyond this cosine the arc is a line as far as float32 goes, and dividing by its sine would only lose digits. */
const straight = 0.9995;

/**
 * sin((1−t)θ)/sin θ · a + sin(tθ)/sin θ · b (Shoemake, "Animating Rotation with Quaternion Curves", 1985), each with its own
 * length. A tensor of zeros has no direction: then, and where both point the same way, along the line. Refuses opposite
 * directions, between which there are many arcs.
 */
export const slerp = (a: Float32Array, b: Float32Array, t: number): Result<Float32Array, OnnxFault> => {
  const norms = Math.sqrt(dot(a, a)) * Math.sqrt(dot(b, b));
  const cosine = norms === 0 ? 1 : dot(a, b) / norms;
  if (cosine < -straight)
    return err(
      onnxFault(
        'invalid',
        `the tensors point in opposite directions (cosine ${cosine.toFixed(6)}), between which no arc is the shortest`,
      ),
    );
  if (cosine > straight) return ok(weightedSum([a, b], [1 - t, t]));
  const angle = arccosine(cosine);
  const whole = exactSinCos(angle).sin;
  const parts = [exactSinCos((1 - t) * angle).sin / whole, exactSinCos(t * angle).sin / whole];
  return ok(weightedSum([a, b], parts));
};

/**
 * t·mean + (1−t)·base with t = N·cos θ ÷ (1 + (N−1)·cos θ), θ between the task vectors (Jang et al. 2024, equation 5). The
 * paper has one angle; here it is the mean of all pairs' cosines. At right or obtuse angles, where the formula would step
 * behind the base, it is the base.
 */
export const modelStock = (base: Float32Array, tensors: readonly Float32Array[]): Float32Array => {
  const ratio = stockRatio(base, tensors);
  const share = ratio / tensors.length;
  return weightedSum([base, ...tensors], [1 - ratio, ...tensors.map(() => share)]);
};

const stockRatio = (base: Float32Array, tensors: readonly Float32Array[]): number => {
  const lengths = tensors.map((one) => Math.sqrt(offsetDot(base, one, one)));
  let cosines = 0;
  for (const [i, one] of tensors.entries())
    for (let j = 0; j < i; j++) {
      const norms = (lengths[i] ?? 0) * (lengths[j] ?? 0);
      if (norms > 0) cosines += offsetDot(base, one, tensors[j] ?? one) / norms;
    }
  const count = tensors.length;
  const cosine = Math.min(1, (2 * cosines) / (count * (count - 1)));
  return cosine <= 0 ? 0 : (count * cosine) / (1 + (count - 1) * cosine);
};

const dot = (a: Float32Array, b: Float32Array): number => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] ?? 0) * (b[i] ?? 0);
  return sum;
};

const offsetDot = (base: Float32Array, a: Float32Array, b: Float32Array): number => {
  let sum = 0;
  for (let i = 0; i < base.length; i++) {
    const origin = base[i] ?? 0;
    sum += ((a[i] ?? 0) - origin) * ((b[i] ?? 0) - origin);
  }
  return sum;
};

/**
 * For |x| < 1, in [0, π]: Newton's steps on cos θ = |x| from π/2 down, which never overshoot because the cosine is concave
 * there. `Math.acos` is left to the engine.
 */
const arccosine = (x: number): number => {
  let angle = Math.PI / 2;
  for (let step = 0; step < 60; step++) {
    const { sin, cos } = exactSinCos(angle);
    const next = angle + (cos - Math.abs(x)) / sin;
    if (Math.abs(next - angle) <= 1e-16 * angle) break;
    angle = next;
  }
  return x < 0 ? Math.PI - angle : angle;
};
