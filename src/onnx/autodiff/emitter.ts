import type { Attribute, DataType, Graph, Node, Tensor, ValueType } from '../ir/types.ts';

/** A value of the graph that is being written. */
export type Name = string;
export type Dims = readonly number[];
export type Attributes = Readonly<Record<string, Attribute>>;

export const sizeOf = (dims: Dims): number => dims.reduce((size, dim) => size * dim, 1);

export type Known = { readonly dtype: DataType; readonly dims: Dims };

/**
 * Writes nodes behind those that are there. Knows the dtype and dims of every value, which whoever emits a node states; doesn't
 * know what the nodes are for. All dims are numbers: a training graph has one batch size, so shapes are constants, and no
 * node that computes a shape keeps the graph from running whole on a GPU.
 */
export interface Emitter {
  /** Of a value that was there, or was emitted. Undefined for one that is no tensor of known dims. */
  known(name: Name): Known | undefined;
  dims(name: Name): Dims;
  emit(op: string, inputs: readonly Name[], dims: Dims, options?: EmitOptions): Name;
  /** A value that a node which was there could also give: its further outputs. */
  name(hint: string, known: Known): Name;
  scalar(value: number): Name;
  /** int64, one dimension. */
  ints(values: readonly number[]): Name;
  /** float32. */
  floats(dims: Dims, values: Float32Array): Name;
  readonly nodes: readonly Node[];
  readonly initializers: ReadonlyMap<string, Tensor>;
  /** Of all that was emitted. */
  readonly emitted: ReadonlyMap<Name, Known>;
}

export type EmitOptions = {
  readonly attributes?: Attributes;
  readonly dtype?: DataType;
  readonly domain?: string;
};

export const createEmitter = (options: {
  /** Starts the names of all that is emitted. */
  readonly prefix: string;
  readonly known: (name: Name) => Known | undefined;
  readonly isTaken: (name: Name) => boolean;
}): Emitter => {
  const nodes: Node[] = [];
  const initializers = new Map<string, Tensor>();
  const emitted = new Map<Name, Known>();
  const constants = new Map<string, Name>();
  let count = 0;

  const name = (hint: string, known: Known): Name => {
    for (;;) {
      const candidate = `${options.prefix}/${hint}_${count++}`;
      if (options.isTaken(candidate)) continue;
      emitted.set(candidate, known);
      return candidate;
    }
  };
  const known = (value: Name) => emitted.get(value) ?? options.known(value);
  const constant = (hint: string, tensor: Tensor, key: string): Name => {
    const before = constants.get(key);
    if (before !== undefined) return before;
    const made = name(hint, { dtype: tensor.dtype, dims: tensor.dims });
    initializers.set(made, tensor);
    constants.set(key, made);
    return made;
  };
  const floats = (dims: Dims, values: Float32Array): Name => {
    const bytes = new Uint8Array(values.length * 4);
    const view = new DataView(bytes.buffer);
    for (const [index, value] of values.entries()) view.setFloat32(index * 4, value, true);
    // What is large is told apart by who makes it, not by its contents.
    const key = values.length <= 64 ? `f${dims.join()}:${values.join()}` : `f${count}`;
    return constant('constant', { dtype: 'float32', dims, data: { kind: 'bytes', bytes } }, key);
  };

  return {
    nodes,
    initializers,
    emitted,
    known,
    name,
    dims(value) {
      const found = known(value);
      if (!found) throw new Error(`the dims of ${value} are not known`);
      return found.dims;
    },
    emit(op, inputs, dims, { attributes = {}, dtype = 'float32', domain = '' } = {}) {
      const output = name(op, { dtype, dims });
      nodes.push({ op, domain, name: output, inputs, outputs: [output], attributes });
      return output;
    },
    floats,
    scalar: (value) => floats([], Float32Array.of(value)),
    ints(values) {
      const bytes = new Uint8Array(values.length * 8);
      const view = new DataView(bytes.buffer);
      for (const [index, value] of values.entries()) view.setBigInt64(index * 8, BigInt(value), true);
      const tensor: Tensor = { dtype: 'int64', dims: [values.length], data: { kind: 'bytes', bytes } };
      return constant('dims', tensor, `i${values.join()}`);
    },
  };
};

/** The graph with what was emitted behind it. */
export const graphBehind = (
  graph: Graph,
  { nodes, initializers }: Pick<Emitter, 'nodes' | 'initializers'>,
  outputs: Graph['outputs'] = graph.outputs,
): Graph => ({
  ...graph,
  nodes: [...graph.nodes, ...nodes],
  initializers: new Map([...graph.initializers, ...initializers]),
  outputs,
});

/** Every name that stands for something: another of the same would be a second definition. */
export const namesOf = (graph: Graph): ReadonlySet<Name> =>
  new Set([
    ...graph.inputs.map(({ name }) => name),
    ...graph.initializers.keys(),
    ...graph.nodes.flatMap(({ outputs, name }) => [...outputs, name]),
  ]);

/** Of each value whose dims are all numbers. */
export const knownValues = (graph: Graph, types: ReadonlyMap<Name, ValueType>): ReadonlyMap<Name, Known> => {
  const known = new Map<Name, Known>();
  for (const [name, type] of types) {
    if (type.kind !== 'tensor' || !type.shape) continue;
    const dims = type.shape.filter((dim) => typeof dim === 'number');
    if (dims.length === type.shape.length) known.set(name, { dtype: type.dtype, dims });
  }
  for (const [name, { dtype, dims }] of graph.initializers) known.set(name, { dtype, dims });
  return known;
};
