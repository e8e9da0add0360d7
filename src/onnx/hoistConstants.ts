import type { Model, Tensor } from './ir/types.ts';

/**
 * Weights that older exporters wrote as nodes of type Constant, as initializers: they mean the same there, passes see them, and their
 * bytes can stay in the file. Those for which `wanted` says no, and outputs of the graph, stay nodes. Initializers that are no
 * inputs came with version 4 of the format, so the result has at least that.
 */
export const hoistConstants = (model: Model, wanted: (tensor: Tensor) => boolean = () => true): Model => {
  const outputs = new Set(model.graph.outputs.map(({ name }) => name));
  const hoisted = new Map<string, Tensor>();
  const nodes = model.graph.nodes.filter(({ op, domain, attributes, outputs: [name = ''] }) => {
    const value = attributes['value'];
    const isConstant = op === 'Constant' && (domain === '' || domain === 'ai.onnx');
    if (!isConstant || value?.type !== 'tensor' || outputs.has(name) || !wanted(value.value)) return true;
    hoisted.set(name, { ...value.value, name });
    return false;
  });
  if (hoisted.size === 0) return model;
  return {
    ...model,
    irVersion: Math.max(4, model.irVersion),
    graph: { ...model.graph, nodes, initializers: new Map([...model.graph.initializers, ...hoisted]) },
  };
};
