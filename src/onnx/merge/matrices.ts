import type { Node } from '../ir/types.ts';

/** Whether the node multiplies by its second input as x·W with W [in, out]. */
export const multipliesRight = ({ op, domain, attributes }: Node): boolean => {
  const transposed = attributes['transB'];
  const isTransposed = transposed?.type === 'int' && transposed.value !== 0;
  return (domain === '' || domain === 'ai.onnx') && (op === 'MatMul' || (op === 'Gemm' && !isTransposed));
};
