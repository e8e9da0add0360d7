import type { Graph, Node } from '../ir/types.ts';
import { createEmitter, type Dims, type Emitter, type Known, type Name, namesOf, sizeOf } from './emitter.ts';
import { compare, reduce, reshape, slice, where } from './math.ts';

/** What stays as it is, however the backward pass is changed. */
export type ForwardPass = {
  readonly nodes: readonly Node[];
  /** All names of the graph as it was. */
  readonly taken: ReadonlySet<Name>;
  /** Weights and constants, and what depends on them alone: it is small, or worked out before the first run. */
  readonly constant: ReadonlySet<Name>;
  /** The last of the nodes that uses a value; no end for an output. */
  readonly lastUse: ReadonlyMap<Name, number>;
};

export const forwardPassOf = (graph: Graph, length: number, weights: readonly Name[]): ForwardPass => {
  const nodes = graph.nodes.slice(0, length);
  const constant = new Set([...graph.initializers.keys(), ...weights, '']);
  const lastUse = new Map<Name, number>();
  for (const [at, { inputs, outputs }] of nodes.entries()) {
    for (const name of inputs) lastUse.set(name, at);
    if (inputs.every((name) => constant.has(name))) for (const name of outputs) constant.add(name);
  }
  for (const { name } of graph.outputs) lastUse.set(name, Number.POSITIVE_INFINITY);
  return { nodes, taken: namesOf(graph), constant, lastUse };
};

/** Of the forward pass, from its first node to before its last. */
export type Segment = { readonly from: number; readonly to: number };

export type Rewritten = {
  readonly graph: Graph;
  readonly known: ReadonlyMap<Name, Known>;
  /** Where in the list what is computed again begins. */
  readonly at: number;
};

/**
 * The graph in which the backward pass computes again what it needs of a segment, from what the segment got and what later
 * ones get of it. Undefined if there is nothing to compute again.
 *
 * That has to be late, or nothing is won: a runtime is free to run a node as soon as its inputs are there, and to merge nodes that
 * compute the same of the same. So each node that begins has one input, the smallest, through a gate: `Where(c, x, x)`, which is x to
 * the last bit whatever c is, and c is a comparison with what the backward pass has made before it comes to the segment.
 *
 * `since`: where the segment behind this one is computed again; the gate waits for all that the backward pass makes from
 * there on, also gradients of weights, which would otherwise keep activations as long as they are put off.
 */
export const withSegmentAgain = (
  { graph, known }: Pick<Rewritten, 'graph' | 'known'>,
  pass: ForwardPass,
  { from, to, prefix, since }: Segment & { readonly prefix: string; readonly since: number },
): Rewritten | undefined => {
  const ahead = pass.nodes;
  const behind = graph.nodes.slice(ahead.length);
  const own = ahead.slice(from, to);
  const again = repeatable(own, { to, known, pass });
  const first = behind.findIndex(({ inputs }) => inputs.some((name) => again.has(name)));
  if (first < 0) return undefined;
  const signals = madeBefore(behind, { since: since - ahead.length, first, known }, ahead.slice(to));
  if (signals.length === 0) return undefined;
  const e = createEmitter({
    prefix,
    known: (name) => known.get(name),
    isTaken: (name) => pass.taken.has(name),
  });
  const gate = gateOf(e, signals);
  const wanted = new Set(behind.flatMap(({ inputs }) => inputs.filter((name) => again.has(name))));
  const { nodes, copies } = copied(neededFor(own, wanted, again), { e, gate, prefix, again });
  const renamed = behind.map((node) => withInputs(node, copies));
  return {
    graph: {
      ...graph,
      nodes: [...ahead, ...renamed.slice(0, first), ...nodes, ...renamed.slice(first)],
      initializers: new Map([...graph.initializers, ...e.initializers]),
    },
    known: new Map([...known, ...e.emitted]),
    at: ahead.length + first,
  };
};

const withInputs = (node: Node, names: ReadonlyMap<Name, Name>): Node =>
  node.inputs.some((name) => names.has(name))
    ? { ...node, inputs: node.inputs.map((name) => names.get(name) ?? name) }
    : node;

const isChance = ({ op }: Node): boolean => /^Random|^Bernoulli$|^Multinomial$|^Dropout$/.test(op);
const hasGraph = ({ attributes }: Node): boolean =>
  Object.values(attributes).some(({ type }) => type === 'graph' || type === 'graphs');

const countOf = (known: ReadonlyMap<Name, Known>, name: Name): number => sizeOf(known.get(name)?.dims ?? []);

/** The input that a gate costs least for. */
const gatedInput = (node: Node, known: ReadonlyMap<Name, Known>): Name | undefined =>
  node.inputs
    .filter((name) => known.get(name)?.dtype === 'float32')
    .toSorted((a, b) => countOf(known, a) - countOf(known, b))[0];

/** Values of the segment that may be computed again. One that a later segment gets is there anyway. */
const repeatable = (
  own: readonly Node[],
  {
    to,
    known,
    pass,
  }: { readonly to: number; readonly pass: ForwardPass } & {
    readonly known: ReadonlyMap<Name, Known>;
  },
): ReadonlySet<Name> => {
  const again = new Set<Name>();
  for (const node of own) {
    const outputs = node.outputs.filter((name) => name !== '');
    const gated = gatedInput(node, known);
    const begins = !node.inputs.some((name) => again.has(name));
    // A gate copies what it lets through: a table of embeddings is larger than what is taken from it.
    const worth = gated !== undefined && countOf(known, gated) <= countOf(known, outputs[0] ?? '');
    const unfit = isChance(node) || hasGraph(node) || !outputs.every((name) => known.has(name));
    if (unfit || (begins && !worth)) continue;
    for (const name of outputs)
      if ((pass.lastUse.get(name) ?? 0) < to && !pass.constant.has(name)) again.add(name);
  }
  return again;
};

/** Of the backward pass, what it makes between two places and uses later, if it had to wait for the end of the forward pass. */
const madeBefore = (
  behind: readonly Node[],
  {
    since,
    first,
    known,
  }: { readonly since: number; readonly first: number } & {
    readonly known: ReadonlyMap<Name, Known>;
  },
  rest: readonly Node[],
): readonly Name[] => {
  const late = new Set(rest.flatMap(({ outputs }) => outputs));
  const made: Name[] = [];
  const usedBefore = new Set<Name>();
  for (const [at, { inputs, outputs }] of behind.slice(0, first).entries()) {
    for (const name of inputs) usedBefore.add(name);
    if (!inputs.some((name) => late.has(name))) continue;
    for (const name of outputs) late.add(name);
    if (at >= since) made.push(...outputs.filter((name) => known.get(name)?.dtype === 'float32'));
  }
  const usedAfter = new Set(behind.slice(first).flatMap(({ inputs }) => inputs));
  return made.filter((name) => name !== '' && (usedAfter.has(name) || !usedBefore.has(name)));
};

/** True or false when all of them are there. */
const gateOf = (e: Emitter, signals: readonly Name[]): Name => {
  const ones = signals.map((name) => {
    const parts = e.dims(name).map((_, axis) => ({ axis, start: 0, length: 1 }));
    return reshape(e, slice(e, name, parts), [1]);
  });
  const dims: Dims = [ones.length];
  const together =
    ones.length === 1
      ? (ones[0] ?? '')
      : e.emit('Concat', ones, dims, { attributes: { axis: { type: 'int', value: 0 } } });
  return compare(e, 'Less', reduce(e, 'ReduceMax', together, [0], false), e.scalar(0));
};

/** Those among them that these values depend on, as far as they are computed again. */
const neededFor = (
  own: readonly Node[],
  wanted: ReadonlySet<Name>,
  again: ReadonlySet<Name>,
): readonly Node[] => {
  const needed = new Set(wanted);
  return own
    .toReversed()
    .filter(({ inputs, outputs }) => {
      if (!outputs.some((name) => needed.has(name))) return false;
      for (const name of inputs) if (again.has(name)) needed.add(name);
      return true;
    })
    .toReversed();
};

/** `copies` has only what was computed again: an output that a later segment gets keeps its name where it is used. */
const copied = (
  nodes: readonly Node[],
  {
    e,
    gate,
    prefix,
    again,
  }: {
    readonly e: Emitter;
    readonly gate: Name;
    readonly prefix: string;
    readonly again: ReadonlySet<Name>;
  },
) => {
  const copies = new Map<Name, Name>();
  const held = new Map<Name, Name>();
  const known = new Map<Name, Known>();
  const made: Node[] = [];
  let taken = 0;
  const flush = () => {
    made.push(...e.nodes.slice(taken));
    taken = e.nodes.length;
  };
  for (const node of nodes) {
    for (const name of [...node.inputs, ...node.outputs]) {
      const type = e.known(name);
      if (type) known.set(name, type);
    }
    const chosen = node.inputs.some((name) => copies.has(name)) ? undefined : gatedInput(node, known);
    const through = chosen && (held.get(chosen) ?? where(e, gate, chosen, chosen));
    if (chosen !== undefined && through !== undefined) held.set(chosen, through);
    flush();
    const inputs = node.inputs.map((name) =>
      name === chosen && through !== undefined ? through : (copies.get(name) ?? name),
    );
    const outputs = node.outputs.map((name) => {
      const type = e.known(name);
      return type ? e.name(name, type) : '';
    });
    for (const [index, name] of node.outputs.entries())
      if (again.has(name)) copies.set(name, outputs[index] ?? name);
    made.push({ ...node, name: `${prefix}/${node.name || node.outputs[0]}`, inputs, outputs });
  }
  flush();
  return { nodes: made, copies };
};
