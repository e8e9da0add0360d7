import { float, int, ints, text } from '../ir/attributes.ts';
import type { Attribute } from '../ir/types.ts';

/** A way of using an operator whose gradient is compared with finite differences. */
export type Case = {
  readonly title: string;
  readonly op: string;
  readonly domain?: string;
  /** Float inputs whose gradient is checked, by the dims; `undefined` stands where `constants` or nothing is. */
  readonly inputs: readonly (readonly number[] | undefined)[];
  /** Float inputs whose gradient nobody wants. */
  readonly frozen?: Case['constants'];
  /** Bytes. */
  readonly bytes?: Case['constants'];
  /** Integer inputs by their place. */
  readonly constants?: Readonly<
    Record<number, { readonly dims: readonly number[]; readonly values: readonly number[] }>
  >;
  /** Bool inputs by their place, true where odd. */
  readonly conditions?: Readonly<Record<number, readonly number[]>>;
  readonly attributes?: Readonly<Record<string, Attribute>>;
  /** Values are drawn from here; −2 to 2 unless it says otherwise. */
  readonly range?: readonly [number, number];
  readonly outputs?: number;
  /** Those of the outputs that the loss depends on, if not the first ones. */
  readonly used?: readonly number[];
  /** 21 unless it says otherwise. */
  readonly opset?: number;
};

const unary = (op: string, range?: readonly [number, number], attributes?: Case['attributes']): Case => ({
  title: attributes ? `${op} ${Object.keys(attributes)}` : op,
  op,
  inputs: [[2, 3]],
  ...(range ? { range } : {}),
  ...(attributes ? { attributes } : {}),
});
const integers = (...values: readonly number[]) => ({ dims: [values.length], values });

const bytesOf = (...dims: readonly number[]) => ({
  dims,
  values: Array.from({ length: dims.reduce((a, b) => a * b) }, (_, at) => (at * 89 + 23) % 256),
});

const binaries = (['Add', 'Sub', 'Mul', 'Div', 'Max', 'Min'] as const).flatMap((op): readonly Case[] => [
  {
    title: `${op} of equals`,
    op,
    inputs: [
      [2, 3],
      [2, 3],
    ],
    range: op === 'Div' ? [0.5, 2] : [-2, 2],
  },
  {
    title: `${op} broadcast`,
    op,
    inputs: [
      [2, 1, 3],
      [4, 1],
    ],
    range: op === 'Div' ? [0.5, 2] : [-2, 2],
  },
  { title: `${op} with a scalar`, op, inputs: [[], [2, 2]], range: op === 'Div' ? [0.5, 2] : [-2, 2] },
]);

const reductions = [
  'ReduceSum',
  'ReduceMean',
  'ReduceSumSquare',
  'ReduceL1',
  'ReduceL2',
  'ReduceLogSumExp',
  'ReduceMax',
  'ReduceMin',
].flatMap((op): readonly Case[] => [
  { title: `${op} of all`, op, inputs: [[2, 3, 2]], attributes: { keepdims: int(0) } },
  { title: `${op} of an axis, kept`, op, inputs: [[2, 3, 2]], constants: { 1: integers(1) } },
  {
    title: `${op} of two axes, from the end`,
    op,
    inputs: [[2, 3, 2]],
    constants: { 1: integers(-1, 0) },
    attributes: { keepdims: int(0) },
  },
]);

/** Of 5 positions, two planes. */
const angles = Array.from({ length: 10 }, (_, at) => Math.floor(at / 2) * (at % 2 ? 0.1 : 1));
const cosines = { dims: [5, 2], values: angles.map(Math.cos) };
const sines = { dims: [5, 2], values: angles.map(Math.sin) };

export const cases: readonly Case[] = [
  ...[
    'Neg',
    'Abs',
    'Exp',
    'Erf',
    'Tanh',
    'Sigmoid',
    'Softplus',
    'Sin',
    'Cos',
    'Relu',
    'Gelu',
    'Identity',
  ].map((op) => unary(op)),
  ...['Mish', 'Selu', 'Softsign'].map((op) => unary(op)),
  unary('HardSwish', [-5, 5]),
  { ...unary('Gelu'), title: "ONNX Runtime's Gelu", domain: 'com.microsoft' },
  {
    title: 'PRelu',
    op: 'PRelu',
    inputs: [
      [2, 3, 2],
      [3, 1],
    ],
  },
  ...['Sqrt', 'Log', 'Reciprocal'].map((op) => unary(op, [0.5, 3])),
  unary('LeakyRelu', undefined, { alpha: float(0.3) }),
  unary('Elu', undefined, { alpha: float(1.5) }),
  unary('HardSigmoid', undefined, { alpha: float(0.3) }),
  unary('Gelu', undefined, { approximate: text('tanh') }),
  { ...unary('QuickGelu'), domain: 'com.microsoft' },
  ...binaries,
  { title: 'Pow, base and exponent', op: 'Pow', inputs: [[2, 3], [3]], range: [0.5, 2] },
  { title: 'Sum of three', op: 'Sum', inputs: [[2, 3], [3], [2, 1]] },
  { title: 'Mean of three', op: 'Mean', inputs: [[2, 3], [3], [2, 1]] },
  { title: 'Where', op: 'Where', inputs: [undefined, [2, 3], [3]], conditions: { 0: [2, 3] } },
  {
    title: 'MatMul',
    op: 'MatMul',
    inputs: [
      [3, 4],
      [4, 2],
    ],
  },
  {
    title: 'MatMul of a batch with one weight',
    op: 'MatMul',
    inputs: [
      [2, 3, 4],
      [4, 2],
    ],
  },
  {
    title: 'MatMul, both broadcast',
    op: 'MatMul',
    inputs: [
      [2, 1, 3, 4],
      [3, 4, 2],
    ],
  },
  { title: 'MatMul of a vector and a matrix', op: 'MatMul', inputs: [[4], [4, 3]] },
  { title: 'MatMul of a matrix and a vector', op: 'MatMul', inputs: [[2, 3, 4], [4]] },
  ...[0, 1, 2, 3].map((bits): Case => {
    const [a, b] = [bits & 1, bits >> 1];
    return {
      title: `Gemm transA ${a} transB ${b}`,
      op: 'Gemm',
      inputs: [a ? [4, 3] : [3, 4], b ? [2, 4] : [4, 2], [2]],
      attributes: { transA: int(a), transB: int(b), alpha: float(0.5), beta: float(2) },
    };
  }),
  {
    title: 'Einsum, a batch of products',
    op: 'Einsum',
    inputs: [
      [2, 3, 4],
      [2, 4, 5],
    ],
    attributes: { equation: text('bij,bjk->bik') },
  },
  {
    title: 'Einsum that sums an index of one operand',
    op: 'Einsum',
    inputs: [
      [2, 3],
      [2, 4],
    ],
    attributes: { equation: text('ij,ik->k') },
  },
  ...[8, 4, 2].map(
    (bits): Case => ({
      title: `MatMulNBits of ${bits} bits`,
      op: 'MatMulNBits',
      domain: 'com.microsoft',
      inputs: [[2, 2, 20], undefined, undefined, undefined, undefined, [3]],
      bytes: { 1: bytesOf(3, 2, 2 * bits) },
      frozen: { 2: { dims: [3, 2], values: [0.1, 0.2, 0.3, 0.1, 0.05, 0.2] } },
      attributes: { K: int(20), N: int(3), bits: int(bits), block_size: int(16) },
    }),
  ),
  {
    title: 'MatMulNBits with zero points',
    op: 'MatMulNBits',
    domain: 'com.microsoft',
    inputs: [[2, 40]],
    bytes: { 1: bytesOf(2, 3, 8), 3: bytesOf(4) },
    frozen: { 2: { dims: [6], values: [0.1, 0.2, 0.3, 0.1, 0.05, 0.2] } },
    attributes: { K: int(40), N: int(2), bits: int(4), block_size: int(16) },
  },
  {
    title: 'MatMulNBits with zero points that are floats',
    op: 'MatMulNBits',
    domain: 'com.microsoft',
    inputs: [[2, 16]],
    bytes: { 1: bytesOf(2, 1, 8) },
    frozen: { 2: { dims: [2], values: [0.1, 0.2] }, 3: { dims: [2], values: [7.5, 3.25] } },
    attributes: { K: int(16), N: int(2), bits: int(4), block_size: int(16) },
  },
  { title: 'Softmax', op: 'Softmax', inputs: [[2, 4]] },
  { title: 'Softmax of the first axis', op: 'Softmax', inputs: [[3, 2]], attributes: { axis: int(0) } },
  { title: 'LogSoftmax', op: 'LogSoftmax', inputs: [[2, 4]] },
  { title: 'LayerNormalization', op: 'LayerNormalization', inputs: [[2, 3, 4], [4], [4]] },
  {
    title: 'LayerNormalization of two axes',
    op: 'LayerNormalization',
    inputs: [
      [2, 3, 4],
      [3, 4],
    ],
    attributes: { axis: int(1), epsilon: float(0.01) },
  },
  {
    title: 'SimplifiedLayerNormalization',
    op: 'SimplifiedLayerNormalization',
    inputs: [[2, 3, 4], [4]],
    attributes: { epsilon: float(0.01) },
  },
  { title: 'RMSNormalization', op: 'RMSNormalization', inputs: [[2, 3, 4], [4]] },
  ...['Skip', 'SkipSimplified'].flatMap((kind): readonly Case[] => {
    const op = `${kind}LayerNormalization`;
    const bias = kind === 'Skip' ? [[4], [4]] : [[4]];
    const more = { op, domain: 'com.microsoft', attributes: { epsilon: float(0.01) } };
    return [
      { ...more, title: `${op} with a bias`, inputs: [[2, 3, 4], [2, 3, 4], [4], ...bias] },
      { ...more, title: `${op} of a skip for all`, inputs: [[2, 3, 4], [3, 4], [4]] },
      { ...more, title: `${op} and the sum`, inputs: [[2, 3, 4], [2, 3, 4], [4]], used: [0, 3] },
      { ...more, title: `the sum of ${op} alone`, inputs: [[2, 3, 4], [2, 3, 4], [4]], used: [3] },
    ];
  }),
  {
    title: 'GroupNormalization, factors by channel',
    op: 'GroupNormalization',
    inputs: [[2, 4, 3, 2], [4], [4]],
    attributes: { num_groups: int(2) },
  },
  {
    title: 'GroupNormalization, factors by group',
    op: 'GroupNormalization',
    inputs: [[2, 4, 3], [2], [2]],
    attributes: { num_groups: int(2) },
    opset: 18,
  },
  { title: 'InstanceNormalization', op: 'InstanceNormalization', inputs: [[2, 3, 4], [3], [3]] },
  {
    title: 'BatchNormalization with its statistics frozen',
    op: 'BatchNormalization',
    inputs: [[2, 3, 4], [3], [3]],
    frozen: { 3: { dims: [3], values: [-0.5, 0, 0.5] }, 4: { dims: [3], values: [0.5, 1, 2] } },
  },
  ...[0, 1].map(
    (interleaved): Case => ({
      title: `RotaryEmbedding, interleaved ${interleaved}`,
      op: 'RotaryEmbedding',
      inputs: [[1, 2, 3, 4]],
      frozen: { 1: cosines, 2: sines },
      constants: { 3: { dims: [1, 3], values: [0, 1, 3] } },
      attributes: { interleaved: int(interleaved) },
    }),
  ),
  {
    title: "ONNX Runtime's RotaryEmbedding of a part of each head",
    op: 'RotaryEmbedding',
    domain: 'com.microsoft',
    inputs: [[2, 3, 12]],
    frozen: { 2: cosines, 3: sines },
    constants: { 1: { dims: [1], values: [1] } },
    attributes: { num_heads: int(2), rotary_embedding_dim: int(4) },
  },
  ...reductions,
  {
    title: 'ReduceLogSum',
    op: 'ReduceLogSum',
    inputs: [[2, 3]],
    constants: { 1: integers(1) },
    range: [0.5, 2],
  },
  { title: 'Reshape', op: 'Reshape', inputs: [[2, 6]], constants: { 1: integers(3, -1) } },
  { title: 'Flatten', op: 'Flatten', inputs: [[2, 3, 2]] },
  { title: 'Squeeze', op: 'Squeeze', inputs: [[2, 1, 3]], constants: { 1: integers(1) } },
  { title: 'Unsqueeze', op: 'Unsqueeze', inputs: [[2, 3]], constants: { 1: integers(0, 2) } },
  { title: 'Transpose', op: 'Transpose', inputs: [[2, 3, 4]], attributes: { perm: ints(2, 0, 1) } },
  { title: 'Transpose without a permutation', op: 'Transpose', inputs: [[2, 3, 4]] },
  {
    title: 'Concat',
    op: 'Concat',
    inputs: [
      [2, 1],
      [2, 3],
    ],
    attributes: { axis: int(-1) },
  },
  {
    title: 'Split',
    op: 'Split',
    inputs: [[2, 5]],
    constants: { 1: integers(2, 3) },
    attributes: { axis: int(1) },
    outputs: 2,
  },
  {
    title: 'Slice',
    op: 'Slice',
    inputs: [[4, 5]],
    constants: { 1: integers(1, -3), 2: integers(3, 100), 3: integers(0, 1) },
  },
  {
    title: 'Slice with steps, one backwards',
    op: 'Slice',
    inputs: [[4, 5]],
    constants: { 1: integers(0, -1), 2: integers(4, -100), 3: integers(0, 1), 4: integers(2, -2) },
  },
  { title: 'Expand', op: 'Expand', inputs: [[3, 1]], constants: { 1: integers(2, 3, 4) } },
  { title: 'Tile', op: 'Tile', inputs: [[2, 3]], constants: { 1: integers(2, 3) } },
  { title: 'Pad', op: 'Pad', inputs: [[2, 3]], constants: { 1: integers(1, 0, 0, 2) } },
  { title: 'Trilu', op: 'Trilu', inputs: [[2, 3, 3]], attributes: { upper: int(0) } },
  ...['DCR', 'CRD'].map(
    (mode): Case => ({
      title: `DepthToSpace ${mode}`,
      op: 'DepthToSpace',
      inputs: [[1, 8, 2, 3]],
      attributes: { blocksize: int(2), mode: text(mode) },
    }),
  ),
  { title: 'CumSum', op: 'CumSum', inputs: [[2, 4]], constants: { 1: { dims: [], values: [1] } } },
  {
    title: 'CumSum, exclusive and backwards',
    op: 'CumSum',
    inputs: [[2, 4]],
    constants: { 1: { dims: [], values: [1] } },
    attributes: { exclusive: int(1), reverse: int(1) },
  },
  {
    title: 'Gather of rows, one twice',
    op: 'Gather',
    inputs: [[4, 3]],
    constants: { 1: { dims: [2, 2], values: [0, 3, 0, 1] } },
  },
  {
    title: 'Gather along the second of three axes',
    op: 'Gather',
    inputs: [[2, 4, 3]],
    constants: { 1: integers(3, 1, 3) },
    attributes: { axis: int(1) },
  },
  {
    title: 'Gather of one',
    op: 'Gather',
    inputs: [[4, 3]],
    constants: { 1: { dims: [], values: [2] } },
    attributes: { axis: int(-1) },
  },
  {
    title: 'GatherElements',
    op: 'GatherElements',
    inputs: [[3, 3]],
    constants: { 1: { dims: [2, 3], values: [0, 1, 2, 0, 0, 1] } },
  },
  {
    title: 'GatherND',
    op: 'GatherND',
    inputs: [[3, 4]],
    constants: { 1: { dims: [2, 2], values: [0, 1, 2, 3] } },
  },
  {
    title: 'ScatterElements, added',
    op: 'ScatterElements',
    inputs: [[3, 3], undefined, [1, 3]],
    constants: { 1: { dims: [1, 3], values: [2, 0, 2] } },
    attributes: { reduction: text('add') },
  },
  {
    title: 'ScatterND, put',
    op: 'ScatterND',
    inputs: [[4, 2], undefined, [2, 2]],
    constants: { 1: { dims: [2, 1], values: [3, 1] } },
  },
  { title: 'Conv', op: 'Conv', inputs: [[2, 3, 5, 6], [4, 3, 3, 2], [4]] },
  {
    title: 'Conv with pads, strides and dilations',
    op: 'Conv',
    inputs: [
      [1, 2, 7, 8],
      [3, 2, 3, 2],
    ],
    attributes: { pads: ints(1, 0, 2, 1), strides: ints(2, 3), dilations: ints(1, 2) },
  },
  {
    title: 'Conv in groups',
    op: 'Conv',
    inputs: [[2, 4, 4, 4], [6, 2, 3, 3], [6]],
    attributes: { group: int(2), auto_pad: text('SAME_UPPER') },
  },
  {
    title: 'Conv of each channel, in one dimension',
    op: 'Conv',
    inputs: [
      [2, 3, 7],
      [3, 1, 3],
    ],
    attributes: { group: int(3), auto_pad: text('SAME_LOWER'), strides: ints(2) },
  },
  { title: 'ConvTranspose', op: 'ConvTranspose', inputs: [[2, 3, 3, 4], [3, 2, 3, 2], [2]] },
  {
    title: 'ConvTranspose with pads, strides, dilations and room beyond',
    op: 'ConvTranspose',
    inputs: [
      [1, 2, 4, 3],
      [2, 3, 3, 2],
    ],
    attributes: {
      pads: ints(1, 0, 2, 1),
      strides: ints(2, 3),
      dilations: ints(1, 2),
      output_padding: ints(1, 2),
    },
  },
  {
    title: 'ConvTranspose whose room beyond is a stride',
    op: 'ConvTranspose',
    inputs: [
      [1, 2, 4],
      [2, 1, 3],
    ],
    attributes: { strides: ints(2), dilations: ints(3), output_padding: ints(2) },
  },
  {
    title: 'ConvTranspose in groups, of the size that was asked for',
    op: 'ConvTranspose',
    inputs: [[2, 4, 3, 3], [4, 3, 3, 3], [6]],
    attributes: { group: int(2), strides: ints(2, 2), output_shape: ints(6, 6) },
  },
  {
    title: 'ConvTranspose of each channel, in one dimension',
    op: 'ConvTranspose',
    inputs: [
      [2, 3, 4],
      [3, 1, 4],
    ],
    attributes: { group: int(3), strides: ints(2), auto_pad: text('SAME_UPPER') },
  },
  {
    title: 'MaxPool side by side',
    op: 'MaxPool',
    inputs: [[1, 2, 4, 6]],
    attributes: { kernel_shape: ints(2, 3), strides: ints(2, 3) },
  },
  {
    title: 'MaxPool that overlaps, with pads',
    op: 'MaxPool',
    inputs: [[1, 2, 5, 5]],
    attributes: { kernel_shape: ints(3, 3), strides: ints(2, 2), pads: ints(1, 1, 1, 1) },
  },
  {
    title: 'AveragePool',
    op: 'AveragePool',
    inputs: [[1, 2, 4, 4]],
    attributes: { kernel_shape: ints(2, 2), strides: ints(2, 2) },
  },
  {
    title: 'AveragePool that overlaps, with pads left out',
    op: 'AveragePool',
    inputs: [[1, 2, 5, 5]],
    attributes: { kernel_shape: ints(3, 3), strides: ints(2, 1), pads: ints(1, 1, 1, 1) },
  },
  {
    title: 'AveragePool that counts its pads',
    op: 'AveragePool',
    inputs: [[1, 1, 5, 5]],
    attributes: { kernel_shape: ints(3, 3), pads: ints(1, 1, 1, 1), count_include_pad: int(1) },
  },
  { title: 'GlobalAveragePool', op: 'GlobalAveragePool', inputs: [[2, 3, 4, 2]] },
  { title: 'GlobalMaxPool', op: 'GlobalMaxPool', inputs: [[2, 3, 4, 2]] },
];
