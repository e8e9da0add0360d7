import type { Operator, Operators } from '../call.ts';
import { microsoftAttentionOperators } from './attention.ts';
import { binaryOperators } from './binary.ts';
import { castOperators } from './cast.ts';
import { controlOperators } from './control.ts';
import { convolutionOperators } from './convolution.ts';
import { creationOperators } from './creation.ts';
import { einsumOperators } from './einsum.ts';
import { gatherOperators } from './gather.ts';
import { logicOperators } from './logic.ts';
import { matmulOperators, microsoftMatmulOperators } from './matmul.ts';
import { microsoftNormalizationOperators, normalizationOperators } from './normalization.ts';
import { paddingOperators } from './padding.ts';
import { poolingOperators } from './pooling.ts';
import { microsoftQuantizationOperators, quantizationOperators } from './quantization.ts';
import { reductionOperators } from './reduction.ts';
import { resizeOperators } from './resize.ts';
import { microsoftRotaryOperators, rotaryOperators } from './rotary.ts';
import { shapeOperators } from './shape.ts';
import { microsoftUnaryOperators, unaryOperators } from './unary.ts';

/** Everything the reference computes in ai.onnx. */
const onnxOperators = {
  ...unaryOperators,
  ...binaryOperators,
  ...logicOperators,
  ...castOperators,
  ...reductionOperators,
  ...matmulOperators,
  ...einsumOperators,
  ...convolutionOperators,
  ...poolingOperators,
  ...normalizationOperators,
  ...quantizationOperators,
  ...shapeOperators,
  ...paddingOperators,
  ...gatherOperators,
  ...creationOperators,
  ...resizeOperators,
  ...rotaryOperators,
  ...controlOperators,
} satisfies Operators;

/** And in com.microsoft, ONNX Runtime's own. */
const microsoftOperators = {
  ...microsoftUnaryOperators,
  ...microsoftMatmulOperators,
  ...microsoftNormalizationOperators,
  ...microsoftQuantizationOperators,
  ...microsoftRotaryOperators,
  ...microsoftAttentionOperators,
} satisfies Operators;

const byDomain: ReadonlyMap<string, ReadonlyMap<string, Operator>> = new Map([
  ['', new Map<string, Operator>(Object.entries(onnxOperators))],
  ['com.microsoft', new Map<string, Operator>(Object.entries(microsoftOperators))],
]);

export const operatorOf = (domain: string, op: string): Operator | undefined => byDomain.get(domain)?.get(op);

/** Names by domain: what the reference covers. */
export const supportedOperators = (): ReadonlyMap<string, readonly string[]> =>
  new Map([...byDomain].map(([domain, operators]) => [domain, [...operators.keys()]]));
