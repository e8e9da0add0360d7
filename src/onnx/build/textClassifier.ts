import { ok, type Result } from '../../core/result.ts';
import type { OnnxFault } from '../fault.ts';
import { int } from '../ir/attributes.ts';
import type { Model } from '../ir/types.ts';
import { checkSpec, oneOf, whole, wholes } from './bounds.ts';
import { createGraphBuilder, type GraphBuilder } from './graphBuilder.ts';
import { type Activation, activations, addParameter } from './layers.ts';
import { addStack, stackLayers } from './mlp.ts';
import { gpt2Normal, type Parameter, resolveWeights, type Weights } from './parameters.ts';

/** The mean of the tokens' embeddings through an MLP: fastText (Joulin et al. 2017) with hidden layers. */
export type TextClassifierSpec = {
  readonly family: 'text-classifier';
  readonly vocab: number;
  readonly embedding: number;
  readonly hidden: readonly number[];
  readonly classes: number;
  readonly activation: Activation;
};

export const checkTextClassifier = (spec: TextClassifierSpec): Result<void, OnnxFault> =>
  checkSpec('text-classifier', [
    whole('vocab', spec.vocab, 1, 2 ** 22),
    whole('embedding', spec.embedding, 1, 2 ** 14),
    ...wholes('hidden', spec.hidden, 1, 2 ** 16, 64),
    whole('classes', spec.classes, 1, 2 ** 16),
    oneOf('activation', spec.activation, activations),
  ]);

export const textClassifierParameters = (spec: TextClassifierSpec): readonly Parameter[] => [
  embeddingOf(spec),
  ...stackLayers('fc', head(spec)).flatMap(({ weight, bias }) => [weight, bias]),
];

/**
 * 'input_ids' int64 [batch, sequence] and 'mask' float32 [batch, sequence], 1 for a token and 0 for padding, → 'logits'
 * [batch, classes]. The mask is float32 because WebGPU has no cast from int64. A text without tokens has the mean 0.
 */
export const buildTextClassifier = (spec: TextClassifierSpec, weights: Weights): Result<Model, OnnxFault> => {
  const checked = checkTextClassifier(spec);
  if (!checked.ok) return checked;
  const values = resolveWeights(textClassifierParameters(spec), weights);
  if (!values.ok) return values;
  const b = createGraphBuilder({ name: 'text-classifier' });
  const ids = b.input('input_ids', 'int64', ['batch', 'sequence']);
  const mask = b.input('mask', 'float32', ['batch', 'sequence']);
  const table = addParameter(b, embeddingOf(spec), values.value);
  const pooled = maskedMean(b.scope('pool'), b.node('Gather', [table, ids]), mask);
  b.output(addStack(b, 'fc', head(spec), values.value, pooled), 'float32', ['batch', spec.classes]);
  return ok(b.build());
};

/** [batch, sequence, n] and [batch, sequence] → [batch, n]. */
const maskedMean = (b: GraphBuilder, x: string, mask: string): string => {
  const weighted = b.node('Mul', [x, b.node('Unsqueeze', [mask, b.ints([2])])]);
  const sum = b.node('ReduceSum', [weighted, b.ints([1])], { keepdims: int(0) });
  const count = b.node('ReduceSum', [mask, b.ints([1])], { keepdims: int(1) });
  const some = b.node('Greater', [count, b.floats(0)]);
  return b.node('Div', [sum, b.node('Where', [some, count, b.floats(1)])]);
};

const embeddingOf = ({ vocab, embedding }: TextClassifierSpec): Parameter => ({
  name: 'embedding.weight',
  dims: [vocab, embedding],
  start: gpt2Normal,
});

const head = ({ embedding, hidden, classes, activation }: TextClassifierSpec) => ({
  inputs: embedding,
  hidden,
  outputs: classes,
  activation,
});
