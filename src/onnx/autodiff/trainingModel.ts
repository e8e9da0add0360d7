import { err, ok, type Result } from '../../core/result.ts';
import { bindDims } from '../bindDims.ts';
import { trainableNames } from '../build/parameters.ts';
import { type OnnxFault, onnxFault } from '../fault.ts';
import { inferTypes } from '../infer.ts';
import type { Graph, Model, Node, Value } from '../ir/types.ts';
import { verifyModel } from '../verify.ts';
import { knownValues } from './emitter.ts';
import { buildTrainingGraph, type TrainingGraph, type TrainingSpec } from './trainingGraph.ts';

export type TrainingModelSpec = Omit<TrainingSpec, 'graph' | 'known' | 'trainable'> & {
  /** What the named dims of the inputs are: the batch, the sequence. A name the model doesn't have is a fault. */
  readonly sizes?: Readonly<Record<string, number>>;
  /** All that are parameters of the model if it isn't given. */
  readonly trainable?: readonly string[];
};

/** A model that does training steps, and what goes in and out of it. Its trained weights are inputs, no initializers. */
export type TrainingModel = Omit<TrainingGraph, 'graph'> & { readonly model: Model };

/** The oldest version of ai.onnx whose operators the rules write. */
const oldestOpset = 18;

/**
 * A training step of a model, as a model: `buildTrainingGraph` with dims bound and types inferred. What is trained must be in
 * memory. Inputs that are only looked up with (`input_ids`) are int32 in it, whatever they are in the model: gradients of a lookup
 * bring indices into shape, and WebGPU can't do that with int64.
 */
export const buildTrainingModel = (
  model: Model,
  { sizes = {}, trainable, ...spec }: TrainingModelSpec,
): Result<TrainingModel, OnnxFault> => {
  const opset = model.opsets.get('') ?? 0;
  if (opset < oldestOpset)
    return err(
      onnxFault(
        'unsupported',
        `the model is of opset ${opset}: training needs ${oldestOpset} or later, export it again`,
      ),
    );
  const [fault] = verifyModel(model);
  if (fault) return err(fault);
  const bound = bindDims({ ...model, graph: withNarrowIndices(model.graph) }, sizes);
  if (!bound.ok) return bound;
  const types = inferTypes(bound.value);
  if (!types.ok) return types;
  const { graph } = bound.value;
  const built = buildTrainingGraph({
    ...spec,
    graph,
    known: knownValues(graph, types.value),
    trainable: trainable ?? trainableNames(bound.value),
  });
  if (!built.ok) return built;
  const { graph: training, ...rest } = built.value;
  const result = { ...bound.value, graph: training };
  const [wrong] = verifyModel(result);
  return wrong ? err(wrong) : ok({ ...rest, model: result });
};

const withNarrowIndices = (graph: Graph): Graph => {
  const inputs = graph.inputs.map((input): Value => {
    const { name, type } = input;
    const users = graph.nodes.filter((node) => node.inputs.includes(name));
    const looksUp = ({ op, domain, inputs: [, ...others] }: Node, at: string) =>
      domain === '' && (op === 'Gather' || op === 'GatherElements') && others.includes(at);
    return type.kind === 'tensor' &&
      type.dtype === 'int64' &&
      !graph.initializers.has(name) &&
      users.every((node) => looksUp(node, name) && node.inputs[0] !== name)
      ? { ...input, type: { ...type, dtype: 'int32' } }
      : input;
  });
  return { ...graph, inputs };
};
