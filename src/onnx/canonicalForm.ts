import { toHex } from '../core/bytes.ts';
import { sha256Hex } from '../core/hash.ts';
import { err, ok, type Result } from '../core/result.ts';
import { type OnnxFault, onnxFault } from './fault.ts';
import type { Attribute, Graph, Model, ModelFunction, Node, Tensor, ValueType } from './ir/types.ts';

export type HashOptions = { readonly interface?: 'named' | 'positional' };

/**
 * The canonical text of a model, with tensors where their hashes go: what `hash.ts` makes a name of, and says what it depends
 * on. Knows the order of the walk and how each thing is written; doesn't read a tensor.
 */
export const canonicalParts = (
  model: Model,
  options: HashOptions = {},
): Result<readonly (string | Tensor)[], OnnxFault> => {
  const writer: Writer = {
    parts: [],
    numbers: 0,
    symbols: new Map(),
    functions: new Map(model.functions.map((f) => [operatorText(f.domain, f.name, f.overload), f])),
    called: new Set(),
    bodies: new Map(),
  };
  try {
    put(writer, `onnx content 1\n${opsetText(model.opsets)}`);
    putGraph(writer, model.graph, undefined, options.interface !== 'positional');
    for (const called of writer.called) putFunction(writer, called);
    return ok(writer.parts);
  } catch (error) {
    if (error instanceof Refused) return err(error.fault);
    throw error;
  }
};

/** What stops the writing. Never leaves `canonicalParts`. */
class Refused extends Error {
  readonly fault: OnnxFault;
  constructor(fault: OnnxFault) {
    super(fault.message);
    this.fault = fault;
  }
}
const refuse = (message: string, node?: string) => new Refused(onnxFault('invalid', message, node));

type Writer = {
  readonly parts: (string | Tensor)[];
  numbers: number;
  readonly symbols: Map<string, string>;
  /** By operator. */
  readonly functions: ReadonlyMap<string, ModelFunction>;
  /** In the order of the first call; grows while it is walked. */
  readonly called: Set<ModelFunction>;
  readonly bodies: Map<Body, Ordered>;
};
/** What has nodes: a graph, or a function's body as one. */
type Body = Pick<Graph, 'nodes' | 'initializers'> & {
  readonly inputs: readonly { readonly name: string }[];
  readonly outputs: readonly { readonly name: string }[];
};
type Ordered = {
  readonly nodes: readonly Node[];
  /** Names from around it, in the order of their first use. */
  readonly free: readonly string[];
};
type Scope = {
  readonly body: Body;
  readonly numbers: Map<string, string>;
  readonly outer: Scope | undefined;
};

const maxDepth = 32;

const put = (writer: Writer, text: string) => writer.parts.push(text);
const quote = (name: string) => JSON.stringify(name);
const number = (writer: Writer, scope: Scope, name: string): string => {
  const text = `v${writer.numbers++}`;
  scope.numbers.set(name, text);
  return text;
};

const putGraph = (writer: Writer, graph: Graph, outer: Scope | undefined, named: boolean): void => {
  const scope: Scope = { body: graph, numbers: new Map(), outer };
  for (const { name, type } of graph.inputs) {
    put(writer, `input ${number(writer, scope, name)} ${named ? quote(name) : ''} ${typeText(writer, type)}`);
    const start = graph.initializers.get(name);
    if (start !== undefined) putTensor(writer, start);
    put(writer, '\n');
  }
  putNodes(writer, scope);
  for (const { name, type } of graph.outputs) {
    const value = use(writer, scope, name);
    put(writer, `output ${value} ${named ? quote(name) : ''} ${typeText(writer, type)}\n`);
  }
  put(writer, restText(graph.rest));
};

const putFunction = (writer: Writer, called: ModelFunction): void => {
  put(writer, `function ${operatorText(called.domain, called.name, called.overload)}\n`);
  put(writer, opsetText(called.opsets));
  for (const name of called.attributes.toSorted()) put(writer, `attribute ${quote(name)}\n`);
  putAttributes(writer, called.defaults, undefined);
  const scope: Scope = { body: bodyOf(called), numbers: new Map(), outer: undefined };
  for (const name of called.inputs) put(writer, `input ${number(writer, scope, name)}\n`);
  putNodes(writer, scope);
  for (const name of called.outputs) put(writer, `output ${use(writer, scope, name)}\n`);
  put(writer, restText(called.rest));
};

const bodyOf = ({ nodes, inputs, outputs }: ModelFunction): Body => ({
  nodes,
  initializers: new Map(),
  inputs: inputs.map((name) => ({ name })),
  outputs: outputs.map((name) => ({ name })),
});

const putNodes = (writer: Writer, scope: Scope): void => {
  for (const node of orderOf(writer, scope.body, 0).nodes) {
    const { op, domain, overload, attributes, rest } = node;
    const inputs = trimmed(node.inputs).map((name) => (name === '' ? '_' : use(writer, scope, name, node)));
    const outputs = trimmed(node.outputs).map((name) => (name === '' ? '_' : number(writer, scope, name)));
    const operator = operatorText(domain, op, overload);
    put(writer, `${outputs.join()} = ${operator}(${inputs.join()})\n`);
    putAttributes(writer, attributes, scope);
    put(writer, restText(rest));
    const called = writer.functions.get(operator);
    if (called !== undefined) writer.called.add(called);
  }
};

/** The number of a value that is used; an initializer is written where it is used first. */
const use = (writer: Writer, from: Scope, name: string, node?: Node): string => {
  for (let scope: Scope | undefined = from; scope !== undefined; scope = scope.outer) {
    const known = scope.numbers.get(name);
    if (known !== undefined) return known;
    const tensor = scope.body.initializers.get(name);
    if (tensor === undefined) continue;
    const text = number(writer, scope, name);
    put(writer, `${text} = `);
    putTensor(writer, tensor);
    put(writer, '\n');
    return text;
  }
  throw refuse(`${quote(name)} is used, and nothing defines it`, node && labelOf(node));
};

const putTensor = (writer: Writer, tensor: Tensor): void => {
  put(writer, `tensor ${tensor.dtype}[${tensor.dims.join()}] `);
  writer.parts.push(tensor);
  put(writer, restText(tensor.rest));
};

const putAttributes = (
  writer: Writer,
  attributes: Readonly<Record<string, Attribute>>,
  scope: Scope | undefined,
): void => {
  for (const name of Object.keys(attributes).toSorted()) {
    const attribute = attributes[name];
    if (attribute === undefined) continue;
    put(writer, `.${quote(name)} ${attribute.type} `);
    putAttribute(writer, attribute, scope);
    put(writer, `${restText(attribute.rest)}\n`);
  }
};

const putAttribute = (writer: Writer, attribute: Attribute, scope: Scope | undefined): void => {
  if (attribute.type === 'tensor') putTensor(writer, attribute.value);
  else if (attribute.type === 'tensors') for (const tensor of attribute.value) putTensor(writer, tensor);
  else if (attribute.type === 'graph' || attribute.type === 'graphs')
    for (const graph of graphsOf(attribute)) {
      put(writer, '{\n');
      putGraph(writer, graph, scope, false);
      put(writer, '}');
    }
  else put(writer, attributeText(writer, attribute));
};

type PlainAttribute = Exclude<Attribute, { type: 'tensor' | 'tensors' | 'graph' | 'graphs' }>;

const attributeText = (writer: Writer, attribute: PlainAttribute): string => {
  switch (attribute.type) {
    case 'int':
      return `${attribute.value}`;
    case 'ints':
      return attribute.value.join();
    case 'float':
      return floatText(attribute.value);
    case 'floats':
      return attribute.value.map(floatText).join();
    case 'string':
      return quote(attribute.value);
    case 'strings':
      return attribute.value.map(quote).join();
    case 'bytes':
      return toHex(attribute.value);
    case 'type':
      return typeText(writer, attribute.value);
    case 'reference':
      return `${quote(attribute.to)} ${attribute.of}`;
    case 'unknown':
      return '';
    default:
      return attribute satisfies never;
  }
};

/** Nodes that outputs need, each after what it needs, in the order of a walk that doesn't recurse: graphs are deep. */
const orderOf = (writer: Writer, body: Body, depth: number): Ordered => {
  const known = writer.bodies.get(body);
  if (known !== undefined) return known;
  if (depth > maxDepth)
    throw new Refused(onnxFault('too-large', `graphs nest deeper than ${maxDepth} levels`));
  const producers = producersOf(body);
  const given = new Set([...body.inputs.map(({ name }) => name), ...body.initializers.keys()]);
  const nodes = new Set<Node>();
  const free = new Set<string>();
  const open = new Set<Node>();
  const stack: { readonly node: Node | undefined; readonly needs: readonly string[]; next: number }[] = [
    { node: undefined, needs: body.outputs.map(({ name }) => name), next: 0 },
  ];
  for (let frame = stack.at(-1); frame !== undefined; frame = stack.at(-1)) {
    const name = frame.needs[frame.next++];
    if (name === undefined) {
      stack.pop();
      if (frame.node !== undefined) nodes.add(frame.node);
      continue;
    }
    const node = producers.get(name);
    if (given.has(name) || (node !== undefined && nodes.has(node))) continue;
    if (node === undefined) free.add(name);
    else if (open.has(node)) throw refuse(`${quote(name)} needs itself`, labelOf(node));
    else {
      open.add(node);
      stack.push({ node, needs: needsOf(writer, node, depth), next: 0 });
    }
  }
  const ordered = { nodes: [...nodes], free: [...free] };
  writer.bodies.set(body, ordered);
  return ordered;
};

const producersOf = ({ nodes, inputs, initializers }: Body): ReadonlyMap<string, Node> => {
  const producers = new Map<string, Node>();
  const taken = new Set(initializers.keys());
  for (const { name } of inputs) taken.add(name);
  for (const node of nodes)
    for (const output of node.outputs) {
      if (output === '') continue;
      if (taken.has(output)) throw refuse(`${quote(output)} is defined twice`, labelOf(node));
      taken.add(output);
      producers.set(output, node);
    }
  return producers;
};

const needsOf = (writer: Writer, { inputs, attributes }: Node, depth: number): readonly string[] => [
  ...inputs.filter((name) => name !== ''),
  ...Object.keys(attributes)
    .toSorted()
    .flatMap((name) => graphsOf(attributes[name]))
    .flatMap((graph) => orderOf(writer, graph, depth + 1).free),
];

const graphsOf = (attribute: Attribute | undefined): readonly Graph[] => {
  if (attribute?.type === 'graph') return [attribute.value];
  return attribute?.type === 'graphs' ? attribute.value : [];
};

const typeText = (writer: Writer, type: ValueType, depth = 0): string => {
  if (depth > maxDepth)
    throw new Refused(onnxFault('too-large', `types nest deeper than ${maxDepth} levels`));
  const rest = restText(type.rest);
  switch (type.kind) {
    case 'tensor':
    case 'sparse-tensor': {
      const dims = type.shape?.map((dim) =>
        typeof dim === 'string' ? symbolText(writer, dim) : (dim ?? '?'),
      );
      return `${type.kind} ${type.dtype}${dims === undefined ? '' : `[${dims.join()}]`}${rest}`;
    }
    case 'sequence':
    case 'optional':
      return `${type.kind}(${typeText(writer, type.element, depth + 1)})${rest}`;
    case 'map':
      return `map(${type.key},${typeText(writer, type.value, depth + 1)})${rest}`;
    case 'unknown':
      return `unknown${rest}`;
    default:
      return type satisfies never;
  }
};

const symbolText = (writer: Writer, symbol: string): string => {
  const text = writer.symbols.get(symbol) ?? `d${writer.symbols.size}`;
  writer.symbols.set(symbol, text);
  return text;
};

const plainDomain = (domain: string) => (domain === 'ai.onnx' ? '' : domain);
const operatorText = (domain: string, op: string, overload = '') =>
  [plainDomain(domain), op, overload].map(quote).join(':');
const opsetText = (opsets: ReadonlyMap<string, number>) =>
  [...opsets]
    .map(([domain, version]) => `opset ${quote(plainDomain(domain))} ${version}\n`)
    .toSorted()
    .join('');
/** Every NaN is one. */
const floatText = (value: number) => (Object.is(value, -0) ? '-0' : `${Math.fround(value)}`);
const restText = (rest: Uint8Array | undefined) =>
  rest === undefined || rest.byteLength === 0 ? '' : ` rest ${sha256Hex(rest)}`;
const labelOf = ({ name, op, outputs }: Node) => name || `${op} ${outputs[0] ?? ''}`;

/** Absent options at the end may be written or left out. */
const trimmed = (names: readonly string[]) => names.slice(0, names.findLastIndex((name) => name !== '') + 1);
