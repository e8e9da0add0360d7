import { bitsPerElement } from '../ir/dataTypes.ts';
import type { Graph, Node } from '../ir/types.ts';
import { type Known, type Name, sizeOf } from './emitter.ts';

/** What a node's output is made in if that is its input's last use: moved about under another shape, or written over. */
const views: ReadonlySet<string> = new Set(['Reshape', 'Flatten', 'Squeeze', 'Unsqueeze', 'Identity']);
const overwriting: ReadonlySet<string> = new Set([
  ...['Add', 'Sub', 'Mul', 'Div', 'Neg', 'Abs', 'Exp', 'Log', 'Sqrt', 'Reciprocal', 'Erf', 'Tanh', 'Sigmoid'],
  ...['Relu', 'LeakyRelu', 'Elu', 'Softplus', 'Softmax', 'Clip', 'Cast'],
]);

export const bytesOf = ({ dtype, dims }: Known): number =>
  Math.ceil((sizeOf(dims) * bitsPerElement[dtype]) / 8);

/**
 * The most bytes that values between the inputs and the outputs need at one time, if the nodes run in the order of the
 * list: a value lives from the node that makes it to the last that uses it, an output to the end. Inputs and
 * initializers, which are there before and after, don't count; nor do a kernel's own workspace and what an allocator wastes.
 * A value of unknown dims counts nothing.
 */
export const peakBytes = (
  graph: Pick<Graph, 'nodes' | 'outputs'>,
  known: ReadonlyMap<Name, Known>,
): number => {
  const lastUse = new Map<Name, number>();
  for (const [at, { inputs }] of graph.nodes.entries()) for (const name of inputs) lastUse.set(name, at);
  for (const { name } of graph.outputs) lastUse.set(name, graph.nodes.length);
  /** Of the buffer that a value is in; several values may be views of one. */
  const buffers = new Map<Name, Buffer>();
  let [now, peak] = [0, 0];
  for (const [at, node] of graph.nodes.entries()) {
    for (const [index, output] of node.outputs.entries()) {
      const type = known.get(output);
      if (output === '' || !type) continue;
      const shared = index === 0 ? reusable(node, at, { buffers, lastUse, bytes: bytesOf(type) }) : undefined;
      const buffer = shared ?? { bytes: bytesOf(type), until: at };
      if (!shared) now += buffer.bytes;
      buffer.until = Math.max(buffer.until, lastUse.get(output) ?? at);
      buffers.set(output, buffer);
    }
    peak = Math.max(peak, now);
    const done = new Set([...node.inputs, ...node.outputs].map((name) => buffers.get(name)));
    for (const buffer of done) if (buffer?.until === at) now -= buffer.bytes;
  }
  return peak;
};

type Buffer = { readonly bytes: number; until: number };

const reusable = (
  { op, inputs }: Node,
  at: number,
  {
    buffers,
    lastUse,
    bytes,
  }: {
    readonly buffers: ReadonlyMap<Name, Buffer>;
    readonly lastUse: ReadonlyMap<Name, number>;
    readonly bytes: number;
  },
): Buffer | undefined => {
  if (views.has(op)) return buffers.get(inputs[0] ?? '');
  if (!overwriting.has(op)) return undefined;
  const input = inputs.find((name) => {
    const buffer = buffers.get(name);
    return buffer?.bytes === bytes && buffer.until === at && lastUse.get(name) === at;
  });
  return buffers.get(input ?? '');
};

/**
 * The order in which ONNX Runtime runs nodes in sequence (`GraphViewer`, its default): each just before who needs it, by a search
 * from the nodes that nobody uses, the last first, and among the inputs of a node the one that stands last. Before its
 * optimizers have changed the graph, which here they haven't.
 */
export const demandOrder = ({ nodes }: Pick<Graph, 'nodes'>): readonly Node[] => {
  const makers = new Map<Name, number>();
  const used = new Set<Name>(nodes.flatMap(({ inputs }) => inputs.filter((name) => name !== '')));
  for (const [at, { outputs }] of nodes.entries()) for (const name of outputs) makers.set(name, at);
  const stack = nodes.flatMap(({ outputs }, at) =>
    outputs.some((name) => used.has(name)) ? [] : [{ at, leaving: false }],
  );
  const visited = new Set<number>();
  const order: Node[] = [];
  for (let entry = stack.pop(); entry; entry = stack.pop()) {
    const node = nodes[entry.at];
    if (!node) continue;
    if (entry.leaving) order.push(node);
    else if (!visited.has(entry.at)) {
      visited.add(entry.at);
      stack.push({ at: entry.at, leaving: true });
      const before = new Set(node.inputs.map((name) => makers.get(name)).filter((at) => at !== undefined));
      for (const at of [...before].toSorted((a, b) => a - b))
        if (!visited.has(at)) stack.push({ at, leaving: false });
    }
  }
  return order;
};
