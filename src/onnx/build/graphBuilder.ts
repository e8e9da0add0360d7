import { sha256Hex } from '../../core/hash.ts';
import { dataTypeNumbers } from '../ir/dataTypes.ts';
import type { Attribute, DataType, Model, Node, Shape, Tensor, Value } from '../ir/types.ts';
import { float32Tensor, int64Tensor } from './tensors.ts';

export type NodeOptions = {
  /** '' is ai.onnx, and the default. */
  readonly domain?: string;
  /** In the scope; from the root if it begins with '/'. Default: the operator, numbered from its second use on. */
  readonly name?: string;
  /** Names as they are, outside the scope. Default: `<node>/output_<i>`. '' is an output that is not wanted. */
  readonly outputs?: readonly string[];
};
type Attributes = Readonly<Record<string, Attribute>>;

/**
 * Writes a graph node by node, in topological order. Values are names, each defined once and before its use: anything else
 * is a bug in the calling code and throws. Names follow from the calls alone, so that the same calls give the same model.
 * Doesn't know operators: not their types, nor how many outputs they have.
 */
export interface GraphBuilder {
  input(name: string, dtype: DataType, shape: Shape): string;
  initializer(name: string, tensor: Tensor): string;
  /** An initializer that is no parameter: named after its type and content, and there once however often it is asked for. */
  ints(values: readonly number[] | number): string;
  floats(values: Float32Array | number, dims?: readonly number[]): string;
  /** The one output. */
  node(op: string, inputs: readonly string[], attributes?: Attributes, options?: NodeOptions): string;
  /** Several outputs: so many, or as many as `options.outputs` names. */
  nodeOf(
    count: number,
    op: string,
    inputs: readonly string[],
    attributes?: Attributes,
    options?: NodeOptions,
  ): readonly string[];
  /** Declares a value as an output of the graph. */
  output(name: string, dtype: DataType, shape: Shape): void;
  /** The same graph, with names under another prefix: `scope('layers.0')` of '/model/' is '/model/layers.0/'. */
  scope(name: string): GraphBuilder;
  build(): Model;
}

export type GraphBuilderOptions = {
  /** Of the graph. */
  readonly name: string;
  readonly opset?: number;
  /** Opsets beside ai.onnx, by domain. */
  readonly domains?: Readonly<Record<string, number>>;
  readonly metadata?: Readonly<Record<string, string>>;
};

export const createGraphBuilder = (options: GraphBuilderOptions): GraphBuilder => {
  const { opset = 21, domains = {} } = options;
  const irVersion = irVersions[opset];
  if (irVersion === undefined)
    throw new Error(`opset ${opset}: ${Object.keys(irVersions).join(', ')} are written`);
  const opsets = new Map([['', opset], ...Object.entries(domains)]);
  return scoped({ ...options, irVersion, opsets, ...emptyState() }, '/');
};

/** Constants are named so; parameters are not. As in the models of ONNX Runtime GenAI's builder. */
export const constantPrefix = '/model/constants/';

/** What ONNX released with each opset (docs/Versioning.md of onnx/onnx). */
const irVersions: Readonly<Record<number, number>> = {
  18: 8,
  19: 9,
  20: 9,
  21: 10,
  22: 10,
  23: 11,
  24: 12,
};

const emptyState = () => ({
  nodes: [] as Node[],
  inputs: [] as Value[],
  outputs: [] as Value[],
  initializers: new Map<string, Tensor>(),
  defined: new Set<string>(),
  nodeNames: new Set<string>(),
  /** How often a default name was given. */
  uses: new Map<string, number>(),
  /** Name by type, shape and content. */
  constants: new Map<string, string>(),
});

type State = ReturnType<typeof emptyState> &
  GraphBuilderOptions & { readonly irVersion: number; readonly opsets: ReadonlyMap<string, number> };

const scoped = (state: State, prefix: string): GraphBuilder => ({
  input(name, dtype, shape) {
    define(state, name);
    state.inputs.push({ name, type: { kind: 'tensor', dtype, shape } });
    return name;
  },
  initializer(name, tensor) {
    define(state, name);
    state.initializers.set(name, tensor);
    return name;
  },
  ints(values) {
    return typeof values === 'number'
      ? constantOf(state, int64Tensor([], [values]), `${values}`)
      : constantOf(state, int64Tensor([values.length], values), listText(values));
  },
  floats(values, dims) {
    if (typeof values === 'number')
      return constantOf(state, float32Tensor([], Float32Array.of(values)), numberText(Math.fround(values)));
    const tensor = float32Tensor(dims ?? [values.length], values);
    return constantOf(state, tensor, tensor.dims.length === 1 ? listText([...values]) : undefined);
  },
  node(op, inputs, attributes = {}, options = {}) {
    const output = addNode(state, prefix, 1, op, inputs, attributes, options)[0];
    if (output === undefined) throw new Error(`${op} has no output`);
    return output;
  },
  nodeOf(count, op, inputs, attributes = {}, options = {}) {
    return addNode(state, prefix, count, op, inputs, attributes, options);
  },
  output(name, dtype, shape) {
    if (!state.defined.has(name)) throw new Error(`output ${name} is not defined`);
    state.outputs.push({ name, type: { kind: 'tensor', dtype, shape } });
  },
  scope: (name) => scoped(state, `${prefix}${name}/`),
  build: () => modelOf(state),
});

const modelOf = (state: State): Model => ({
  irVersion: state.irVersion,
  opsets: new Map(state.opsets),
  graph: {
    name: state.name,
    nodes: [...state.nodes],
    inputs: [...state.inputs],
    outputs: [...state.outputs],
    initializers: new Map(state.initializers),
    values: new Map(),
  },
  functions: [],
  producer: 'aivillage',
  metadata: { ...state.metadata },
});

const addNode = (
  state: State,
  prefix: string,
  count: number,
  op: string,
  inputs: readonly string[],
  attributes: Attributes,
  { domain = '', name, outputs }: NodeOptions,
): readonly string[] => {
  const full =
    name === undefined ? freshName(state, prefix + op) : name.startsWith('/') ? name : prefix + name;
  if (state.nodeNames.has(full)) throw new Error(`two nodes are named ${full}`);
  if (!state.opsets.has(domain)) throw new Error(`${full}: no opset of ${domain} is imported`);
  const unknown = inputs.find((input) => input !== '' && !state.defined.has(input));
  if (unknown !== undefined) throw new Error(`${full} uses ${unknown}, which is not defined before it`);
  const named = outputs ?? Array.from({ length: count }, (_, i) => `${full}/output_${i}`);
  for (const output of named) if (output !== '') define(state, output);
  state.nodeNames.add(full);
  state.nodes.push({ op, domain, name: full, inputs: [...inputs], outputs: named, attributes });
  return named;
};

const define = (state: State, name: string): void => {
  if (name === '') throw new Error('a value needs a name');
  if (state.defined.has(name)) throw new Error(`${name} is defined twice`);
  state.defined.add(name);
};

const freshName = (state: State, base: string): string => {
  for (;;) {
    const uses = state.uses.get(base) ?? 0;
    state.uses.set(base, uses + 1);
    const name = uses === 0 ? base : `${base}_${uses}`;
    if (!state.nodeNames.has(name)) return name;
  }
};

const constantOf = (state: State, tensor: Tensor, content: string | undefined): string => {
  const bytes = tensor.data.kind === 'bytes' ? tensor.data.bytes : new Uint8Array();
  const key = `${tensor.dtype} ${tensor.dims.join('x')} ${sha256Hex(bytes)}`;
  const known = state.constants.get(key);
  if (known !== undefined) return known;
  const short = content !== undefined && content.length <= 64 ? content : undefined;
  const typed = `${constantPrefix}${protoName(tensor.dtype)}/`;
  const name = typed + (short ?? `[${tensor.dims.join('x')}]#${state.constants.size}`);
  define(state, name);
  state.initializers.set(name, tensor);
  state.constants.set(key, name);
  return name;
};

/** The names of `TensorProto.DataType` for what constants are made of. */
const protoName = (dtype: DataType): string => (dataTypeNumbers[dtype] === 1 ? 'FLOAT' : dtype.toUpperCase());

const numberText = (value: number): string => (Object.is(value, -0) ? '-0' : `${value}`);
const listText = (values: readonly number[]): string | undefined =>
  values.length <= 16 ? `[${values.map(numberText).join(', ')}]` : undefined;
