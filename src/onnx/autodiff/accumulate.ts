import type { Graph, Node, Value } from '../ir/types.ts';
import { createEmitter, graphBehind, type Known, type Name, namesOf } from './emitter.ts';
import { add, div, scale } from './math.ts';
import type { Fed } from './trainingGraph.ts';
import { copyPrefixed, partOf } from './unroll.ts';

/** A forward and backward pass, before anything is updated. */
export type Pass = {
  readonly graph: Graph;
  readonly gradients: ReadonlyMap<Name, Name>;
  readonly known: ReadonlyMap<Name, Known>;
  readonly loss: Name;
  /** The loss and its gradients are sums over so much, a scalar, and still to be divided by it; undefined: they are means. */
  readonly weight: Name | undefined;
  /** What each batch brings: not the step size. */
  readonly fed: readonly Fed[];
};

/**
 * One pass over `count` batches with the same weights: each is a slice of what is fed, which has the batch as its first
 * dimension, and loss and gradients are those of one batch with all their examples. Batches are of one size, so means have
 * equal shares; sums are divided by all weights together, and one batch may then have none.
 *
 * Each gradient is added to those before it as soon as it is there, so that activations of one batch alone need be kept.
 */
export const accumulated = (micro: Pass, count: number): Pass => {
  const { graph, gradients } = micro;
  const taken = namesOf(graph);
  const fed = micro.fed.map((each) => ({ ...each, dims: [count, ...each.dims] }));
  const known = new Map<Name, Known>([
    ...micro.known,
    ...fed.map(({ name, dtype, dims }) => [name, { dtype, dims }] as const),
  ]);
  const nodes: Node[] = [];
  const initializers = new Map(graph.initializers);
  const outer = new Set([...graph.initializers.keys(), ...graph.inputs.map(({ name }) => name)]);
  let sums: ReadonlyMap<Name, Name> = new Map();
  const terms = [...new Set([micro.loss, ...(micro.weight ? [micro.weight] : []), ...gradients.values()])];
  for (let batch = 0; batch < count; batch++) {
    const prefix = `batch${batch}`;
    const e = createEmitter({
      prefix,
      known: (name) => known.get(name),
      isTaken: (name) => taken.has(name) || taken.has(name.slice(prefix.length + 1)),
    });
    const parts = new Map(fed.map((each) => [each.name, partOf(e, each, batch)] as const));
    const sliced = e.nodes.length;
    const rename = (name: Name): Name =>
      parts.get(name) ?? (name === '' || outer.has(name) ? name : `${prefix}/${name}`);
    const copies = copyPrefixed(graph.nodes, rename, `${prefix}/`);
    for (const term of terms)
      known.set(rename(term), micro.known.get(term) ?? { dtype: 'float32', dims: [] });
    sums = new Map(
      terms.map((term) => {
        const before = sums.get(term);
        return [term, before === undefined ? rename(term) : add(e, before, rename(term))];
      }),
    );
    nodes.push(...e.nodes.slice(0, sliced), ...copies, ...e.nodes.slice(sliced));
    for (const [name, tensor] of e.initializers) initializers.set(name, tensor);
    for (const [name, at] of e.emitted) known.set(name, at);
  }
  return averaged(micro, { nodes, initializers, known, sums, fed }, count);
};

const averaged = (
  micro: Pass,
  all: {
    readonly nodes: readonly Node[];
    readonly initializers: Graph['initializers'];
    readonly known: ReadonlyMap<Name, Known>;
    readonly sums: ReadonlyMap<Name, Name>;
    readonly fed: readonly Fed[];
  },
  count: number,
): Pass => {
  const { graph } = micro;
  const byName = new Map(all.fed.map((each) => [each.name, each]));
  const inputs = graph.inputs.map((value): Value => {
    const fed = byName.get(value.name);
    return fed ? { ...value, type: { kind: 'tensor', dtype: fed.dtype, shape: fed.dims } } : value;
  });
  const together = { ...graph, nodes: all.nodes, initializers: all.initializers, inputs };
  const taken = namesOf(together);
  const e = createEmitter({
    prefix: 'accumulated',
    known: (name) => all.known.get(name),
    isTaken: (name) => taken.has(name),
  });
  const sumOf = (name: Name): Name => all.sums.get(name) ?? name;
  const weight = micro.weight === undefined ? undefined : sumOf(micro.weight);
  const meanOf = (name: Name): Name =>
    weight === undefined ? scale(e, sumOf(name), 1 / count) : div(e, sumOf(name), weight);
  const loss = meanOf(micro.loss);
  const gradients = new Map([...micro.gradients].map(([name, gradient]) => [name, meanOf(gradient)]));
  return {
    graph: graphBehind(together, e),
    gradients,
    known: new Map([...all.known, ...e.emitted]),
    loss,
    weight: undefined,
    fed: all.fed,
  };
};
