import type { Dims, Emitter, Name } from '../emitter.ts';
import { add, axisOf, mul, reduce, sub, unary, unbroadcast } from '../math.ts';
import { gradients, type Rule, type Site } from '../rule.ts';

/** Normalizations of the last axes, with or without centring. */

const axesFrom = (axis: number, rank: number): readonly number[] =>
  Array.from({ length: rank - axis }, (_, index) => axis + index);

const mean = (e: Emitter, x: Name, axes: readonly number[]): Name => reduce(e, 'ReduceMean', x, axes);

const statisticsDims = (dims: Dims, axis: number): Dims => dims.map((dim, at) => (at < axis ? dim : 1));

/** x̂ and s, the inverse of the deviation, with which y = x̂·γ + β. */
type Normalized = {
  readonly normalized: Name;
  readonly s: Name;
  readonly axes: readonly number[];
  readonly centred: boolean;
};

/**
 * x̂ = (x − μ)·s: dx = s·(dx̂ − mean(dx̂) − x̂·mean(dx̂·x̂)), the means over what was normalized (Ba, Kiros, Hinton, "Layer
 * Normalization", 2016). Of the root mean square alone (Zhang, Sennrich, "Root Mean Square Layer Normalization", 2019) the same
 * without the mean of dx̂.
 */
const throughNormalized = (
  e: Emitter,
  { normalized, s, axes, centred }: Normalized,
  dy: Name,
  gamma: Name,
): Name => {
  const d = mul(e, dy, gamma);
  const along = mul(e, normalized, mean(e, mul(e, d, normalized), axes));
  return mul(e, s, sub(e, centred ? sub(e, d, mean(e, d, axes)) : d, along));
};

/** Of x, γ and, if there is one, β. */
const normalization =
  (normalizedOf: (site: Site, x: Name, axis: number) => Normalized): Rule =>
  (site) => {
    const { e } = site;
    const [x, gamma] = site.inputs;
    const dy = site.grad(0);
    if (x === undefined || gamma === undefined || dy === undefined) return gradients();
    const found = normalizedOf(site, x, axisOf(site.attribute.int('axis', -1), site.dims(0).length));
    return gradients(
      site.wants(0) ? throughNormalized(e, found, dy, gamma) : undefined,
      site.wants(1) ? unbroadcast(e, mul(e, dy, found.normalized), site.dims(1)) : undefined,
      site.wants(2) ? unbroadcast(e, dy, site.dims(2)) : undefined,
    );
  };

/** The node gives μ and s itself. */
const layer = normalization((site, x, axis) => {
  const { e } = site;
  const dims = site.dims(0);
  const kept = statisticsDims(dims, axis);
  const s = site.output(2, kept);
  const normalized = mul(e, sub(e, x, site.output(1, kept)), s);
  return { normalized, s, axes: axesFrom(axis, dims.length), centred: true };
});

const simplified = normalization((site, x, axis) => {
  const dims = site.dims(0);
  const s = site.output(1, statisticsDims(dims, axis));
  return { normalized: mul(site.e, x, s), s, axes: axesFrom(axis, dims.length), centred: false };
});

/** Its statistics worked out, for a node that doesn't give them. */
const statisticsOf = (
  e: Emitter,
  x: Name,
  axes: readonly number[],
  epsilon: number,
  centred: boolean,
): Normalized => {
  const around = centred ? sub(e, x, mean(e, x, axes)) : x;
  const variance = mean(e, mul(e, around, around), axes);
  const s = unary(e, 'Reciprocal', unary(e, 'Sqrt', add(e, variance, e.scalar(epsilon))));
  return { normalized: mul(e, around, s), s, axes, centred };
};

const rootMeanSquare = normalization((site, x, axis) => {
  const axes = axesFrom(axis, site.dims(0).length);
  return statisticsOf(site.e, x, axes, site.attribute.float('epsilon', 1e-5), false);
});

/**
 * com.microsoft: x + skip + bias is normalized, and is the fourth output as well, into which more may flow. The statistics are
 * worked out again: ONNX Runtime's kernels for the CPU leave those outputs unwritten.
 */
const skipNormalization =
  (centred: boolean): Rule =>
  (site) => {
    const { e } = site;
    const gamma = site.inputs[2];
    const [dy, dSum] = [site.grad(0), site.grad(3)];
    if (gamma === undefined) return gradients();
    const last = [site.dims(0).length - 1];
    const total = site.output(3, site.dims(0));
    const found = () => statisticsOf(e, total, last, site.attribute.float('epsilon', 1e-12), centred);
    const normal = dy === undefined ? undefined : { dy, ...found() };
    const through = normal && throughNormalized(e, normal, normal.dy, gamma);
    const dx = through && dSum ? add(e, through, dSum) : (through ?? dSum);
    const share = (input: number) =>
      dx !== undefined && site.wants(input) ? unbroadcast(e, dx, site.dims(input)) : undefined;
    const dGamma = () => normal && unbroadcast(e, mul(e, normal.dy, normal.normalized), site.dims(2));
    const dBeta = () => (dy === undefined ? undefined : unbroadcast(e, dy, site.dims(3)));
    return gradients(
      share(0),
      share(1),
      site.wants(2) ? dGamma() : undefined,
      ...(centred ? [site.wants(3) ? dBeta() : undefined, share(4)] : [share(3)]),
    );
  };

export const normalizationRules: Readonly<Record<string, Rule>> = {
  LayerNormalization: layer,
  RMSNormalization: rootMeanSquare,
  SimplifiedLayerNormalization: simplified,
  'com.microsoft.SimplifiedLayerNormalization': simplified,
  'com.microsoft.SkipLayerNormalization': skipNormalization(true),
  'com.microsoft.SkipSimplifiedLayerNormalization': skipNormalization(false),
};
