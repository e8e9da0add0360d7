import type { Graph, Node } from '../ir/types.ts';
import type { Known, Name } from './emitter.ts';

/**
 * Plain descent on a linear layer, W − η·(A·B), as one Gemm that adds to W: (−η·A)·B + W, with the smaller of the factors scaled.
 * The gradient and its multiple, each as large as the weight, are then never there: for a dense layer these are the largest
 * tensors of a step. Knows the pattern, not what is trained; what doesn't match stays as it is.
 */
export const withFusedUpdates = (graph: Graph, known: ReadonlyMap<Name, Known>): Graph => {
  const makers = new Map(
    graph.nodes.flatMap((node) => node.outputs.map((output) => [output, node] as const)),
  );
  const uses = new Map<Name, number>();
  for (const name of [
    ...graph.nodes.flatMap(({ inputs }) => inputs),
    ...graph.outputs.map(({ name }) => name),
  ])
    uses.set(name, (uses.get(name) ?? 0) + 1);
  const once = (name: Name) => uses.get(name) === 1;
  const replaced = new Map<Node, readonly Node[]>();
  for (const node of graph.nodes) {
    const found = descentOf(node, makers, once);
    const sizes = found?.factors.map((factor) => sizeOf(known.get(factor)));
    if (!found || !sizes || sizes.includes(undefined) || !isSameShape(node, found.gradient, known)) continue;
    const side = (sizes[0] ?? 0) <= (sizes[1] ?? 0) ? 0 : 1;
    for (const dropped of [found.gradient, found.step]) replaced.set(dropped, []);
    replaced.set(node, fused(node, found, side));
  }
  if (replaced.size === 0) return graph;
  return { ...graph, nodes: graph.nodes.flatMap((node) => replaced.get(node) ?? [node]) };
};

type Descent = {
  /** The Gemm. */
  readonly gradient: Node;
  /** The Mul by the rate. */
  readonly step: Node;
  readonly factors: readonly [Name, Name];
  readonly weight: Name;
  readonly rate: Name;
};

const descentOf = (
  node: Node,
  makers: ReadonlyMap<Name, Node>,
  once: (name: Name) => boolean,
): Descent | undefined => {
  const [weight, by] = node.inputs;
  const step = by === undefined ? undefined : makers.get(by);
  if (node.op !== 'Sub' || node.domain !== '' || !weight || !by || step?.op !== 'Mul' || !once(by))
    return undefined;
  const [product, rate] = step.inputs;
  const gradient = product === undefined ? undefined : makers.get(product);
  if (rate !== 'training.rate' || !product || !once(product) || gradient?.op !== 'Gemm') return undefined;
  const [a, b, c] = gradient.inputs;
  const isPlain = c === undefined && !('alpha' in gradient.attributes) && !('beta' in gradient.attributes);
  return a && b && isPlain ? { gradient, step, factors: [a, b], weight, rate } : undefined;
};

const fused = (
  node: Node,
  { gradient, step, factors, weight, rate }: Descent,
  side: 0 | 1,
): readonly Node[] => {
  const [product = ''] = gradient.outputs;
  const [by = ''] = step.outputs;
  const [negative, scaled] = [`${by}/negative`, `${product}/scaled`];
  const plain = { domain: '', attributes: {} };
  const inputs = factors.map((factor, at) => (at === side ? scaled : factor));
  return [
    { ...plain, op: 'Neg', name: negative, inputs: [rate], outputs: [negative] },
    { ...plain, op: 'Mul', name: scaled, inputs: [factors[side], negative], outputs: [scaled] },
    { ...gradient, inputs: [...inputs, weight], outputs: node.outputs },
  ];
};

const isSameShape = (node: Node, gradient: Node, known: ReadonlyMap<Name, Known>): boolean => {
  const [weight, product] = [known.get(node.inputs[0] ?? ''), known.get(gradient.outputs[0] ?? '')];
  return weight !== undefined && weight.dims.join() === product?.dims.join();
};

const sizeOf = (known: Known | undefined): number | undefined =>
  known?.dims.reduce((size, dim) => size * dim, 1);
