import { type Result, unwrap } from '../../core/result.ts';
import type { OnnxFault } from '../fault.ts';
import type { Attribute, DataType, Graph, Model, Node, Tensor, Value } from '../ir/types.ts';
import { type EvaluateOptions, evaluate } from './evaluate.ts';
import { type NdArray, ndArray, toNumbers } from './ndArray.ts';
import { ndArrayToTensor } from './tensors.ts';

/** For tests: models in few words. */

type Plain = number | string | readonly number[] | Tensor | Graph | { readonly float: number };

const attributeOf = (value: Plain): Attribute => {
  if (typeof value === 'number') return { type: 'int', value };
  if (typeof value === 'string') return { type: 'string', value };
  if (Array.isArray(value)) return { type: 'ints', value };
  if ('float' in value) return { type: 'float', value: value.float };
  if ('nodes' in value) return { type: 'graph', value };
  if ('dtype' in value) return { type: 'tensor', value };
  throw new Error('no such attribute');
};

export type PlainAttributes = Readonly<Record<string, Plain>>;

/** An op of com.microsoft is written with the domain in front of it. */
export const nodeOf = (
  op: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: PlainAttributes = {},
): Node => {
  const dot = op.lastIndexOf('.');
  return {
    op: op.slice(dot + 1),
    domain: op.slice(0, Math.max(0, dot)),
    name: '',
    inputs,
    outputs,
    attributes: Object.fromEntries(
      Object.entries(attributes).map(([name, value]) => [name, attributeOf(value)]),
    ),
  };
};

export const untyped = (name: string): Value => ({ name, type: { kind: 'unknown' } });
export const typed = (name: string, dtype: DataType, shape: readonly (number | string)[]): Value => ({
  name,
  type: { kind: 'tensor', dtype, shape },
});

export const graphOf = (
  nodes: readonly Node[],
  inputs: readonly (string | Value)[],
  outputs: readonly string[],
  initializers: Readonly<Record<string, NdArray>> = {},
): Graph => ({
  name: 'test',
  nodes,
  inputs: inputs.map((input) => (typeof input === 'string' ? untyped(input) : input)),
  outputs: outputs.map(untyped),
  initializers: new Map(
    Object.entries(initializers).map(([name, array]) => [name, ndArrayToTensor(array, name)]),
  ),
  values: new Map(),
});

export const modelOf = (graph: Graph, more: Partial<Model> = {}): Model => ({
  irVersion: 10,
  opsets: new Map([['', 21]]),
  graph,
  functions: [],
  metadata: {},
  ...more,
});

export type ApplyOptions = EvaluateOptions & {
  readonly opset?: number;
  readonly outputs?: readonly string[];
};

/** What one node makes of its inputs; undefined is one that is not there. Outputs are y0, y1, …: one, unless more are asked for. */
export const tryOp = (
  op: string,
  inputs: readonly (NdArray | undefined)[],
  attributes: PlainAttributes = {},
  options: ApplyOptions = {},
): Result<ReadonlyMap<string, NdArray>, OnnxFault> => {
  const names = inputs.map((array, i) => (array ? `x${i}` : ''));
  const outputs = options.outputs ?? ['y0'];
  const graph = graphOf(
    [nodeOf(op, names, outputs, attributes)],
    names.filter(Boolean),
    outputs.filter(Boolean),
  );
  const feeds = new Map(inputs.flatMap((array, i): [string, NdArray][] => (array ? [[`x${i}`, array]] : [])));
  return evaluate(graph, feeds, {
    opsets: new Map([['', options.opset ?? 21]]),
    ...options,
    outputs: outputs.filter(Boolean),
  });
};

export const applyAll = (...args: Parameters<typeof tryOp>): NdArray[] => [
  ...unwrap(tryOp(...args)).values(),
];

export const applyOp = (...args: Parameters<typeof tryOp>): NdArray => {
  const [first] = applyAll(...args);
  if (!first) throw new Error('no output');
  return first;
};

export const f32 = (dims: readonly number[], values: Iterable<number>): NdArray =>
  ndArray('float32', dims, values);
export const i64 = (dims: readonly number[], values: Iterable<number>): NdArray =>
  ndArray('int64', dims, values);
export const bool = (dims: readonly number[], values: Iterable<number>): NdArray =>
  ndArray('bool', dims, values);
export const scalar = (value: number): NdArray => f32([], [value]);

/** Numbers that are neither regular nor round, the same at every run. */
export const wavy = (dims: readonly number[], seed = 1): NdArray => {
  const count = dims.reduce((all, dim) => all * dim, 1);
  return f32(
    dims,
    Array.from({ length: count }, (_, i) => Math.sin(i * 1.7 + seed * 2.3) + Math.cos(i * i * 0.13 + seed)),
  );
};

export const plain = (array: NdArray) => ({ dims: array.dims, values: toNumbers(array) });

/** The greatest difference of two arrays of one shape. */
export const distance = (a: NdArray, b: NdArray): number => {
  if (a.dims.join() !== b.dims.join()) throw new Error(`[${a.dims}] and [${b.dims}]`);
  const other = toNumbers(b);
  return toNumbers(a).reduce(
    (most, value, i) => Math.max(most, Math.abs(value - (other[i] ?? Number.NaN))),
    0,
  );
};
