import { err, ok, type Result } from '../../core/result.ts';
import type { Attribute, Graph, Node, Tensor } from '../ir/types.ts';
import { outerNames } from '../ops/order.ts';

/** What a node does with a weight, whatever form the weight has. */
export type Use =
  /** x · W, W [length, channels], and `bias` added. */
  | { readonly kind: 'product'; readonly node: Node; readonly x: string; readonly bias?: string }
  /** The channels of these indices. */
  | { readonly kind: 'lookup'; readonly node: Node; readonly indices: string }
  /** Of a convolution. */
  | { readonly kind: 'filter'; readonly node: Node };

/** What a weight is to its graph. */
export type Uses = {
  readonly uses: readonly Use[];
  /** The axis of the tensor that channels lie along: each has numbers of its own in every use. */
  readonly channelAxis: number;
  /** Nodes that only turn the weight, and that nobody needs once the uses have another form of it. */
  readonly turning: readonly Node[];
};

export type Consumers = {
  /** Where a value goes in the graph itself. */
  readonly of: (name: string) => readonly Consumer[];
  /** Seen from outside, or from a graph within: it can't change its form. */
  readonly isVisible: (name: string) => boolean;
};
type Consumer = { readonly node: Node; readonly index: number };

export const consumersIn = (graph: Graph): Consumers => {
  const found = new Map<string, Consumer[]>();
  const visible = new Set([...graph.inputs, ...graph.outputs].map(({ name }) => name));
  for (const node of graph.nodes) {
    node.inputs.forEach((name, index) => {
      const known = found.get(name);
      if (known) known.push({ node, index });
      else found.set(name, [{ node, index }]);
    });
    for (const name of outerNames(node)) visible.add(name);
  }
  return { of: (name) => found.get(name) ?? [], isVisible: (name) => visible.has(name) };
};

/** All uses of an initializer, if each is understood and all have the same channels; otherwise why not. */
export const usesOf = (name: string, { dims }: Tensor, consumers: Consumers): Result<Uses, string> => {
  if (dims.length < 2) return err('it has one axis');
  const found: Found = { uses: [], axes: new Set(), turning: [] };
  const problem = collect(found, name, dims.length, false, consumers);
  if (problem !== undefined) return err(problem);
  const [channelAxis, ...others] = found.axes;
  if (channelAxis === undefined) return err('no node uses it');
  return others.length > 0
    ? err('its uses sum over different axes: one form does not fit all')
    : ok({ uses: found.uses, channelAxis, turning: found.turning });
};

type Found = { readonly uses: Use[]; readonly axes: Set<number>; readonly turning: Node[] };

const collect = (
  found: Found,
  name: string,
  rank: number,
  turned: boolean,
  consumers: Consumers,
): string | undefined => {
  if (consumers.isVisible(name)) return `"${name}" is an input or output, or used in a graph within`;
  for (const consumer of consumers.of(name)) {
    const { node, index } = consumer;
    if (!turned && isTurn(consumer, rank)) {
      const [output = ''] = node.outputs;
      const problem = collect(found, output, rank, true, consumers);
      if (problem !== undefined) return problem;
      found.turning.push(node);
      continue;
    }
    const use = understand(consumer, rank);
    if (use === undefined) return `${node.op} "${node.name}" takes it as input ${index}`;
    if (typeof use === 'string') return `${node.op} "${node.name}": ${use}`;
    found.uses.push(use.use);
    found.axes.add(turned ? 1 - use.axis : use.axis);
  }
  return undefined;
};

const isTurn = ({ node, index }: Consumer, rank: number): boolean => {
  if (!isOnnx(node) || node.op !== 'Transpose' || index !== 0 || rank !== 2) return false;
  const perm = node.attributes['perm'];
  return perm === undefined || (perm.type === 'ints' && perm.value.join() === '1,0');
};

type Understood = { readonly use: Use; readonly axis: number } | string | undefined;

const understand = (consumer: Consumer, rank: number): Understood => {
  const { node, index } = consumer;
  if (!isOnnx(node)) return undefined;
  if (rank > 2)
    return node.op === 'Conv' && index === 1 ? { use: { kind: 'filter', node }, axis: 0 } : undefined;
  switch (node.op) {
    case 'MatMul':
      return index === 1 ? { use: { kind: 'product', node, x: node.inputs[0] ?? '' }, axis: 1 } : undefined;
    case 'Gemm':
      return index === 1 ? gemmUse(node) : undefined;
    case 'Gather':
      return index === 0 ? gatherUse(node) : undefined;
    default:
      return undefined;
  }
};

/** α·A·B + β·C; B is transposed with `transB`. */
const gemmUse = (node: Node): Understood => {
  const [x = '', , bias] = node.inputs;
  if (intIn(node, 'transA', 0) !== 0) return 'transA';
  if (floatIn(node, 'alpha') !== 1) return 'alpha is not 1';
  const hasBias = bias !== undefined && bias !== '';
  if (hasBias && floatIn(node, 'beta') !== 1) return 'beta is not 1';
  const axis = intIn(node, 'transB', 0) === 0 ? 1 : 0;
  return { use: { kind: 'product', node, x, ...(hasBias ? { bias } : {}) }, axis };
};

const gatherUse = (node: Node): Understood => {
  const axis = intIn(node, 'axis', 0);
  if (axis !== 0 && axis !== -2) return `axis ${axis}`;
  return { use: { kind: 'lookup', node, indices: node.inputs[1] ?? '' }, axis: 0 };
};

export const isOnnx = ({ domain }: Node): boolean => domain === '' || domain === 'ai.onnx';

/** An attribute that is something else than expected is NaN: equal to no number. */
export const intIn = ({ attributes }: Node, name: string, otherwise: number): number =>
  numberOf(attributes[name], 'int', otherwise);
const floatIn = ({ attributes }: Node, name: string): number => numberOf(attributes[name], 'float', 1);

const numberOf = (attribute: Attribute | undefined, type: 'int' | 'float', otherwise: number): number => {
  if (attribute === undefined) return otherwise;
  return attribute.type === type ? Number(attribute.value) : Number.NaN;
};
