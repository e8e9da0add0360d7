import type { Graph, Node, Value } from '../ir/types.ts';
import { createEmitter, type Emitter, graphBehind, type Known, type Name, namesOf } from './emitter.ts';
import { reshape } from './math.ts';
import type { Carried, Fed, TrainingGraph } from './trainingGraph.ts';

/**
 * Several steps as one graph: what a step carries on goes straight into the next. Each step's batch is a slice of what is fed,
 * which has the step as its first dimension; constants are there once. `loss` has one value for each step, also for one.
 */
export const unrolled = (one: TrainingGraph, steps: number): TrainingGraph => {
  const { graph, fed, carried } = one;
  const stacked = steps === 1 ? fed : fed.map((each) => ({ ...each, dims: [steps, ...each.dims] }));
  const known = new Map<Name, Known>([
    ...stacked.map((each) => [each.name, each] as const),
    ...carried.map(({ input, dims }) => [input, { dtype: 'float32', dims }] as const),
  ]);
  const taken = namesOf(graph);
  const nodes: Node[] = [];
  const losses: Name[] = [];
  const initializers = new Map(graph.initializers);
  let now: ReadonlyMap<Name, Name> = new Map(carried.map(({ input }) => [input, input]));
  for (let step = 0; step < steps; step++) {
    const prefix = `step${step}`;
    const e = createEmitter({
      prefix,
      known: (name) => known.get(name),
      // What is copied gets the same prefix.
      isTaken: (name) => taken.has(name) || taken.has(name.slice(prefix.length + 1)),
    });
    const batch = new Map(
      stacked.map((each) => [each.name, steps === 1 ? each.name : partOf(e, each, step)] as const),
    );
    const rename = (name: Name): Name => {
      if (name === '' || graph.initializers.has(name)) return name;
      return batch.get(name) ?? now.get(name) ?? (steps === 1 ? name : `${prefix}/${name}`);
    };
    nodes.push(...e.nodes, ...copyPrefixed(graph.nodes, rename, steps === 1 ? '' : `${prefix}/`));
    for (const [name, tensor] of e.initializers) initializers.set(name, tensor);
    const next = new Map(carried.map(({ input, output }) => [input, rename(output)]));
    losses.push(rename(one.loss));
    now = next;
  }
  return assembled(one, { nodes, losses, initializers, stacked, now });
};

/** One of what is stacked along the first dimension. Not a Slice: WebGPU has none of integers. */
export const partOf = (e: Emitter, { name, dtype, dims }: Fed, step: number): Name => {
  const rest = dims.slice(1);
  return reshape(e, e.emit('Gather', [name, e.ints([step])], [1, ...rest], { dtype }), rest);
};

/** The same nodes once more, with values of their own. Nodes with subgraphs have no gradient and are none of these. */
export const copyPrefixed = (
  nodes: readonly Node[],
  rename: (name: Name) => Name,
  prefix: string,
): readonly Node[] => nodes.map((node) => renamed(node, rename, prefix));

const renamed = (node: Node, rename: (name: Name) => Name, prefix: string): Node => ({
  ...node,
  name: prefix + node.name,
  inputs: node.inputs.map(rename),
  outputs: node.outputs.map(rename),
});

const assembled = (
  one: TrainingGraph,
  made: {
    readonly nodes: readonly Node[];
    readonly losses: readonly Name[];
    readonly initializers: Graph['initializers'];
    readonly stacked: readonly Fed[];
    readonly now: ReadonlyMap<Name, Name>;
  },
): TrainingGraph => {
  const known = new Map<Name, Known>(made.losses.map((name) => [name, { dtype: 'float32', dims: [] }]));
  const e = createEmitter({
    prefix: 'losses',
    known: (name) => known.get(name),
    isTaken: (name) => made.initializers.has(name),
  });
  const each = made.losses.map((name) => e.emit('Reshape', [name, e.ints([1])], [1]));
  const [first] = each;
  const loss =
    each.length === 1 && first !== undefined
      ? first
      : e.emit('Concat', each, [each.length], { attributes: { axis: { type: 'int', value: 0 } } });
  const carried: readonly Carried[] = one.carried.map((each) => ({
    ...each,
    output: made.now.get(each.input) ?? each.output,
  }));
  const byName = new Map(made.stacked.map((fed) => [fed.name, fed]));
  const inputs = one.graph.inputs.map((value): Value => {
    const fed = byName.get(value.name);
    return fed ? { name: fed.name, type: { kind: 'tensor', dtype: fed.dtype, shape: fed.dims } } : value;
  });
  const outputs = [
    { name: loss, dims: [made.losses.length] },
    ...carried.map(({ output, dims }) => ({ name: output, dims })),
  ].map(({ name, dims }): Value => ({ name, type: { kind: 'tensor', dtype: 'float32', shape: dims } }));
  const graph = { ...one.graph, nodes: made.nodes, initializers: made.initializers, inputs };
  return { graph: graphBehind(graph, e, outputs), fed: made.stacked, carried, loss };
};
