import { float, int, ints, text } from '../ir/attributes.ts';
import type { Attribute } from '../ir/types.ts';
import { layerCases } from './testLayerCases.ts';

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
  { title: 'Softmax', op: 'Softmax', inputs: [[2, 4]] },
  { title: 'Softmax of the first axis', op: 'Softmax', inputs: [[3, 2]], attributes: { axis: int(0) } },
  { title: 'LogSoftmax', op: 'LogSoftmax', inputs: [[2, 4]] },
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
  ...layerCases,
];
