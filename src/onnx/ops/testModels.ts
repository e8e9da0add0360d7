import { unwrap } from '../../core/result.ts';
import { tensorOf } from '../ir/tensor.ts';
import type {
  Attribute,
  DataType,
  Graph,
  Int,
  Model,
  ModelFunction,
  Node,
  Shape,
  Tensor,
  Value,
} from '../ir/types.ts';

/** Small models for tests, written as briefly as they read. */

export const node = (
  op: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: Readonly<Record<string, Attribute>> = {},
  domain = '',
): Node => ({ op, domain, name: '', inputs, outputs, attributes });

/** "float32[2,seq,?]"; "float32" alone is of unknown rank. */
export const value = (name: string, type: string): Value => ({ name, type: typeOf(type) });

export const typeOf = (type: string): Value['type'] => {
  const [, dtype = '', dims] = /^([a-z0-9]+)(?:\[(.*)\])?$/.exec(type) ?? [];
  return { kind: 'tensor', dtype: dtype as DataType, shape: dims === undefined ? undefined : shape(dims) };
};

const shape = (dims: string): Shape =>
  dims === ''
    ? []
    : dims.split(',').map((dim) => (dim === '?' ? undefined : /^-?\d+$/.test(dim) ? Number(dim) : dim));

export const int = (number: Int): Attribute => ({ type: 'int', value: number });
export const ints = (...numbers: readonly Int[]): Attribute => ({ type: 'ints', value: numbers });
export const text = (string: string): Attribute => ({ type: 'string', value: string });
export const graphOf = (graph: Graph): Attribute => ({ type: 'graph', value: graph });

export const int64s = (...numbers: readonly Int[]): Tensor =>
  unwrap(tensorOf('int64', [numbers.length], numbers));
export const int64 = (number: Int): Tensor => unwrap(tensorOf('int64', [], [number]));
export const floats = (dims: readonly number[], numbers: readonly number[]): Tensor =>
  unwrap(tensorOf('float32', dims, numbers));

export const graph = (parts: {
  readonly name?: string;
  readonly inputs?: readonly Value[];
  readonly outputs?: readonly Value[];
  readonly nodes: readonly Node[];
  readonly initializers?: Readonly<Record<string, Tensor>>;
  readonly values?: readonly Value[];
}): Graph => ({
  name: parts.name ?? 'main',
  nodes: parts.nodes,
  inputs: parts.inputs ?? [],
  outputs: parts.outputs ?? [],
  initializers: new Map(Object.entries(parts.initializers ?? {})),
  values: new Map((parts.values ?? []).map((one) => [one.name, one])),
});

export const model = (
  main: Graph,
  options: {
    readonly opset?: number;
    readonly functions?: readonly ModelFunction[];
    readonly imports?: readonly string[];
  } = {},
): Model => ({
  irVersion: 10,
  opsets: new Map([['', options.opset ?? 21], ...(options.imports ?? []).map((name) => [name, 1] as const)]),
  graph: main,
  functions: options.functions ?? [],
  metadata: {},
});

export const functionOf = (
  name: string,
  inputs: readonly string[],
  outputs: readonly string[],
  nodes: readonly Node[],
  attributes: readonly string[] = [],
): ModelFunction => ({
  name,
  domain: 'own',
  inputs,
  outputs,
  attributes,
  defaults: {},
  nodes,
  opsets: new Map([
    ['', 21],
    ['own', 1],
  ]),
  values: new Map(),
});
