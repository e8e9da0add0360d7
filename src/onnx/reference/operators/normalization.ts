import {
  add,
  axisOf,
  type Call,
  commonDims,
  floatAttribute,
  floatInput,
  intAttribute,
  invalid,
  type Operator,
  optionalFloat,
  requireDims,
  requireSameType,
  spend,
  unsupported,
  zeros,
} from '../call.ts';
import {
  at,
  broadcastIndices,
  countBefore,
  countFrom,
  equalDims,
  indexAt,
  itemAt,
  product,
} from '../indexing.ts';
import type { RealArray } from '../ndArray.ts';
import { combineReal } from './binary.ts';
import { groupsOf } from './reduction.ts';

/** Before version 13 over everything from the axis on, since then over the axis alone. */
const softmaxBy =
  (finish: (shifted: number, sum: number) => number): Operator =>
  (call) => {
    const x = floatInput(call, 0);
    const rank = x.dims.length;
    const result = zeros(call, x.dtype, x.dims);
    const isOld = call.opset < 13;
    const axis = axisOf(intAttribute(call, 'axis', isOld ? 1 : -1), Math.max(rank, 1));
    const axes = isOld ? [...x.dims.keys()].slice(axis) : [axis];
    spend(call, 3 * x.values.length);
    const { bases, offsets } = groupsOf(
      x.dims,
      axes.filter((one) => one < rank),
    );
    for (const base of bases) {
      let max = Number.NEGATIVE_INFINITY;
      for (const offset of offsets) max = Math.max(max, at(x.values, base + offset));
      if (max === Number.NEGATIVE_INFINITY) throw invalid('softmax of nothing but -infinity is undefined');
      let sum = 0;
      for (const offset of offsets) sum = add(call, sum, Math.exp(at(x.values, base + offset) - max));
      for (const offset of offsets)
        result.values[base + offset] = finish(at(x.values, base + offset) - max, sum);
    }
    return [result];
  };

/** Mean and variance of `size` values from `start` on, in two passes. */
const momentsOf = (call: Call, values: Float64Array, start: number, size: number) => {
  let sum = 0;
  for (let i = start; i < start + size; i++) sum = add(call, sum, at(values, i));
  const mean = sum / size;
  let squares = 0;
  for (let i = start; i < start + size; i++) squares = add(call, squares, (at(values, i) - mean) ** 2);
  return { mean, variance: squares / size };
};

const meanSquareOf = (call: Call, values: Float64Array, start: number, size: number): number => {
  let squares = 0;
  for (let i = start; i < start + size; i++) squares = add(call, squares, at(values, i) ** 2);
  return squares / size;
};

type Normalized = { readonly y: RealArray; readonly mean: RealArray; readonly inverse: RealArray };

/**
 * Each row of `x`, from `axis` on, to (x - mean) / sqrt(variance + epsilon) · scale + bias; without centring, mean is 0 and
 * variance the mean square (RMSNorm, arXiv:1910.07467). Mean and 1/sqrt(…) come with it.
 */
const normalizeRows = (
  call: Call,
  x: RealArray,
  scale: RealArray,
  bias: RealArray | undefined,
  { axis, epsilon, centred }: { readonly axis: number; readonly epsilon: number; readonly centred: boolean },
): Normalized => {
  const rows = countBefore(x.dims, axis);
  const size = countFrom(x.dims, axis);
  if (size === 0) throw invalid(`[${x.dims}] has nothing to normalize from axis ${axis} on`);
  const statistics = [...x.dims.slice(0, axis), ...x.dims.slice(axis).map(() => 1)];
  const [y, mean, inverse] = [
    zeros(call, x.dtype, x.dims),
    zeros(call, 'float32', statistics),
    zeros(call, 'float32', statistics),
  ];
  spend(call, 3 * x.values.length);
  const scaleAt = factorsOf(scale, x.dims, 1);
  const biasAt = bias && factorsOf(bias, x.dims, 2);
  for (let row = 0; row < rows; row++) {
    const start = row * size;
    const moments = centred
      ? momentsOf(call, x.values, start, size)
      : { mean: 0, variance: meanSquareOf(call, x.values, start, size) };
    const factor = 1 / Math.sqrt(moments.variance + epsilon);
    mean.values[row] = moments.mean;
    inverse.values[row] = factor;
    for (let i = start; i < start + size; i++) {
      const scaled = (at(x.values, i) - moments.mean) * factor * at(scale.values, indexAt(scaleAt, i));
      y.values[i] = bias && biasAt ? scaled + at(bias.values, indexAt(biasAt, i)) : scaled;
    }
  }
  return { y, mean, inverse };
};

const factorsOf = (factor: RealArray, dims: readonly number[], position: number): Int32Array => {
  if (!equalDims(commonDims(factor.dims, dims), dims))
    throw invalid(`input ${position} [${factor.dims}] doesn't broadcast to [${dims}]`);
  return broadcastIndices(factor.dims, dims);
};

const rowOptions = (call: Call, x: RealArray, centred: boolean) => ({
  axis: axisOf(intAttribute(call, 'axis', -1), x.dims.length),
  epsilon: floatAttribute(call, 'epsilon', 1e-5),
  centred,
});

const layerNormalization: Operator = (call) => {
  const x = floatInput(call, 0);
  const { y, mean, inverse } = normalizeRows(
    call,
    x,
    floatInput(call, 1),
    optionalFloat(call, 2),
    rowOptions(call, x, true),
  );
  return [y, mean, inverse];
};

const rmsNormalization: Operator = (call) => {
  const x = floatInput(call, 0);
  const { y, inverse } = normalizeRows(call, x, floatInput(call, 1), undefined, rowOptions(call, x, false));
  return [y, inverse];
};

/** The sum of both inputs (and a bias) normalized, and the sum itself as the fourth output. */
const skipNormalization =
  (centred: boolean): Operator =>
  (call) => {
    requireSameType(call, [0, 1]);
    const [x, skip] = [floatInput(call, 0), floatInput(call, 1)];
    if (!equalDims(commonDims(x.dims, skip.dims), x.dims))
      throw invalid(`skip [${skip.dims}] doesn't broadcast to [${x.dims}]`);
    const bias = optionalFloat(call, centred ? 4 : 3);
    const both = combineReal(call, x, skip, (a, b) => a + b);
    const sum = bias ? combineReal(call, both, bias, (a, b) => a + b) : both;
    const options = {
      axis: x.dims.length - 1,
      epsilon: floatAttribute(call, 'epsilon', centred ? 1e-12 : 1e-5),
      centred,
    };
    const { y, mean, inverse } = normalizeRows(
      call,
      sum,
      floatInput(call, 2),
      centred ? optionalFloat(call, 3) : undefined,
      options,
    );
    return [y, centred ? mean : undefined, inverse, sum];
  };

/** y = (x - mean) · factor · scale + bias with numbers that depend on sample and channel. */
type Affine = (sample: number, channel: number) => { shift: number; factor: number; offset: number };

const mapChannels = (call: Call, x: RealArray, affine: Affine): RealArray => {
  const y = zeros(call, x.dtype, x.dims);
  const [samples, channels] = [itemAt(x.dims, 0), itemAt(x.dims, 1)];
  const size = product(x.dims.slice(2));
  for (let sample = 0; sample < samples; sample++)
    for (let channel = 0; channel < channels; channel++) {
      const { shift, factor, offset } = affine(sample, channel);
      const start = (sample * channels + channel) * size;
      for (let i = start; i < start + size; i++) y.values[i] = (at(x.values, i) - shift) * factor + offset;
    }
  return y;
};

/** One number per channel. */
const perChannel = (call: Call, position: number, channels: number): Float64Array => {
  const array = floatInput(call, position);
  requireDims(array, position, [channels]);
  return array.values;
};

const requireChannels = (x: RealArray): number => {
  if (x.dims.length < 2) throw invalid(`[${x.dims}] has no channels`);
  return itemAt(x.dims, 1);
};

/** With the statistics given: inference. */
const batchNormalization: Operator = (call) => {
  const x = floatInput(call, 0);
  const wantsStatistics = call.node.outputs.slice(1).some((name) => name !== '');
  if (intAttribute(call, 'training_mode', 0) !== 0 || wantsStatistics)
    throw unsupported('batch normalization in training');
  if (intAttribute(call, 'spatial', 1) !== 1) throw unsupported('statistics per element (spatial=0)');
  const channels = requireChannels(x);
  const epsilon = floatAttribute(call, 'epsilon', 1e-5);
  const [scale, bias, mean, variance] = [1, 2, 3, 4].map((position) => perChannel(call, position, channels));
  if (!scale || !bias || !mean || !variance) throw invalid('its statistics are not there');
  return [
    mapChannels(call, x, (_, channel) => ({
      shift: at(mean, channel),
      factor: at(scale, channel) / Math.sqrt(at(variance, channel) + epsilon),
      offset: at(bias, channel),
    })),
  ];
};

/** Over each group of channels of each sample. Scale and bias are per group before version 21, per channel since. */
const groupNormalization: Operator = (call) => {
  const x = floatInput(call, 0);
  const channels = requireChannels(x);
  const groups = intAttribute(call, 'num_groups', 0);
  if (groups < 1 || channels % groups !== 0) throw invalid(`${channels} channels in ${groups} groups`);
  const perGroup = channels / groups;
  const isPerGroup = call.opset < 21;
  const factors = isPerGroup ? groups : channels;
  return [
    normalizeGroups(call, x, groups, factors, (channel) =>
      isPerGroup ? Math.floor(channel / perGroup) : channel,
    ),
  ];
};

const instanceNormalization: Operator = (call) => {
  const x = floatInput(call, 0);
  const channels = requireChannels(x);
  return [normalizeGroups(call, x, channels, channels, (channel) => channel)];
};

const normalizeGroups = (
  call: Call,
  x: RealArray,
  groups: number,
  factors: number,
  factorOf: (channel: number) => number,
): RealArray => {
  const [scale, bias] = [perChannel(call, 1, factors), perChannel(call, 2, factors)];
  const epsilon = floatAttribute(call, 'epsilon', 1e-5);
  const channels = requireChannels(x);
  const size = countFrom(x.dims, 2) * (channels / groups);
  if (size === 0) throw invalid(`[${x.dims}] has nothing to normalize`);
  spend(call, 2 * x.values.length);
  const moments = Array.from({ length: itemAt(x.dims, 0) * groups }, (_, i) =>
    momentsOf(call, x.values, i * size, size),
  );
  return mapChannels(call, x, (sample, channel) => {
    const { mean, variance } = itemAt(moments, sample * groups + Math.floor((channel * groups) / channels));
    const i = factorOf(channel);
    return { shift: mean, factor: at(scale, i) / Math.sqrt(variance + epsilon), offset: at(bias, i) };
  });
};

/** Operators that bring numbers to one scale. */
export const normalizationOperators = {
  Softmax: softmaxBy((shifted, sum) => Math.exp(shifted) / sum),
  LogSoftmax: softmaxBy((shifted, sum) => shifted - Math.log(sum)),
  LayerNormalization: layerNormalization,
  RMSNormalization: (call) => rmsNormalization(call).slice(0, 1),
  // ONNX Runtime has it in ai.onnx, with a second output.
  SimplifiedLayerNormalization: rmsNormalization,
  BatchNormalization: batchNormalization,
  GroupNormalization: groupNormalization,
  InstanceNormalization: instanceNormalization,
} satisfies Record<string, Operator>;

/** com.microsoft. */
export const microsoftNormalizationOperators = {
  SimplifiedLayerNormalization: rmsNormalization,
  SkipSimplifiedLayerNormalization: skipNormalization(false),
  SkipLayerNormalization: skipNormalization(true),
} satisfies Record<string, Operator>;
