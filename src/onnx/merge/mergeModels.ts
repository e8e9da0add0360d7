import type { Result } from '../../core/result.ts';
import { attemptAsync, refuse } from '../codec/refusal.ts';
import type { OnnxFault } from '../fault.ts';
import { describeNode } from '../infer.ts';
import type { Graph, Model } from '../ir/types.ts';
import { graphsOf } from '../ops/order.ts';
import { multipliesRight } from './matrices.ts';
import { outputFirst } from './mergeCheckpoints.ts';
import { labelOf, type MergeOptions, mergeNamed } from './mergeNamed.ts';
import { type OpenModel, requireSameStructure } from './sameStructure.ts';

export type MergeModelsOptions = MergeOptions & { readonly base?: OpenModel };

/**
 * Models of one graph into one, as a model whose initializers are computed while `writeModel` writes it: one tensor of each
 * model is in memory at a time, and what is refused for its numbers (NaN, opposite directions) is refused then: `tryTensors`
 * tells it before. The rest is told now: graphs, names, types, shapes or vocabularies that differ, constants in nodes that
 * differ, quantised weights. Which numbers are weights and which constants no graph says: what is equal in all models is
 * copied, of whatever type.
 */
export const mergeModels = (
  models: readonly OpenModel[],
  { base, method, perTensor }: MergeModelsOptions,
): Promise<Result<Model, OnnxFault>> =>
  attemptAsync(async () => {
    const [first] = models;
    if (first === undefined) throw refuse('invalid', 'there is no model');
    refuseQuantised(first.model.graph, new Set(), 0);
    const initializers = mergeNamed({
      models: models.map(namedOf),
      base: base && namedOf(base),
      method,
      ...(perTensor === undefined ? {} : { perTensor }),
      neurons: neuronsOf(first.model.graph),
    });
    for (const [i, other] of [...models, ...(base ? [base] : [])].entries())
      if (i > 0) await requireSameStructure(first, other, labelOf(i, models.length));
    return { ...first.model, graph: { ...first.model.graph, initializers } };
  });

const namedOf = ({ model, open }: OpenModel) => ({ tensors: model.graph.initializers, open });

/** Operators whose weights are integers with scales beside them: merging those apart gives neither model's function. */
const quantisedOps = new Set([
  ...['DequantizeLinear', 'QuantizeLinear', 'QLinearMatMul', 'QLinearConv', 'MatMulInteger', 'ConvInteger'],
  ...['MatMulNBits', 'MatMulBnb4', 'MatMulFpQ4', 'GatherBlockQuantized', 'MatMulIntegerToFloat'],
  ...[
    'DynamicQuantizeMatMul',
    'DynamicQuantizeLSTM',
    'QGemm',
    'QAttention',
    'QMoE',
    'QLinearAdd',
    'QLinearMul',
  ],
  ...[
    'QEmbedLayerNormalization',
    'QOrderedMatMul',
    'QOrderedAttention',
    'QLinearConcat',
    'QLinearAveragePool',
  ],
]);

const deepest = 64;

const refuseQuantised = (graph: Graph, outer: ReadonlySet<string>, depth: number): void => {
  if (depth > deepest) throw refuse('too-large', `graphs nest deeper than ${deepest} levels`);
  const stored = new Set([...outer, ...graph.initializers.keys()]);
  for (const node of graph.nodes) {
    const weight = quantisedOps.has(node.op) ? node.inputs.find((name) => stored.has(name)) : undefined;
    if (weight !== undefined)
      throw refuse(
        'unsupported',
        `${node.op} holds ${weight} quantised: dequantise the models and merge before quantising`,
        describeNode(node),
      );
    for (const inner of graphsOf(node)) refuseQuantised(inner, stored, depth + 1);
  }
};

/** A matrix that is multiplied from the right is [in, out]; what else there is has outputs first. */
const neuronsOf = (graph: Graph) => {
  const turned = new Set(
    graph.nodes.flatMap((node) => (multipliesRight(node) ? (node.inputs[1] ?? []) : [])),
  );
  return (...[name, tensor]: Parameters<typeof outputFirst>) =>
    tensor.dims.length === 2 && turned.has(name)
      ? ({ kind: 'columns', width: tensor.dims[1] ?? 1 } as const)
      : outputFirst(name, tensor);
};
