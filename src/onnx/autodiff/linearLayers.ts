import type { Graph, Node, Tensor } from '../ir/types.ts';
import type { Name } from './emitter.ts';
import { attributesOf, titleOf } from './rule.ts';

/**
 * A node that computes x·W (+ bias) with one constant W [inputs, outputs], whatever layout the file has it in. Knows where the
 * weight is; doesn't read it.
 */
export type LinearLayer = {
  /** Its name, or its operator and first output. */
  readonly node: string;
  readonly op: 'MatMul' | 'Gemm' | 'MatMulNBits';
  /** The initializer: of a weight that a DequantizeLinear gives, the quantized one. */
  readonly weight: Name;
  readonly inputs: number;
  readonly outputs: number;
};

export type PlacedLayer = LinearLayer & { readonly at: number };

/**
 * Every such layer of the graph itself, subgraphs left out, in their order. Left out too are weights that anything else uses,
 * such as embeddings tied to the output, or the same one turned round: whoever changed them here would change them there.
 */
export const linearLayersOf = (graph: Graph): readonly PlacedLayer[] => {
  const constants = constantsOf(graph);
  const made = new Map(graph.nodes.flatMap((node) => node.outputs.map((output) => [output, node] as const)));
  const layers = graph.nodes.flatMap((node, at): readonly Found[] => {
    const found = layerOf(
      node,
      (name) => constants.get(name),
      (name) => made.get(name),
    );
    return found ? [{ ...found, at }] : [];
  });
  const uses = countUses(graph);
  const explained = countExplained(layers);
  const turns = new Map<Name, Set<boolean>>();
  for (const { path, turned } of layers) turns.set(path[0], (turns.get(path[0]) ?? new Set()).add(turned));
  return layers
    .filter(({ path }) => path.every((name) => uses.get(name) === explained.get(name)))
    .filter(({ path }) => turns.get(path[0])?.size === 1)
    .map(({ path: _path, turned: _turned, ...layer }) => layer);
};

type Found = PlacedLayer & {
  /** The names from the weight's own to that which the node takes: one, or two if it is dequantized on the way. */
  readonly path: readonly [Name, ...Name[]];
  /** The file has W as [outputs, inputs]. */
  readonly turned: boolean;
};

/** How often these layers use a name. One DequantizeLinear uses its weight once, however many use its result. */
const countExplained = (layers: readonly Found[]): ReadonlyMap<Name, number> => {
  const counts = new Map<Name, number>();
  const count = (name: Name) => counts.set(name, (counts.get(name) ?? 0) + 1);
  for (const { path } of layers) count(path.at(-1) ?? path[0]);
  const dequantized = new Map(
    layers.flatMap(({ path: [weight, result] }) => (result ? [[result, weight]] : [])),
  );
  for (const weight of dequantized.values()) count(weight);
  return counts;
};

/** Initializers that no caller can replace. */
const constantsOf = (graph: Graph): ReadonlyMap<Name, Tensor> => {
  const inputs = new Set(graph.inputs.map(({ name }) => name));
  return new Map([...graph.initializers].filter(([name]) => !inputs.has(name)));
};

const layerOf = (
  node: Node,
  constant: (name: Name) => Tensor | undefined,
  madeBy: (name: Name) => Node | undefined,
): Omit<Found, 'at'> | undefined => {
  const [x, weight] = node.inputs;
  if (!x || !weight || !node.outputs[0]) return undefined;
  const attribute = attributesOf(node.attributes);
  const title = node.name || titleOf(node);
  if (node.domain === 'com.microsoft' && node.op === 'MatMulNBits') {
    const [packed, scales] = [constant(weight), constant(node.inputs[2] ?? '')];
    const [inputs, outputs] = [attribute.int('K', 0), attribute.int('N', 0)];
    if (!packed || scales?.dtype !== 'float32' || inputs < 1 || outputs < 1) return undefined;
    return { node: title, op: 'MatMulNBits', weight, inputs, outputs, path: [weight], turned: false };
  }
  if (!isOnnx(node) || (node.op !== 'MatMul' && node.op !== 'Gemm')) return undefined;
  const found = matrixOf(weight, constant, madeBy);
  if (!found) return undefined;
  const turned = node.op === 'Gemm' && attribute.int('transB', 0) !== 0;
  const [rows, columns] = found.dims;
  const [inputs, outputs] = turned ? [columns, rows] : [rows, columns];
  return { node: title, op: node.op, weight: found.path[0], inputs, outputs, path: found.path, turned };
};

/** A float32 matrix that is constant, or dequantized from one. */
const matrixOf = (
  weight: Name,
  constant: (name: Name) => Tensor | undefined,
  madeBy: (name: Name) => Node | undefined,
): { readonly dims: readonly [number, number]; readonly path: readonly [Name, ...Name[]] } | undefined => {
  const tensor = constant(weight);
  if (tensor) {
    const dims = matrixDims(tensor);
    return dims && tensor.dtype === 'float32' ? { dims, path: [weight] } : undefined;
  }
  const maker = madeBy(weight);
  if (maker?.op !== 'DequantizeLinear' || !isOnnx(maker)) return undefined;
  const [quantized = '', scale = ''] = maker.inputs;
  const source = constant(quantized);
  const dims = source && matrixDims(source);
  return dims && constant(scale)?.dtype === 'float32' ? { dims, path: [quantized, weight] } : undefined;
};

const isOnnx = ({ domain }: Node): boolean => domain === '' || domain === 'ai.onnx';

const matrixDims = ({ dims }: Tensor): readonly [number, number] | undefined => {
  const [rows, columns] = dims;
  return dims.length === 2 && rows && columns ? [rows, columns] : undefined;
};

/** Subgraphs use names of the graph around them. */
const countUses = (graph: Graph): ReadonlyMap<Name, number> => {
  const uses = new Map<Name, number>();
  const count = (name: Name) => uses.set(name, (uses.get(name) ?? 0) + 1);
  const pending: Graph[] = [graph];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    for (const { name } of next.outputs) count(name);
    for (const { inputs, attributes } of next.nodes) {
      inputs.forEach(count);
      for (const attribute of Object.values(attributes)) {
        if (attribute.type === 'graph') pending.push(attribute.value);
        if (attribute.type === 'graphs') pending.push(...attribute.value);
      }
    }
  }
  return uses;
};
