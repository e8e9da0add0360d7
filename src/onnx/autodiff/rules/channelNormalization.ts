import type { Dims, Emitter, Name } from '../emitter.ts';
import { add, div, mul, reduce, reshape, sub, sum, unary } from '../math.ts';
import { gradients, type Rule, type Site, unsupported } from '../rule.ts';

/** Normalizations of images, [N, C, …spatial]: by groups of channels, by each, or by statistics that are given. */

/** [N, groups, what is normalized together]. */
const inGroups = (e: Emitter, x: Name, groups: number): Name => {
  const dims = e.dims(x);
  const [samples = 1, ...others] = dims;
  return reshape(e, x, [samples, groups, others.reduce((size, dim) => size * dim, 1) / groups]);
};

const mean = (e: Emitter, x: Name): Name => reduce(e, 'ReduceMean', x, [2]);

/** Of the channels, of which `factors` has one number each, or one for so many that follow each other. */
const alongChannels = (e: Emitter, factors: Name, dims: Dims): Name => {
  const channels = dims[1] ?? 1;
  const count = e.dims(factors)[0] ?? 1;
  const ones = dims.slice(2).map(() => 1);
  if (count === channels) return reshape(e, factors, [channels, ...ones]);
  const each = e.emit(
    'Expand',
    [reshape(e, factors, [count, 1]), e.ints([count, channels / count])],
    [count, channels / count],
  );
  return reshape(e, each, [channels, ...ones]);
};

/** What flows back into a number for each channel, or for each group of them. */
const overChannels = (e: Emitter, flow: Name, dims: Dims): Name => {
  const axes = e.dims(flow).flatMap((_, axis) => (axis === 1 ? [] : [axis]));
  const perChannel = sum(e, flow, axes, false);
  const [channels = 1] = e.dims(perChannel);
  const [count = 1] = dims;
  return count === channels
    ? perChannel
    : sum(e, reshape(e, perChannel, [count, channels / count]), [1], false);
};

/**
 * y = x̂·γ + β, x̂ normalized in each group of each sample: as for a layer, dx = s·(dx̂ − mean(dx̂) − x̂·mean(dx̂·x̂)) (Wu, He, "Group
 * Normalization", 2018). γ and β are for each group before opset 21, for each channel since: their dims tell.
 */
const byGroups =
  (groupsOf: (site: Site) => number): Rule =>
  (site) => {
    const { e } = site;
    const [x, gamma] = site.inputs;
    const dy = site.grad(0);
    if (x === undefined || gamma === undefined || dy === undefined) return gradients();
    const dims = site.dims(0);
    const groups = groupsOf(site);
    const grouped = inGroups(e, x, groups);
    const centred = sub(e, grouped, mean(e, grouped));
    const variance = mean(e, mul(e, centred, centred));
    const epsilon = e.scalar(site.attribute.float('epsilon', 1e-5));
    const s = unary(e, 'Reciprocal', unary(e, 'Sqrt', add(e, variance, epsilon)));
    const normalized = mul(e, centred, s);
    const dx = () => {
      const d = inGroups(e, mul(e, dy, alongChannels(e, gamma, dims)), groups);
      const along = mul(e, normalized, mean(e, mul(e, d, normalized)));
      return reshape(e, mul(e, s, sub(e, sub(e, d, mean(e, d)), along)), dims);
    };
    const dGamma = () => overChannels(e, mul(e, dy, reshape(e, normalized, dims)), site.dims(1));
    return gradients(
      site.wants(0) ? dx() : undefined,
      site.wants(1) ? dGamma() : undefined,
      site.wants(2) ? overChannels(e, dy, site.dims(2)) : undefined,
    );
  };

/** With the statistics given, which is all that runs outside of training: they are frozen. */
const batchNormalization: Rule = (site) => {
  const { e } = site;
  const [x, gamma, , average, variance] = site.inputs;
  const dy = site.grad(0);
  if (!x || !gamma || !average || !variance || dy === undefined) return gradients();
  if (site.wants(3) || site.wants(4)) return unsupported(site, 'its statistics: freeze them');
  if (site.attribute.int('training_mode', 0) !== 0) return unsupported(site, 'its training mode');
  const dims = site.dims(0);
  const epsilon = e.scalar(site.attribute.float('epsilon', 1e-5));
  const deviation = alongChannels(e, unary(e, 'Sqrt', add(e, variance, epsilon)), dims);
  const normalized = () => div(e, sub(e, x, alongChannels(e, average, dims)), deviation);
  return gradients(
    site.wants(0) ? mul(e, dy, div(e, alongChannels(e, gamma, dims), deviation)) : undefined,
    site.wants(1) ? overChannels(e, mul(e, dy, normalized()), site.dims(1)) : undefined,
    site.wants(2) ? overChannels(e, dy, site.dims(2)) : undefined,
  );
};

export const channelNormalizationRules: Readonly<Record<string, Rule>> = {
  GroupNormalization: byGroups(({ attribute }) => attribute.int('num_groups', 1)),
  InstanceNormalization: byGroups((site) => site.dims(0)[1] ?? 1),
  BatchNormalization: batchNormalization,
};
