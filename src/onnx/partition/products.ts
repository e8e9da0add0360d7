import { countOf } from '../ir/dataTypes.ts';
import type { Node, ValueType } from '../ir/types.ts';

/** What a node multiplies with weights: what takes a model's time when few tokens are computed at once. */

/** Operators of which an operand is a matrix of weights. A lookup in a table is none. */
const products: ReadonlySet<string> = new Set([
  ...['MatMul', 'Gemm', 'Einsum', 'FusedMatMul', 'FusedGemm', 'MatMulNBits', 'MatMulBnb4', 'Attention'],
  ...[
    'MatMulInteger',
    'MatMulIntegerToFloat',
    'DynamicQuantizeMatMul',
    'QLinearMatMul',
    'QGemm',
    'QAttention',
  ],
  ...[
    'Conv',
    'ConvTranspose',
    'ConvInteger',
    'QLinearConv',
    'FusedConv',
    'LSTM',
    'GRU',
    'RNN',
    'MoE',
    'QMoE',
  ],
]);

/** Multiplications for one token or image; 0 if the node doesn't multiply with weights. `isConstant` tells what are weights. */
export const productSize = (
  node: Node,
  types: ReadonlyMap<string, ValueType>,
  isConstant: (name: string) => boolean,
): number => {
  if (!products.has(node.op)) return 0;
  const weights = node.inputs.flatMap((name) => {
    const dims = name !== '' && isConstant(name) ? dimsOf(types.get(name)) : [];
    return dims.length >= 2 ? [countOf(dims)] : [];
  });
  if (weights.length === 0) return 0;
  const { N, K } = node.attributes;
  // Its weights are packed: several to a byte.
  if (node.op === 'MatMulNBits' && N?.type === 'int' && K?.type === 'int')
    return Number(N.value) * Number(K.value);
  return Math.max(...weights) * (node.op.includes('Conv') ? placesOf(types.get(node.outputs[0] ?? '')) : 1);
};

/** A convolution's weights are used at each place of its output. */
const placesOf = (output: ValueType | undefined): number => countOf(dimsOf(output).slice(2));

/** A dimension that is not a number counts as 1. */
const dimsOf = (type: ValueType | undefined): readonly number[] =>
  type?.kind === 'tensor' ? (type.shape ?? []).map((dim) => (typeof dim === 'number' ? dim : 1)) : [];
