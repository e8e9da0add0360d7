import { dataTypeOf } from '../ir/dataTypes.ts';
import type { Dim, Shape } from '../ir/types.ts';
import { microsoftAttention } from './attention.ts';
import { convAttributes, convShape } from './convolution.ts';
import { addDims, divideDims, multiplyDims } from './dims.ts';
import { gemm, gemmAttributes, matMulShape } from './linear.ts';
import { layerNormalization } from './normalization.ts';
import { checkScale } from './quantization.ts';
import {
  type Call,
  float,
  form,
  type Infer,
  int,
  misfit,
  type OpTable,
  optional,
  required,
  type ShapeRule,
  shaped,
  tensorType,
  text,
  unshaped,
} from './schema.ts';
import {
  axisIn,
  broadcastShapes,
  checkRank,
  dtypeOf,
  intOf,
  intsOf,
  like,
  sameDim,
  shapeOf,
  show,
} from './shapes.ts';

/** The operators of com.microsoft that exporters and ONNX Runtime's own optimizers write into files, all of version 1. */

const same = shaped(like(0));
const sum: ShapeRule = (call) => [broadcastShapes([shapeOf(call, 0), shapeOf(call, 1)])];
const product =
  (a: number, b: number): ShapeRule =>
  (call) => [matMulShape(shapeOf(call, a), shapeOf(call, b))];

/** The weight is N × blocks of K × packed bytes of a block. */
const matMulNBits: ShapeRule = (call) => {
  const a = shapeOf(call, 0);
  const [n, k] = [sizeOf(call, 'N'), sizeOf(call, 'K')];
  const [block, bits] = [sizeOf(call, 'block_size'), sizeOf(call, 'bits')];
  if (a !== undefined) sameDim(a.at(-1), k, `the input ${show(a)} and K`);
  const weight = shapeOf(call, 1);
  const blocks = Math.ceil(k / block);
  if (weight?.length === 3 && intOf(call, 'weight_prepacked') !== 1)
    [n, blocks, (block * bits) / 8].forEach((size, i) => {
      sameDim(weight[i], size, `dimension ${i} of the weight ${show(weight)}, of N ${n} and K ${k}`);
    });
  return [a && [...a.slice(0, -1), n]];
};

const sizeOf = (call: Call, name: string): number => {
  const size = intOf(call, name);
  return size !== undefined && size > 0 ? size : misfit(`${name} is ${size}, it is at least 1`);
};

/** `transBatch` moves the first dimension to where the rows are. */
const fusedMatMul: ShapeRule = (call) => {
  const operand = (index: number, side: 'A' | 'B') => {
    const shape = shapeOf(call, index);
    if (shape === undefined || shape.length < 2) return shape;
    const moved = intOf(call, `transBatch${side}`) ? [...shape.slice(1, -1), shape[0], shape.at(-1)] : shape;
    return intOf(call, `trans${side}`) ? [...moved.slice(0, -2), moved.at(-1), moved.at(-2)] : moved;
  };
  return [matMulShape(operand(0, 'A'), operand(1, 'B'))];
};

/** Outputs: normalised, mean, inverse deviation, and the sum before it. */
const skipNormalization: ShapeRule = (call) => {
  const [shape, skip] = [shapeOf(call, 0), shapeOf(call, 1)];
  const whole = broadcastShapes([shape, skip]) ?? shape;
  const gamma = shapeOf(call, 2);
  checkRank(gamma, 1, 'gamma');
  if (whole !== undefined) sameDim(whole.at(-1), gamma?.[0], `the input ${show(whole)} and gamma`);
  const statistic = whole && [...whole.slice(0, -1), 1];
  return [whole, statistic, statistic, whole];
};

/** Elements of 4 bits may be packed in bytes along the last axis. */
const gatherBlockQuantized: ShapeRule = (call) => {
  const [data, indices] = [shapeOf(call, 0), shapeOf(call, 1)];
  if (data === undefined || indices === undefined) return [];
  const perByte = dtypeOf(call, 0) === 'uint8' ? 8 / sizeOf(call, 'bits') : 1;
  const axis = axisIn(intOf(call, 'gather_axis') ?? 0, data.length);
  const rest = data.map((dim, i) => (i === data.length - 1 ? multiplyDims(dim, perByte) : dim));
  return [[...rest.slice(0, axis), ...indices, ...rest.slice(axis + 1)]];
};

const embedding: ShapeRule = (call) => {
  const [ids, words] = [shapeOf(call, 0), shapeOf(call, 2)];
  const output = [ids?.[0], ids?.[1], words?.[1]];
  return [output, [ids?.[0]], output];
};

const qConv: ShapeRule = (call) => [
  intOf(call, 'channels_last') === 1 ? undefined : convShape(call, shapeOf(call, 0), shapeOf(call, 3)),
];
const qGemm: ShapeRule = (call) => {
  const at = [0, 3].map((i) => call.inputs[i]);
  return gemm({ ...call, inputs: at });
};
const qConcat: ShapeRule = (call) => {
  const shapes = call.inputs.flatMap((_, i) => (i >= 2 && (i - 2) % 3 === 0 ? [shapeOf(call, i)] : []));
  const [first] = shapes;
  if (first === undefined) return [];
  const axis = axisIn(intOf(call, 'axis') ?? 1, first.length);
  let along: Dim = 0;
  for (const shape of shapes) along = addDims(along, shape?.[axis]);
  return [first.map((dim, i) => (i === axis ? along : dim))];
};
const qPool: ShapeRule = (call) => {
  const shape = shapeOf(call, 0);
  if (shape === undefined) return [];
  const isLast = intOf(call, 'channels_last') === 1;
  return [shape.map((dim, i) => (i === 0 || i === (isLast ? shape.length - 1 : 1) ? dim : 1))];
};
const qReduce: ShapeRule = (call) => {
  const shape = shapeOf(call, 0);
  if (shape === undefined) return [];
  const gone = new Set((intsOf(call, 'axes') ?? []).map((axis) => axisIn(axis, shape.length)));
  return [intOf(call, 'keepdims') === 1 ? shape.map((dim, i) => (gone.has(i) ? 1 : dim)) : undefined];
};
const half: ShapeRule = (call) => {
  const shape = shapeOf(call, 0);
  return [shape && [...shape.slice(0, -1), divideDims(shape.at(-1), 2)]];
};
const dequantized: Infer = (call) => [tensorType(dtypeOf(call, 1), checkScale(call))];
const statistics: Infer = (call) => {
  const statistic = dataTypeOf(intOf(call, 'stash_type') ?? 1);
  const outputTypes = call.outputTypes.map((dtype, i) => (i === 1 ? statistic : dtype));
  return shaped(layerNormalization)({ ...call, outputTypes });
};
const expandDims: ShapeRule = (call) => {
  const rank: Shape | undefined = shapeOf(call, 0);
  return [rank && [...rank, 1].map(() => undefined)];
};

const F = { T: 'float' } as const;
const Q = { T: 'byte' } as const;
const epsilon = { epsilon: float(1e-5) };
const skipEpsilon = { epsilon: float(1e-12) };
const transposes = { ...gemmAttributes, beta: float(1) };
const activation = {
  activation: optional('string'),
  activation_alpha: optional('float'),
  activation_beta: optional('float'),
  activation_gamma: optional('float'),
};
const qBinary = 'T float32 T? T float32 T? float32 T? -> T';
const qUnary = 'T float32 T? float32 T? -> T';
const experts = {
  k: int(1),
  activation_type: text('relu'),
  activation_alpha: optional('float'),
  activation_beta: optional('float'),
  normalize_routing_weights: int(0),
  swiglu_fusion: int(0),
  swiglu_limit: optional('float'),
  use_sparse_mixer: int(0),
};

/** ONNX Runtime registers it in ai.onnx, where exporters put it: from version 1 on, in every opset. */
export const simplifiedLayerNormalization = [
  form(
    [1],
    'T V -> V U?',
    statistics,
    { axis: int(-1), ...epsilon, stash_type: int(1) },
    { T: 'float', V: 'float', U: 'float' },
  ),
];

export const microsoft: OpTable = {
  ...microsoftAttention,
  MatMulNBits: [
    form(
      [1],
      'T B T Z? int32? T? -> T',
      shaped(matMulNBits),
      {
        K: required('int'),
        N: required('int'),
        bits: int(4),
        block_size: required('int'),
        accuracy_level: int(0),
        weight_prepacked: int(0),
      },
      { T: 'float', B: 'byte', Z: 'numeric' },
    ),
  ],
  GatherBlockQuantized: [
    form(
      [1],
      'D I T D? -> T',
      shaped(gatherBlockQuantized),
      { bits: int(4), block_size: int(128), gather_axis: int(0), quantize_axis: int(1) },
      { D: 'quantized', I: 'index', T: 'float' },
    ),
  ],
  SimplifiedLayerNormalization: simplifiedLayerNormalization,
  SkipSimplifiedLayerNormalization: [
    form([1], 'T T T T? -> T float32? float32? T?', shaped(skipNormalization), { epsilon: float(1e-6) }, F),
  ],
  SkipLayerNormalization: [
    form([1], 'T T T T? T? -> T float32? float32? T?', shaped(skipNormalization), skipEpsilon, F),
  ],
  EmbedLayerNormalization: [
    form(
      [1],
      'int32 int32? T T T? T T int32? int32? -> T int32? T?',
      shaped(embedding),
      { ...skipEpsilon, mask_index_type: int(0) },
      F,
    ),
  ],
  DynamicQuantizeMatMul: [
    form([1], 'float32 B float32 B? float32? -> float32', shaped(product(0, 1)), {}, { B: 'byte' }),
  ],
  MatMulIntegerToFloat: [
    form([1], 'A B T T A? B? T? -> T', shaped(product(0, 1)), {}, { A: 'byte', B: 'byte', T: 'float' }),
  ],
  FusedMatMul: [
    form(
      [1],
      'T T -> T',
      shaped(fusedMatMul),
      { alpha: float(1), transA: int(0), transB: int(0), transBatchA: int(0), transBatchB: int(0) },
      F,
    ),
  ],
  FusedGemm: [form([1], 'T T T? -> T', shaped(gemm), { ...transposes, ...activation }, { T: 'wide' })],
  FusedConv: [
    form(
      [1],
      'T T T? T? -> T',
      shaped((call) => [convShape(call, shapeOf(call, 0), shapeOf(call, 1))]),
      { ...convAttributes, activation: optional('string'), activation_params: optional('floats') },
      F,
    ),
  ],
  QuickGelu: [form([1], 'T -> T', same, { alpha: float(1.702) }, F)],
  Gelu: [form([1], 'T -> T', same, {}, F)],
  FastGelu: [form([1], 'T T? -> T', same, {}, F)],
  BiasGelu: [form([1], 'T T -> T', same, {}, F)],
  BiasSplitGelu: [form([1], 'T T -> T', shaped(half), {}, F)],
  BiasAdd: [form([1], 'T T T -> T', same, {}, F)],
  BiasSoftmax: [form([1], 'T T -> T', same, { axis: int(1), is_inner_broadcast: required('int') }, F)],
  GroupNorm: [
    form(
      [1],
      'T M M -> T',
      same,
      { activation: required('int'), channels_last: int(1), ...epsilon, groups: required('int') },
      { T: 'float', M: 'float' },
    ),
  ],
  QuantizeLinear: [
    form([1], 'T T Z? -> Z', quantizedLinear(), { axis: optional('int') }, { T: 'float', Z: 'quantized' }),
  ],
  DequantizeLinear: [
    form([1], 'X S X? -> S', dequantized, { axis: optional('int') }, { X: 'quantizedOrSum', S: 'float' }),
  ],
  QLinearAdd: [form([1], qBinary, shaped(qSum), {}, Q)],
  QLinearMul: [form([1], qBinary, shaped(qSum), {}, Q)],
  QLinearSigmoid: [form([1], qUnary, same, {}, Q)],
  QLinearLeakyRelu: [form([1], qUnary, same, { alpha: float(0.01) }, Q)],
  QLinearSoftmax: [
    form([1], 'T float32 T? float32 T -> T', same, { axis: int(-1), opset: required('int') }, Q),
  ],
  QLinearConcat: [form([1], 'float32 T any+ -> T', shaped(qConcat), { axis: required('int') }, Q)],
  QLinearGlobalAveragePool: [
    form([1], 'T float32 T float32 T -> T', shaped(qPool), { channels_last: int(0) }, Q),
  ],
  QLinearReduceMean: [
    form([1], qUnary, shaped(qReduce), { axes: required('ints'), keepdims: required('int') }, Q),
  ],
  QLinearConv: [
    form(
      [1],
      'T float32 T W float32 W float32 Y int32? -> Y',
      shaped(qConv),
      { ...convAttributes, channels_last: int(0) },
      { T: 'byte', W: 'byte', Y: 'byte' },
    ),
  ],
  QGemm: [
    form(
      [1],
      'A float32 A B float32 B int32? float32? Y? -> all',
      qGemmType(),
      { alpha: float(1), transA: int(0), transB: int(0) },
      { A: 'byte', B: 'byte', Y: 'byte' },
    ),
  ],
  Trilu: [form([1], 'T int64? -> T', same, { upper: int(1) })],
  ExpandDims: [form([1], 'T int32 -> T', shaped(expandDims))],
  Inverse: [form([1], 'T -> T', same, {}, F)],
  MoE: [form([1], 'T T T T? T T? T? T? -> T', same, experts, F)],
  IsAllFinite: [
    form(
      [1],
      'T+ -> bool',
      shaped(() => [[]]),
      { isinf_only: int(0), isnan_only: int(0) },
      F,
    ),
  ],
  BiasDropout: [
    form([1], 'T T T? U? bool? -> T bool?', same, { seed: optional('int') }, { T: 'float', U: 'float' }),
  ],
  NGramRepeatBlock: [form([1], 'int64 T -> T', shaped(like(1)), { ngram_size: required('int') }, F)],
  Unique: [form([1], 'T -> T int64 int64', unshaped)],
};

function qSum(call: Call): ReturnType<ShapeRule> {
  return sum({ ...call, inputs: [call.inputs[0], call.inputs[3]] });
}

function quantizedLinear(): Infer {
  return (call) => [tensorType(dtypeOf(call, 2) ?? 'uint8', checkScale(call))];
}

/** Without a scale for the result it stays float. */
function qGemmType(): Infer {
  return (call) => {
    const dtype = call.inputs[8] === undefined ? 'float32' : dtypeOf(call, 8);
    return [tensorType(dtype, qGemm(call)[0])];
  };
}
