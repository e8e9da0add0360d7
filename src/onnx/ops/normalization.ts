import type { Shape } from '../ir/types.ts';
import {
  float,
  form,
  int,
  misfit,
  type OpTable,
  optional,
  required,
  type ShapeRule,
  shaped,
  text,
} from './schema.ts';
import {
  axisIn,
  checkBroadcastsTo,
  checkRank,
  intOf,
  like,
  sameDim,
  shapeOf,
  show,
  textOf,
} from './shapes.ts';

/** One parameter for each channel: dimension 1, or the only one there is. */
const batchNormalization: ShapeRule = (call) => {
  const shape = shapeOf(call, 0);
  const channels = shape === undefined ? undefined : shape.length > 1 ? shape[1] : 1;
  let common = channels;
  for (let i = 1; i < 5; i++) {
    checkRank(shapeOf(call, i), 1, `input ${i}`);
    common = sameDim(common, shapeOf(call, i)?.[0], `channels, and input ${i}`);
  }
  return call.node.outputs.map((_, i) => (i === 0 ? shape : [common]));
};

/** What is normalised starts at `axis`; mean and inverse deviation have 1 there. */
export const layerNormalization: ShapeRule = (call) => {
  const shape = shapeOf(call, 0);
  if (shape === undefined) return [];
  const axis = axisIn(intOf(call, 'axis') ?? -1, shape.length);
  checkBroadcastsTo(shapeOf(call, 1), shape, 'the scale');
  checkBroadcastsTo(shapeOf(call, 2), shape, 'the bias');
  const statistic = shape.map((dim, i) => (i < axis ? dim : 1));
  return call.node.outputs.map((_, i) => (i === 0 ? shape : statistic));
};

const perChannel: ShapeRule = (call) => {
  const shape = shapeOf(call, 0);
  if (shape !== undefined && shape.length < 2) misfit(`${show(shape)} has no channels`);
  for (const i of [1, 2]) {
    checkRank(shapeOf(call, i), 1, `input ${i}`);
    if (shape !== undefined) sameDim(shape[1], shapeOf(call, i)?.[0], `channels, and input ${i}`);
  }
  return [shape];
};

/** Until opset 21 the parameters were one for each group. */
const groupNormalization =
  (isPerGroup: boolean): ShapeRule =>
  (call) => {
    const shape = shapeOf(call, 0);
    const groups = intOf(call, 'num_groups') ?? 1;
    const channels = shape?.[1];
    if (typeof channels === 'number' && (groups < 1 || channels % groups !== 0))
      misfit(`num_groups ${groups} does not divide the ${channels} channels`);
    for (const i of [1, 2])
      sameDim(isPerGroup ? groups : channels, shapeOf(call, i)?.[0], `groups or channels, and input ${i}`);
    return [shape];
  };

/** The loss is a scalar unless it is left for each sample; logits are N×C×…, labels N×…. */
const loss =
  (withLogs: boolean): ShapeRule =>
  (call) => {
    const [scores, labels] = [shapeOf(call, 0), shapeOf(call, 1)];
    checkLabels(scores, labels);
    const isReduced = textOf(call, 'reduction') !== 'none';
    const each = isReduced ? [] : (labels ?? (scores && [...scores.slice(0, 1), ...scores.slice(2)]));
    return withLogs ? [each, scores] : [each];
  };

const checkLabels = (scores: Shape | undefined, labels: Shape | undefined): void => {
  if (scores === undefined || labels === undefined) return;
  if (scores.length !== labels.length + 1) misfit(`scores ${show(scores)} with labels ${show(labels)}`);
  labels.forEach((dim, i) => {
    sameDim(dim, scores[i === 0 ? 0 : i + 1], `labels ${show(labels)} of scores ${show(scores)}`);
  });
};

const epsilon = { epsilon: float(1e-5) };
const oldBatch = { ...epsilon, momentum: float(0.9), spatial: int(1), is_test: int(0) };
const layer = { axis: int(-1), ...epsilon, stash_type: int(1) };
const lossAttributes = { ignore_index: optional('int'), reduction: text('mean') };
const T = { T: 'float' } as const;

export const normalization: OpTable = {
  BatchNormalization: [
    form(
      [1],
      'T T T T T -> T T? T? T? T?',
      shaped(batchNormalization),
      { ...oldBatch, consumed_inputs: required('ints') },
      T,
    ),
    form([6], 'T T T T T -> T T? T? T? T?', shaped(batchNormalization), oldBatch, T),
    form(
      [7],
      'T T T T T -> T T? T? T? T?',
      shaped(batchNormalization),
      { ...epsilon, momentum: float(0.9), spatial: int(1) },
      T,
    ),
    form(
      [9],
      'T T T T T -> T T? T? T? T?',
      shaped(batchNormalization),
      { ...epsilon, momentum: float(0.9) },
      T,
    ),
    form(
      [14, 15],
      'T S S U U -> T U? U?',
      shaped(batchNormalization),
      { ...epsilon, momentum: float(0.9), training_mode: int(0) },
      { T: 'float', S: 'float', U: 'float' },
    ),
  ],
  InstanceNormalization: [
    form([1], 'T T T -> T', shaped(perChannel), { ...epsilon, consumed_inputs: optional('ints') }, T),
    form([6, 22], 'T T T -> T', shaped(perChannel), epsilon, T),
  ],
  LayerNormalization: [form([17], 'T T T? -> T float? float?', layerTypes(), layer, T)],
  RMSNormalization: [form([23], 'T V -> V', shaped(layerNormalization), layer, { T: 'float', V: 'float' })],
  GroupNormalization: [
    {
      ...form(
        [18],
        'T T T -> T',
        shaped(groupNormalization(true)),
        { num_groups: required('int'), ...epsilon },
        T,
      ),
      deprecated: true,
    },
    form(
      [21],
      'T T T -> T',
      shaped(groupNormalization(false)),
      { num_groups: required('int'), ...epsilon, stash_type: int(1) },
      T,
    ),
  ],
  LpNormalization: [form([1, 22], 'T -> T', shaped(like(0)), { axis: int(-1), p: int(2) }, T)],
  LRN: [
    form(
      [1, 13],
      'T -> T',
      shaped(like(0)),
      { alpha: float(1e-4), beta: float(0.75), bias: float(1), size: required('int') },
      T,
    ),
  ],
  Dropout: [
    form(
      [1],
      'T -> T T?',
      shaped(like(0)),
      { ratio: float(0.5), is_test: int(0), consumed_inputs: optional('ints') },
      T,
    ),
    form([6], 'T -> T T?', shaped(like(0)), { ratio: float(0.5), is_test: int(0) }, T),
    form([7], 'T -> T T?', shaped(like(0)), { ratio: float(0.5) }, T),
    form([10], 'T -> T bool?', shaped(like(0)), { ratio: float(0.5) }, T),
    form(
      [12, 13, 22],
      'T U? bool? -> T bool?',
      shaped(like(0)),
      { seed: optional('int') },
      {
        T: 'floatOrFloat8',
        U: 'floatOrFloat8',
      },
    ),
  ],
  SoftmaxCrossEntropyLoss: [
    form([12, 13], 'T I T? -> T T?', shaped(loss(true)), lossAttributes, { T: 'float', I: 'index' }),
  ],
  NegativeLogLikelihoodLoss: [
    form([12, 13, 22], 'T I T? -> T', shaped(loss(false)), lossAttributes, { T: 'float', I: 'index' }),
  ],
};

/** The statistics are float32 unless `stash_type` says bfloat16. */
function layerTypes(): ReturnType<typeof shaped> {
  return (call) => {
    const statistic = intOf(call, 'stash_type') === 16 ? 'bfloat16' : 'float32';
    const outputTypes = call.outputTypes.map((dtype, i) => (i === 0 ? dtype : statistic) as typeof dtype);
    return shaped(layerNormalization)({ ...call, outputTypes });
  };
}
