import type { Dims, Emitter, Name } from '../emitter.ts';
import { axisOf, mul, reduce, sub, unbroadcast } from '../math.ts';
import { gradients, type Rule } from '../rule.ts';

const axesFrom = (axis: number, rank: number): readonly number[] =>
  Array.from({ length: rank - axis }, (_, index) => axis + index);

const mean = (e: Emitter, x: Name, axes: readonly number[]): Name => reduce(e, 'ReduceMean', x, axes);

const statisticsDims = (dims: Dims, axis: number): Dims => dims.map((dim, at) => (at < axis ? dim : 1));

/**
 * y = x̂·γ + β with x̂ = (x − μ)·s, s the inverse of the standard deviation: dx = s·(dx̂ − mean(dx̂) − x̂·mean(dx̂·x̂)), the means
 * over what was normalized (Ba, Kiros, Hinton, "Layer Normalization", 2016). The node gives μ and s itself.
 */
const layerNormalization: Rule = (site) => {
  const { e } = site;
  const [x, gamma] = site.inputs;
  const dy = site.grad(0);
  if (x === undefined || gamma === undefined || dy === undefined) return gradients();
  const dims = site.dims(0);
  const axis = axisOf(site.attribute.int('axis', -1), dims.length);
  const axes = axesFrom(axis, dims.length);
  const kept = statisticsDims(dims, axis);
  const s = site.output(2, kept);
  const normalized = mul(e, sub(e, x, site.output(1, kept)), s);
  const dx = () => {
    const d = mul(e, dy, gamma);
    const along = mul(e, normalized, mean(e, mul(e, d, normalized), axes));
    return mul(e, s, sub(e, sub(e, d, mean(e, d, axes)), along));
  };
  return gradients(
    site.wants(0) ? dx() : undefined,
    site.wants(1) ? unbroadcast(e, mul(e, dy, normalized), site.dims(1)) : undefined,
    site.wants(2) ? unbroadcast(e, dy, site.dims(2)) : undefined,
  );
};

/** Root mean square alone (Zhang, Sennrich, "Root Mean Square Layer Normalization", 2019): the same without the mean. */
const rmsNormalization =
  (inverseOutput: number): Rule =>
  (site) => {
    const { e } = site;
    const [x, gamma] = site.inputs;
    const dy = site.grad(0);
    if (x === undefined || gamma === undefined || dy === undefined) return gradients();
    const dims = site.dims(0);
    const axis = axisOf(site.attribute.int('axis', -1), dims.length);
    const axes = axesFrom(axis, dims.length);
    const s = site.output(inverseOutput, statisticsDims(dims, axis));
    const normalized = mul(e, x, s);
    const dx = () => {
      const d = mul(e, dy, gamma);
      return mul(e, s, sub(e, d, mul(e, normalized, mean(e, mul(e, d, normalized), axes))));
    };
    return gradients(
      site.wants(0) ? dx() : undefined,
      site.wants(1) ? unbroadcast(e, mul(e, dy, normalized), site.dims(1)) : undefined,
    );
  };

export const normalizationRules: Readonly<Record<string, Rule>> = {
  LayerNormalization: layerNormalization,
  SimplifiedLayerNormalization: rmsNormalization(1),
};
