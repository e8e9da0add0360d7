import { bitsPerElement } from '../ir/dataTypes.ts';
import type { Graph, Node, Tensor } from '../ir/types.ts';
import { domainOf } from '../ops/registry.ts';
import type { DataFlow } from './dataFlow.ts';

/** Tables that only rotations read: row p is position p, so whoever uses fewer positions needs fewer rows. */
export const rotaryTables = ({ graph, reads }: DataFlow): ReadonlySet<string> => {
  const tables = new Set<string>();
  const others = new Set<string>(graph.outputs.map(({ name }) => name));
  graph.nodes.forEach((node, i) => {
    const operands = operandsOf(node);
    const rotary = operands.flatMap((at) => node.inputs[at] || []);
    for (const name of rotary) tables.add(name);
    const elsewhere = new Set(node.inputs.filter((_, at) => !operands.includes(at)));
    for (const name of reads[i] ?? []) if (!rotary.includes(name) || elsewhere.has(name)) others.add(name);
  });
  return new Set([...tables].filter((name) => isTable(graph, name) && !others.has(name)));
};

/** The first rows. */
export const firstRows = (tensor: Tensor, rows: number): Tensor => {
  const { dims, data, dtype } = tensor;
  const [all = 0, columns = 0] = dims;
  const bits = rows * columns * bitsPerElement[dtype];
  if (dims.length !== 2 || all <= rows || bits % 8 !== 0 || data.kind === 'strings') return tensor;
  const length = bits / 8;
  const shorter =
    data.kind === 'bytes' ? { ...data, bytes: data.bytes.subarray(0, length) } : { ...data, length };
  return { ...tensor, dims: [rows, columns], data: shorter };
};

const operandsOf = ({ op, domain }: Node): readonly number[] =>
  rotaryOperands[`${domainOf(domain)}:${op}`] ?? [];

const rotaryOperands: Readonly<Record<string, readonly number[]>> = {
  'com.microsoft:GroupQueryAttention': [7, 8],
  'com.microsoft:RotaryEmbedding': [2, 3],
  ':RotaryEmbedding': [1, 2],
};

const isTable = ({ initializers, inputs }: Graph, name: string): boolean =>
  initializers.get(name)?.dims.length === 2 && !inputs.some((input) => input.name === name);
