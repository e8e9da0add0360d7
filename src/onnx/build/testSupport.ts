import { sha256Hex } from '../../core/hash.ts';
import type { Model, Tensor } from '../ir/types.ts';
import { int64Tensor } from './tensors.ts';

/** What tests ask of models. */

/** Every name that is defined twice, used before it is defined, or never defined. Graphs without subgraphs. */
export const brokenRules = ({ graph }: Model): readonly string[] => {
  const broken: string[] = [];
  const defined = new Set<string>();
  const define = (name: string) => {
    if (name === '') return;
    if (defined.has(name)) broken.push(`${name} is defined twice`);
    defined.add(name);
  };
  for (const { name } of graph.inputs) define(name);
  for (const name of graph.initializers.keys()) define(name);
  const names = new Set<string>();
  for (const node of graph.nodes) {
    if (names.has(node.name)) broken.push(`two nodes are named ${node.name}`);
    names.add(node.name);
    for (const input of node.inputs)
      if (input !== '' && !defined.has(input)) broken.push(`${node.name} uses ${input} too early`);
    node.outputs.forEach(define);
  }
  for (const { name } of graph.outputs) if (!defined.has(name)) broken.push(`${name} is no value`);
  return broken;
};

/** Initializers that nothing uses. */
export const unusedInitializers = ({ graph }: Model): readonly string[] => {
  const used = new Set(graph.nodes.flatMap(({ inputs }) => inputs));
  return [...graph.initializers.keys()].filter((name) => !used.has(name));
};

export const operatorsOf = ({ graph }: Model): ReadonlySet<string> =>
  new Set(graph.nodes.map(({ domain, op }) => (domain === '' ? op : `${domain}.${op}`)));

/** Operators that have a gradient here and run on WebGPU, forward and backward. */
export const trainableOperators: ReadonlySet<string> = new Set([
  ...['Add', 'Sub', 'Mul', 'Div', 'Sqrt', 'Pow', 'Relu', 'Sigmoid', 'Tanh', 'Gelu', 'Erf', 'Softmax'],
  ...['MatMul', 'Gemm', 'Einsum', 'Conv', 'MaxPool', 'AveragePool', 'LayerNormalization'],
  ...['ReduceSum', 'ReduceMean', 'Where', 'Greater', 'Gather', 'Slice', 'Concat', 'Split', 'Pad', 'Expand'],
  ...['Reshape', 'Transpose', 'Unsqueeze', 'Trilu'],
]);

export const bytesOf = ({ data }: Tensor): Uint8Array => {
  if (data.kind !== 'bytes') throw new Error(`a tensor in memory was expected, and this is ${data.kind}`);
  return data.bytes;
};

export const floatsOf = (tensor: Tensor | undefined): readonly number[] => {
  if (tensor === undefined) throw new Error('there is no such tensor');
  return [...new Float32Array(bytesOf(tensor).slice().buffer)];
};

/** One SHA-256 of all initializers, in order. */
export const weightsHash = ({ graph }: Model): string =>
  sha256Hex(
    new TextEncoder().encode(
      [...graph.initializers].map(([name, tensor]) => `${name} ${sha256Hex(bytesOf(tensor))}`).join('\n'),
    ),
  );

export const longs = (...values: readonly number[]): Tensor => int64Tensor([values.length], values);
