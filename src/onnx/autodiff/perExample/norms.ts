import { int } from '../../ir/attributes.ts';
import { createEmitter, graphBehind, type Known, type Name, namesOf } from '../emitter.ts';
import { reshape } from '../math.ts';
import type { TrainingGraph } from '../trainingGraph.ts';

const output = 'training.norms';

/** With the norms of `one` step as an output: of all `steps` that were made of it, if they are several. */
export const withNorms = (all: TrainingGraph, one: TrainingGraph, steps: number): TrainingGraph => {
  const { norms } = one;
  const batch = one.fed.find(({ dims }) => dims.length > 0)?.dims[0] ?? 1;
  if (norms === undefined) return all;
  const names = steps === 1 ? [norms] : Array.from({ length: steps }, (_, step) => `step${step}/${norms}`);
  const known = new Map(names.map((name): [Name, Known] => [name, { dtype: 'float32', dims: [batch] }]));
  const taken = namesOf(all.graph);
  const e = createEmitter({
    prefix: 'norms',
    known: (name) => known.get(name),
    isTaken: (name) => taken.has(name),
  });
  const rows = steps === 1 ? names : names.map((name) => reshape(e, name, [1, batch]));
  const node = {
    ...(steps === 1 ? { op: 'Identity', attributes: {} } : { op: 'Concat', attributes: { axis: int(0) } }),
    domain: '',
    name: output,
    inputs: rows,
    outputs: [output],
  };
  const dims = steps === 1 ? [batch] : [steps, batch];
  const value = { name: output, type: { kind: 'tensor', dtype: 'float32', shape: dims } } as const;
  const made = { nodes: [...e.nodes, node], initializers: e.initializers };
  return { ...all, norms: output, graph: graphBehind(all.graph, made, [...all.graph.outputs, value]) };
};
