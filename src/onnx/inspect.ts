import { bitsPerElement, countOf } from './ir/dataTypes.ts';
import type { Attribute, DataType, Graph, Model, Node, Tensor, Value } from './ir/types.ts';

export type TensorSummary = {
  readonly name: string;
  readonly dtype: DataType;
  readonly dims: readonly number[];
  /** As they are stored. */
  readonly bytes: number;
};

/** What a model is, in numbers that a person asks for. Everything is counted in the file, nothing estimated. */
export type ModelSummary = {
  readonly irVersion: number;
  readonly opsets: Readonly<Record<string, number>>;
  readonly producer: string;
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  /** Subgraphs and the bodies of functions included. */
  readonly nodes: number;
  readonly functions: number;
  /** How often each operator occurs, the most frequent first; of another domain with it before a dot. */
  readonly ops: readonly (readonly [op: string, count: number])[];
  /** Elements of all initializers and constants that are weights: see `isWeight`. */
  readonly parameters: number;
  readonly tensors: number;
  readonly tensorBytes: number;
  readonly bytesByType: readonly (readonly [dtype: DataType, bytes: number])[];
  /** The largest first. */
  readonly largest: readonly TensorSummary[];
  /** Other files that the tensors lie in. */
  readonly files: readonly string[];
};

/**
 * Integers of 64 and 32 bits are shapes and indices, not weights; what is packed into bytes is counted as it is stored, for
 * how many weights a byte holds is the operator's affair.
 */
const isWeight = ({ dtype }: Tensor): boolean =>
  dtype !== 'int64' && dtype !== 'int32' && dtype !== 'bool' && dtype !== 'string';

export const inspectModel = (model: Model, options: { readonly largest?: number } = {}): ModelSummary => {
  const graphs = [model.graph, ...model.functions.flatMap(({ nodes }) => subgraphsOf(nodes))].flatMap(
    allGraphs,
  );
  const nodes = [...graphs.flatMap((graph) => graph.nodes), ...model.functions.flatMap((one) => one.nodes)];
  const named = [...graphs.flatMap((graph) => [...graph.initializers]), ...nodes.flatMap(constantIn)];
  const tensors = named.map(
    ([name, tensor]): TensorSummary => ({
      name,
      dtype: tensor.dtype,
      dims: tensor.dims,
      bytes: bytesOf(tensor),
    }),
  );
  return {
    irVersion: model.irVersion,
    opsets: Object.fromEntries([...model.opsets].map(([domain, version]) => [domain || 'ai.onnx', version])),
    producer: [model.producer, model.producerVersion].filter(Boolean).join(' '),
    inputs: model.graph.inputs.filter(({ name }) => !model.graph.initializers.has(name)),
    outputs: model.graph.outputs,
    nodes: nodes.length,
    functions: model.functions.length,
    ops: counted(nodes.map(({ op, domain }) => (domain && domain !== 'ai.onnx' ? `${domain}.${op}` : op))),
    parameters: named.reduce((sum, [, tensor]) => sum + (isWeight(tensor) ? countOf(tensor.dims) : 0), 0),
    tensors: tensors.length,
    tensorBytes: tensors.reduce((sum, { bytes }) => sum + bytes, 0),
    bytesByType: summed(tensors),
    largest: tensors.toSorted((a, b) => b.bytes - a.bytes).slice(0, options.largest ?? 10),
    files: [...new Set(named.flatMap(([, { data }]) => (data.kind === 'external' ? [data.location] : [])))],
  };
};

/** A graph and all within its nodes. */
const allGraphs = (graph: Graph): readonly Graph[] => {
  const found = [graph];
  for (const one of found) found.push(...subgraphsOf(one.nodes));
  return found;
};

const subgraphsOf = (nodes: readonly Node[]): readonly Graph[] =>
  nodes.flatMap(({ attributes }) => Object.values(attributes).flatMap(graphsIn));

const graphsIn = (attribute: Attribute): readonly Graph[] => {
  if (attribute.type === 'graph') return [attribute.value];
  return attribute.type === 'graphs' ? attribute.value : [];
};

/** Older exporters keep weights so. */
const constantIn = ({ op, domain, attributes, outputs }: Node): readonly (readonly [string, Tensor])[] => {
  const value =
    op === 'Constant' && (domain === '' || domain === 'ai.onnx') ? attributes['value'] : undefined;
  return value?.type === 'tensor' ? [[outputs[0] ?? '', value.value]] : [];
};

const bytesOf = ({ dtype, dims, data }: Tensor): number => {
  if (data.kind === 'strings') return data.strings.reduce((sum, { byteLength }) => sum + byteLength, 0);
  if (data.kind === 'bytes') return data.bytes.byteLength;
  return data.length ?? Math.ceil((countOf(dims) * bitsPerElement[dtype]) / 8);
};

const counted = (names: readonly string[]): readonly (readonly [string, number])[] => {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].toSorted(([a, one], [b, other]) => other - one || (a < b ? -1 : 1));
};

const summed = (tensors: readonly TensorSummary[]): ModelSummary['bytesByType'] => {
  const bytes = new Map<DataType, number>();
  for (const tensor of tensors) bytes.set(tensor.dtype, (bytes.get(tensor.dtype) ?? 0) + tensor.bytes);
  return [...bytes].toSorted(([, one], [, other]) => other - one);
};
