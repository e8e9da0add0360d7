import { err, ok, type Result } from '../../core/result.ts';
import { type OnnxFault, onnxFault } from '../fault.ts';
import type { Node, TensorType, ValueType } from '../ir/types.ts';
import { domainOf } from '../ops/registry.ts';
import { cachesOf } from './caches.ts';
import { type DataFlow, dependents, isIndex } from './dataFlow.ts';
import { dominatorsOf } from './dominators.ts';
import { productSize } from './products.ts';

/**
 * The stream of a model: all that depends on what the person says, from the embeddings to the logits. What doesn't (masks,
 * positions, rotations) is computed again wherever it is needed. A gate is a place in the stream over which all leads that
 * comes behind it: there it can be cut, and one tensor tells the rest all it has to know.
 */
export type Stream = {
  readonly tokens: ReadonlySet<string>;
  readonly values: ReadonlySet<string>;
  /** In order. */
  readonly gates: readonly Gate[];
  /** By node: how many gates lie before it; undefined if it is not in the stream. */
  readonly segments: readonly (number | undefined)[];
};

export type Gate =
  | { readonly kind: 'value'; readonly name: string; readonly type: TensorType }
  /** Before a fused norm, which adds two tensors first. */
  | {
      readonly kind: 'pair';
      readonly node: number;
      readonly names: readonly [string, string];
      readonly type: TensorType;
    };

/**
 * Tokens are what most of the weights are multiplied with, directly or not, and of such inputs the one with most gates: a
 * cache is none, a mask misses the first projections. So no name says it, and no text goes where it need not.
 */
export const findStream = (
  flow: DataFlow,
  types: ReadonlyMap<string, ValueType>,
): Result<Stream, OnnxFault> => {
  const { nodes } = flow.graph;
  const inputs = candidatesOf(flow, types);
  if (inputs.length * nodes.length > maxVisits)
    return err(
      onnxFault('too-large', `${inputs.length} inputs × ${nodes.length} nodes are more than ${maxVisits}`),
    );
  const fromInputs = dependents(flow, flow.inputs);
  const isProduct = nodes.map((node) => productSize(node, types, (name) => !fromInputs.has(name)) > 0);
  const weighted = inputs.map((input) => {
    const values = dependents(flow, [input]);
    return { input, count: nodes.filter((node, i) => isProduct[i] && makesAnyOf(node, values)).length };
  });
  const most = Math.max(0, ...weighted.map(({ count }) => count));
  const candidates = weighted
    .filter(({ count }) => count === most)
    .map(({ input }) => streamFrom(flow, types, [input]));
  const longest = Math.max(0, ...candidates.map(({ gates }) => gates.length));
  const best = candidates.filter(({ gates }) => gates.length === longest);
  const [first] = best;
  if (first === undefined)
    return err(onnxFault('unsupported', 'the model has no inputs: nothing flows through it'));
  if (best.length === 1) return ok(first);
  const together = streamFrom(
    flow,
    types,
    best.flatMap(({ tokens }) => [...tokens]),
  );
  return ok(together.gates.length > 0 ? together : first);
};

const maxVisits = 2 ** 28;

/** All inputs but those that an output replaces in the next step, unless there are no others. */
const candidatesOf = (flow: DataFlow, types: ReadonlyMap<string, ValueType>): readonly string[] => {
  const caches = cachesOf(flow.graph, (name) => flow.inputs.has(name) && !isIndex(types.get(name)));
  const pasts = new Set(caches.map(({ past }) => past));
  const others = [...flow.inputs].filter((name) => !pasts.has(name));
  return others.length > 0 ? others : [...flow.inputs];
};

/** The same with fewer gates. */
export const keepGates = (stream: Stream, isKept: (index: number) => boolean): Stream => {
  const before = [0];
  for (const i of stream.gates.keys()) before.push((before[i] ?? 0) + (isKept(i) ? 1 : 0));
  return {
    ...stream,
    gates: stream.gates.filter((_, i) => isKept(i)),
    segments: stream.segments.map((segment) => (segment === undefined ? undefined : before[segment])),
  };
};

export const makesAnyOf = ({ outputs }: Node, values: ReadonlySet<string>): boolean =>
  outputs.some((name) => values.has(name));

const streamFrom = (
  flow: DataFlow,
  types: ReadonlyMap<string, ValueType>,
  tokens: readonly string[],
): Stream => {
  const values = dependents(flow, tokens);
  const { from, vertexOfNode, vertexOfValue } = verticesOf(flow, tokens, values);
  const { parent, isGate } = dominatorsOf(from);
  const read = new Set(flow.reads.flatMap((names, i) => (vertexOfNode.has(i) ? names : [])));
  const found = new Map<number, Gate>();
  for (const [name, vertex] of vertexOfValue) {
    const isInside = read.has(name) && flow.makers.has(name);
    const gate = isGate[vertex] && isInside ? valueGate(types, name) : undefined;
    if (gate !== undefined) found.set(vertex, gate);
  }
  for (const [node, vertex] of vertexOfNode) {
    const gate = isGate[vertex] ? pairGate(flow, types, values, node) : undefined;
    if (gate !== undefined) found.set(vertex, gate);
  }
  const chain = longestChain(parent, found);
  const before = new Int32Array(from.length);
  for (let vertex = 1; vertex < from.length; vertex++) {
    const above = parent[vertex] ?? 0;
    const isBehind = chain.has(above) && found.get(above)?.kind === 'value';
    const isFirst = chain.has(vertex) && found.get(vertex)?.kind === 'pair';
    before[vertex] = (before[above] ?? 0) + (isBehind ? 1 : 0) + (isFirst ? 1 : 0);
  }
  return {
    tokens: new Set(tokens),
    values,
    gates: [...chain].sort((a, b) => a - b).flatMap((vertex) => found.get(vertex) ?? []),
    segments: flow.graph.nodes.map((_, i) => {
      const vertex = vertexOfNode.get(i);
      return vertex === undefined ? undefined : before[vertex];
    }),
  };
};

/** Nodes and values of the stream as one graph, in topological order behind a root that stands for the person. */
const verticesOf = (flow: DataFlow, tokens: readonly string[], values: ReadonlySet<string>) => {
  const from: number[][] = [[]];
  const vertexOfValue = new Map<string, number>();
  const vertexOfNode = new Map<number, number>();
  const add = (sources: number[]) => from.push(sources) - 1;
  for (const name of tokens) vertexOfValue.set(name, add([0]));
  flow.graph.nodes.forEach((node, i) => {
    if (!makesAnyOf(node, values)) return;
    const vertex = add((flow.reads[i] ?? []).flatMap((name) => vertexOfValue.get(name) ?? []));
    vertexOfNode.set(i, vertex);
    for (const name of node.outputs) if (name !== '') vertexOfValue.set(name, add([vertex]));
  });
  return { from, vertexOfNode, vertexOfValue };
};

/** Gates that follow each other, as many as there are: those over the lowest vertex with most of them. */
const longestChain = (parent: Int32Array, gates: ReadonlyMap<number, Gate>): ReadonlySet<number> => {
  const counts = new Int32Array(parent.length);
  let last = 0;
  for (let vertex = 0; vertex < parent.length; vertex++) {
    counts[vertex] = (vertex === 0 ? 0 : (counts[parent[vertex] ?? 0] ?? 0)) + (gates.has(vertex) ? 1 : 0);
    if ((counts[vertex] ?? 0) > (counts[last] ?? 0)) last = vertex;
  }
  const chain = new Set<number>();
  for (let vertex = last; vertex > 0; vertex = parent[vertex] ?? 0) if (gates.has(vertex)) chain.add(vertex);
  return chain;
};

const valueGate = (types: ReadonlyMap<string, ValueType>, name: string): Gate | undefined => {
  const type = streamTypeOf(types.get(name));
  return type && { kind: 'value', name, type };
};

const pairGate = (
  flow: DataFlow,
  types: ReadonlyMap<string, ValueType>,
  values: ReadonlySet<string>,
  index: number,
): Gate | undefined => {
  const node = flow.graph.nodes[index];
  if (node === undefined || domainOf(node.domain) !== 'com.microsoft' || !skipNorms.has(node.op))
    return undefined;
  const [first = '', second = ''] = node.inputs;
  const read = (flow.reads[index] ?? []).filter((name) => values.has(name));
  if (read.length !== 2 || !read.includes(first) || !read.includes(second)) return undefined;
  const [type, other] = [streamTypeOf(types.get(first)), streamTypeOf(types.get(second))];
  // One that is broadcast over the first can be added to it, but not laid beside it.
  if (type === undefined || other === undefined) return undefined;
  if (type.dtype !== 'float32' && !canBeJoined(type, other)) return undefined;
  return { kind: 'pair', node: index, names: [first, second], type };
};

const skipNorms: ReadonlySet<string> = new Set([
  'SkipSimplifiedLayerNormalization',
  'SkipLayerNormalization',
]);

/** Floats of known rank: token numbers are no hidden state, and would say the text to who gets them. */
const streamTypeOf = (type: ValueType | undefined): TensorType | undefined =>
  type?.kind === 'tensor' && type.shape !== undefined && streamTypes.has(type.dtype) ? type : undefined;

const streamTypes: ReadonlySet<string> = new Set(['float32', 'float16', 'bfloat16', 'float64']);

const canBeJoined = (a: TensorType, b: TensorType): boolean =>
  a.dtype === b.dtype &&
  typeof a.shape?.at(-1) === 'number' &&
  a.shape.length === b.shape?.length &&
  a.shape.every((dim, i) => dim !== undefined && dim === b.shape?.[i]);
