import { int } from '../ir/attributes.ts';
import type { Graph, Node, Value } from '../ir/types.ts';
import { createEmitter, graphBehind, type Known, type Name, namesOf, sizeOf } from './emitter.ts';
import { addAll, div, reshape, scale, slice } from './math.ts';
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
 * All that a batch gives is put end to end, and these vectors are added up. So no result can be had before a batch is done
 * with: ONNX Runtime orders nodes by what the outputs need, and would otherwise run every forward pass before the first
 * backward one, and keep the activations of all batches for it.
 */
export const accumulated = (micro: Pass, count: number): Pass => {
  const { graph } = micro;
  const fed = micro.fed.map((each) => ({ ...each, dims: [count, ...each.dims] }));
  const known = new Map<Name, Known>([
    ...micro.known,
    ...fed.map(({ name, dtype, dims }) => [name, { dtype, dims }] as const),
  ]);
  const terms = [
    ...new Set([micro.loss, ...(micro.weight ? [micro.weight] : []), ...micro.gradients.values()]),
  ];
  const nodes: Node[] = [];
  const initializers = new Map(graph.initializers);
  const vectors: Name[] = [];
  for (let batch = 0; batch < count; batch++) {
    const part = oneBatch(micro, terms, { batch, fed, known });
    vectors.push(part.vector);
    nodes.push(...part.nodes);
    for (const [name, tensor] of part.initializers) initializers.set(name, tensor);
    known.set(part.vector, { dtype: 'float32', dims: [part.length] });
  }
  const byName = new Map(fed.map((each) => [each.name, each]));
  const inputs = graph.inputs.map((value): Value => {
    const stacked = byName.get(value.name);
    return stacked
      ? { ...value, type: { kind: 'tensor', dtype: stacked.dtype, shape: stacked.dims } }
      : value;
  });
  return averaged({ ...micro, graph: { ...graph, nodes, initializers, inputs }, known, fed }, terms, vectors);
};

/** The nodes once more for one of the batches, and behind them all terms end to end. */
const oneBatch = (
  { graph, known: dimsOf }: Pass,
  terms: readonly Name[],
  at: {
    readonly batch: number;
    readonly fed: readonly Fed[];
    readonly known: ReadonlyMap<Name, Known>;
  },
) => {
  const prefix = `batch${at.batch}`;
  const taken = namesOf(graph);
  const renamed = new Map<Name, Known>();
  const e = createEmitter({
    prefix,
    known: (name) => renamed.get(name) ?? at.known.get(name),
    // What is copied gets the same prefix.
    isTaken: (name) => taken.has(name) || taken.has(name.slice(prefix.length + 1)),
  });
  const outer = new Set([...graph.initializers.keys(), ...graph.inputs.map(({ name }) => name)]);
  const parts = new Map(at.fed.map((each) => [each.name, partOf(e, each, at.batch)] as const));
  const slices = [...e.nodes];
  const rename = (name: Name): Name =>
    parts.get(name) ?? (name === '' || outer.has(name) ? name : `${prefix}/${name}`);
  const copies = copyPrefixed(graph.nodes, rename, `${prefix}/`);
  const flat = terms.map((term) => {
    const dims = dimsOf.get(term)?.dims ?? [];
    renamed.set(rename(term), { dtype: 'float32', dims });
    return reshape(e, rename(term), [sizeOf(dims)]);
  });
  const length = flat.reduce((total, name) => total + sizeOf(e.dims(name)), 0);
  const vector = e.emit('Concat', flat, [length], { attributes: { axis: int(0) } });
  const behind = e.nodes.slice(slices.length);
  return { nodes: [...slices, ...copies, ...behind], initializers: e.initializers, vector, length };
};

/**
 * The mean of the vectors, taken apart again. They are added up behind all batches, earlier ones first: in that place the
 * runtime adds each as soon as it is there, and holds two at a time.
 */
const averaged = (all: Pass, terms: readonly Name[], vectors: readonly Name[]): Pass => {
  const taken = namesOf(all.graph);
  const e = createEmitter({
    prefix: 'accumulated',
    known: (name) => all.known.get(name),
    isTaken: (name) => taken.has(name),
  });
  const [first = '', ...others] = vectors;
  const sum = addAll(e, [first, ...others]);
  let start = 0;
  const places = new Map(
    terms.map((term) => {
      const dims = all.known.get(term)?.dims ?? [];
      const place = { axis: 0, start, length: sizeOf(dims) };
      start += place.length;
      return [term, { place, dims }];
    }),
  );
  const partOfVector = (vector: Name, term: Name): Name => {
    const found = places.get(term);
    return found ? reshape(e, slice(e, vector, [found.place]), found.dims) : vector;
  };
  const mean =
    all.weight === undefined ? scale(e, sum, 1 / vectors.length) : div(e, sum, partOfVector(sum, all.weight));
  const loss = partOfVector(mean, all.loss);
  const gradients = new Map(
    [...all.gradients].map(([name, gradient]) => [name, partOfVector(mean, gradient)]),
  );
  const graph = graphBehind(all.graph, e);
  return { ...all, graph, gradients, known: new Map([...all.known, ...e.emitted]), loss, weight: undefined };
};
