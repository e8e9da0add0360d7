import { inferTypes } from '../infer.ts';
import type { Graph, Model, Node } from '../ir/types.ts';
import { graphsOf } from '../ops/order.ts';
import type { FormContext } from './forms.ts';

export const contextOf = (model: Model): FormContext => {
  const types = inferTypes(model);
  const taken = namesIn(model.graph);
  return {
    opset: model.opsets.get('') ?? model.opsets.get('ai.onnx') ?? 0,
    rankOf(value) {
      const type = types.ok ? types.value.get(value) : undefined;
      return type?.kind === 'tensor' ? type.shape?.length : undefined;
    },
    fresh(name) {
      let found = name;
      for (let i = 1; taken.has(found); i++) found = `${name}_${i}`;
      taken.add(found);
      return found;
    },
  };
};

/** Of values and nodes, graphs within included: they see those around them. */
const namesIn = (graph: Graph): Set<string> => {
  const names = new Set<string>();
  const graphs = [graph];
  for (const one of graphs) {
    for (const { name } of [...one.inputs, ...one.outputs]) names.add(name);
    for (const name of one.initializers.keys()) names.add(name);
    for (const node of one.nodes) {
      for (const name of namesOf(node)) names.add(name);
      graphs.push(...graphsOf(node));
    }
  }
  return names;
};

const namesOf = ({ name, inputs, outputs }: Node): readonly string[] => [name, ...inputs, ...outputs];
