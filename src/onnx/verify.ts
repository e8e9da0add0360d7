import { type OnnxFault, onnxFault } from './fault.ts';
import { describeNode, functionKey, inferLimits, inferModel, opsetOf } from './infer.ts';
import { byteLengthOf, countOf } from './ir/dataTypes.ts';
import { isFiniteTensor } from './ir/tensor.ts';
import type { Attribute, Graph, Model, ModelFunction, Node, Tensor, Value } from './ir/types.ts';
import { findCycle, functionCycles, graphsOf, orderFaults, outerNames } from './ops/order.ts';
import { checkNode, domainOf, lookUp, newestOpset } from './ops/registry.ts';

export type VerifyOptions = {
  /** Also read the initializers in memory, and report those with NaN or infinities. */
  readonly finite?: boolean;
};

/** How many faults are told at most. */
export const maxFaults = 100;
/** More elements than any tensor has: 2^40 of a byte are a terabyte. */
export const maxElements = 2 ** 40;

/**
 * All that breaks ONNX's rules, most important first: names, order and cycles; operators and opsets; nodes against their
 * declarations; tensors; types and shapes. Empty for a good model. Reads no external data, runs nothing, and doesn't know
 * which operators a runtime implements.
 */
export const verifyModel = (model: Model, options: VerifyOptions = {}): readonly OnnxFault[] => {
  const check = new Check(model, options);
  check.graph(model.graph, undefined, 0);
  for (const called of model.functions) check.function(called);
  for (const cycle of functionCycles(model.functions))
    check.add('names', 'invalid', `functions call themselves: ${cycle.join(' → ')}`);
  for (const fault of inferModel(model).faults) check.keep('types', fault);
  return check.faults();
};

/** In the order in which they are told. */
const kinds = ['names', 'operators', 'nodes', 'tensors', 'types', 'numbers'] as const;
type Kind = (typeof kinds)[number];

/** All names a graph defines, wherever in it. */
type Scope = { readonly names: ReadonlySet<string>; readonly parent: Scope | undefined };
type Where = {
  readonly opsets: ReadonlyMap<string, number>;
  readonly depth: number;
  readonly inFunction: boolean;
};

class Check {
  private readonly found: Readonly<Record<Kind, OnnxFault[]>> = {
    names: [],
    operators: [],
    nodes: [],
    tensors: [],
    types: [],
    numbers: [],
  };
  private readonly functions: ReadonlyMap<string, ModelFunction>;
  private readonly told = new Set<string>();
  private readonly missingDomains = new Set<string>();
  private readonly model: Model;
  private readonly options: VerifyOptions;

  constructor(model: Model, options: VerifyOptions) {
    this.model = model;
    this.options = options;
    this.functions = new Map(model.functions.map((f) => [functionKey(f.domain, f.name, f.overload), f]));
  }

  faults(): readonly OnnxFault[] {
    return kinds.flatMap((kind) => this.found[kind]).slice(0, maxFaults);
  }

  add(kind: Kind, code: OnnxFault['code'], message: string, node?: Node): void {
    this.keep(kind, onnxFault(code, message, node && describeNode(node)));
  }

  keep(kind: Kind, fault: OnnxFault): void {
    // The inference stops at some of what is found here as well.
    if (this.found[kind].length >= maxFaults || this.told.has(fault.message)) return;
    this.told.add(fault.message);
    this.found[kind].push(fault);
  }

  graph(graph: Graph, parent: Scope | undefined, depth: number, where?: Where): void {
    const names = new Set<string>();
    const define = (name: string, what: string, node?: Node): void => {
      if (names.has(name))
        this.add('names', 'invalid', `${what} "${name}" is defined already in graph "${graph.name}"`, node);
      else if (isVisible(parent, name))
        this.add('names', 'invalid', `${what} "${name}" hides one of the graph around "${graph.name}"`, node);
      names.add(name);
    };
    for (const input of graph.inputs) define(input.name, 'input');
    const inputNames = new Set(names);
    for (const name of graph.initializers.keys()) if (!inputNames.has(name)) define(name, 'initializer');
    for (const node of graph.nodes)
      for (const name of node.outputs) if (name !== '') define(name, `output of ${node.op}`, node);
    for (const value of [...graph.inputs, ...graph.outputs, ...graph.values.values()]) this.value(value);
    for (const [name, tensor] of graph.initializers) this.tensor(tensor, `initializer "${name}"`);
    const inside = where ?? { opsets: this.model.opsets, depth, inFunction: false };
    this.nodes(graph.nodes, { names, parent }, inside);
    for (const { name } of graph.outputs)
      if (!isVisible({ names, parent }, name))
        this.add('names', 'invalid', `output "${name}" of graph "${graph.name}" is made by nobody`);
  }

  function(called: ModelFunction): void {
    const names = new Set(called.inputs);
    for (const node of called.nodes)
      for (const name of node.outputs) {
        if (name !== '' && names.has(name))
          this.add('names', 'invalid', `"${name}" is defined twice in function ${called.name}`, node);
        if (name !== '') names.add(name);
      }
    const scope = { names, parent: undefined };
    this.nodes(called.nodes, scope, { opsets: called.opsets, depth: 0, inFunction: true });
    for (const name of called.outputs)
      if (!names.has(name))
        this.add('names', 'invalid', `output "${name}" of function ${called.name} is made by nobody`);
  }

  private nodes(nodes: readonly Node[], scope: Scope, where: Where): void {
    for (const node of nodes) {
      for (const name of node.inputs)
        if (name !== '' && !isVisible(scope, name))
          this.add(
            'names',
            'invalid',
            `${node.op} "${describeNode(node)}" takes "${name}", which nobody makes`,
            node,
          );
      this.operator(node, where);
      for (const [name, attribute] of Object.entries(node.attributes)) this.attribute(node, name, attribute);
      for (const graph of graphsOf(node)) this.subgraph(graph, node, scope, where);
    }
    this.order(nodes);
  }

  private subgraph(graph: Graph, node: Node, scope: Scope, where: Where): void {
    if (where.depth >= inferLimits.maxDepth) {
      const message = `graph "${graph.name}" nests deeper than ${inferLimits.maxDepth} levels`;
      this.add('names', 'too-large', message, node);
      return;
    }
    this.graph(graph, scope, where.depth + 1, { ...where, depth: where.depth + 1 });
  }

  private order(nodes: readonly Node[]): void {
    const uses = nodes.map((node) => [...node.inputs, ...outerNames(node)]);
    const cycle = findCycle(nodes, uses);
    if (cycle !== undefined) {
      const path = cycle.slice(0, 8).map(describeNode).join(' → ');
      const more = cycle.length > 8 ? ` → … (${cycle.length} nodes)` : '';
      this.add('names', 'invalid', `nodes wait for each other: ${path}${more}`, cycle[0]);
      return;
    }
    for (const { node, name, maker } of orderFaults(nodes, uses)) {
      const late = `takes "${name}" before ${maker.op} "${describeNode(maker)}" makes it`;
      const message = `${node.op} "${describeNode(node)}" ${late}; the nodes can be put in order`;
      this.add('names', 'invalid', message, node);
    }
  }

  private operator(node: Node, where: Where): void {
    if (this.functions.has(functionKey(node.domain, node.op, node.overload))) return;
    const opset = opsetOf(where.opsets, node.domain);
    if (opset === undefined) {
      this.missingDomain(node);
      return;
    }
    const found = lookUp(node.domain, node.op, opset);
    const at = `${node.op} "${describeNode(node)}"`;
    switch (found.kind) {
      case 'open':
        return;
      case 'unknown':
        this.add('operators', 'invalid', `${at}: ai.onnx has no such operator`, node);
        return;
      case 'too-new': {
        const message = `${at}: no such operator up to opset ${newestOpset}, the model has ${opset}`;
        this.add('operators', 'unsupported', message, node);
        return;
      }
      case 'later': {
        const message = `${at} came with opset ${found.since}, the model has ${opset}`;
        this.add('operators', 'invalid', message, node);
        return;
      }
      case 'found': {
        // Runtimes add attributes to their own operators without another version.
        const isOpen = domainOf(node.domain) !== '';
        if (found.version.deprecated)
          this.add('operators', 'invalid', `${at} was withdrawn with opset ${found.version.since[0]}`, node);
        for (const problem of checkNode(found.version, node, isOpen))
          this.add('nodes', 'invalid', `${at} ${problem}`, node);
        return;
      }
      default:
        found satisfies never;
    }
  }

  private missingDomain(node: Node): void {
    const domain = domainOf(node.domain);
    if (this.missingDomains.has(domain)) return;
    this.missingDomains.add(domain);
    const message = `no opset of domain "${domain || 'ai.onnx'}" is imported, ${node.op} "${describeNode(node)}" is of it`;
    this.add('operators', 'invalid', message, node);
  }

  private attribute(node: Node, name: string, attribute: Attribute): void {
    const tensors =
      attribute.type === 'tensor' ? [attribute.value] : attribute.type === 'tensors' ? attribute.value : [];
    for (const tensor of tensors)
      this.tensor(tensor, `attribute ${name} of ${node.op} "${describeNode(node)}"`, node);
  }

  private tensor(tensor: Tensor, what: string, node?: Node): void {
    const problem = problemOfTensor(tensor);
    if (problem !== undefined) this.add('tensors', 'invalid', `${what}: ${problem}`, node);
    else if (this.options.finite && isFiniteTensor(tensor) === false)
      this.add('numbers', 'invalid', `${what} has elements that are not finite`, node);
  }

  private value({ name, type }: Value): void {
    if (type.kind !== 'tensor' || type.shape === undefined) return;
    const problem = problemOfDims(type.shape.filter((dim) => typeof dim === 'number'));
    if (problem !== undefined) this.add('tensors', 'invalid', `value "${name}": ${problem}`);
  }
}

const isVisible = (scope: Scope | undefined, name: string): boolean => {
  for (let at = scope; at !== undefined; at = at.parent) if (at.names.has(name)) return true;
  return false;
};

const problemOfTensor = ({ dtype, dims, data }: Tensor): string | undefined => {
  const problem = problemOfDims(dims);
  if (problem !== undefined) return problem;
  const count = countOf(dims);
  if (data.kind === 'strings' || dtype === 'string') {
    if (data.kind !== 'strings') return data.kind === 'bytes' ? 'it is of strings, and has bytes' : undefined;
    if (dtype !== 'string') return `it is ${dtype}, and has strings`;
    return data.strings.length === count
      ? undefined
      : `[${dims.join()}] has ${count} strings, ${data.strings.length} are there`;
  }
  const length = data.kind === 'bytes' ? data.bytes.byteLength : data.length;
  const wanted = byteLengthOf(dtype, count);
  if (length === undefined || length === wanted) return undefined;
  return `${dtype}[${dims.join()}] needs ${wanted} bytes, ${length} are there`;
};

const problemOfDims = (dims: readonly number[]): string | undefined => {
  const odd = dims.find((dim) => !Number.isSafeInteger(dim) || dim < 0);
  if (odd !== undefined) return `[${dims.join()}] has a dimension of ${odd}`;
  return countOf(dims) > maxElements ? `[${dims.join()}] has more than ${maxElements} elements` : undefined;
};
