import { err, ok, type Result } from '../core/result.ts';
import { type OnnxFault, onnxFault } from './fault.ts';
import type { Attribute, Dim, Graph, Model, ModelFunction, Node, Value, ValueType } from './ir/types.ts';
import { checkParameters, domainOf, inferCall, lookUp } from './ops/registry.ts';
import { type Known, Misfit, type Operand, type OpVersion } from './ops/schema.ts';
import { show, tensorOfType } from './ops/shapes.ts';
import { foldCall, knownOfTensor } from './ops/values.ts';

/**
 * The type of every value of a model, from its inputs and initializers on through every node: what ONNX calls shape
 * inference. Follows the file's order, each node once; functions are gone through at each call. A value of an operator that
 * nobody declared here is of unknown type, and what the file says of it (`value_info`) then stands.
 */
export type Inference = {
  /** Also of subgraphs: a name that two subgraphs use for different things is of unknown type here. */
  readonly types: ReadonlyMap<string, ValueType>;
  /** By graph, so that equal names are apart. */
  readonly graphs: ReadonlyMap<Graph, ReadonlyMap<string, ValueType>>;
  /** Small constants and shape vectors of the main graph, with names where a dimension has one. */
  readonly known: ReadonlyMap<string, Known>;
  /** What doesn't fit; the values behind it are as far known as they can be. */
  readonly faults: readonly OnnxFault[];
};

export const inferTypes = (model: Model): Result<ReadonlyMap<string, ValueType>, OnnxFault> => {
  const { types, faults } = inferModel(model);
  const [first] = faults;
  return first === undefined ? ok(types) : err(first);
};

export const inferModel = (model: Model): Inference => {
  const run: Run = {
    functions: new Map(model.functions.map((f) => [functionKey(f.domain, f.name, f.overload), f])),
    graphs: new Map(),
    faults: [],
    hasDefaults: model.irVersion >= 4,
    visits: 0,
  };
  const scope: Scope = { values: new Map(), parent: undefined };
  const frame: Frame = { opsets: model.opsets, attributes: undefined, depth: 0 };
  inferGraph(run, frame, model.graph, [], scope);
  const known = new Map<string, Known>();
  for (const [name, operand] of scope.values) if (operand.known) known.set(name, operand.known);
  return { types: flatten(run.graphs), graphs: run.graphs, known, faults: run.faults };
};

export const inferLimits = {
  /** Subgraphs in subgraphs, and functions that call functions. */
  maxDepth: 64,
  /** Nodes in functions, at each call again: calls in calls multiply. */
  maxFunctionVisits: 1_000_000,
  maxFaults: 1_000,
} as const;

/** How faults name a node: its name, or what it is and makes. */
export const describeNode = ({ name, op, outputs }: Node): string =>
  name !== '' ? name : `${op} of ${outputs.find((output) => output !== '') ?? 'nothing'}`;

type Run = {
  readonly functions: ReadonlyMap<string, ModelFunction>;
  readonly graphs: Map<Graph, ReadonlyMap<string, ValueType>>;
  readonly faults: OnnxFault[];
  readonly hasDefaults: boolean;
  visits: number;
};
type Scope = { readonly values: Map<string, Operand>; readonly parent: Scope | undefined };
type Frame = {
  readonly opsets: ReadonlyMap<string, number>;
  /** In a function: those of the call. */
  readonly attributes: Readonly<Record<string, Attribute>> | undefined;
  readonly depth: number;
};

const inferGraph = (
  run: Run,
  frame: Frame,
  graph: Graph,
  operands: readonly (Operand | undefined)[],
  scope: Scope,
): readonly Operand[] => {
  graph.inputs.forEach((input, i) => {
    scope.values.set(input.name, declare(run, operands[i], input));
  });
  for (const [name, tensor] of graph.initializers) {
    // The default of an input: a caller may give another. Before IR version 4 every initializer was an input too.
    if (run.hasDefaults && scope.values.has(name)) continue;
    const type: ValueType = { kind: 'tensor', dtype: tensor.dtype, shape: tensor.dims };
    const known = knownOfTensor(tensor);
    scope.values.set(name, known === undefined ? { type } : { type, known });
  }
  const declared = (name: string): Value | undefined => graph.values.get(name) ?? outputs.get(name);
  const outputs = new Map(graph.outputs.map((output) => [output.name, output]));
  for (const node of graph.nodes) inferNode(run, frame, node, scope, declared);
  if (frame.attributes === undefined)
    run.graphs.set(graph, new Map([...scope.values].map(([name, { type }]) => [name, type])));
  return graph.outputs.map((output) => look(scope, output.name) ?? { type: output.type });
};

const inferNode = (
  run: Run,
  frame: Frame,
  written: Node,
  scope: Scope,
  declared: (name: string) => Value | undefined,
): void => {
  const node = frame.attributes === undefined ? written : resolve(written, frame.attributes);
  const inputs = node.inputs.map((name) =>
    name === '' ? undefined : (look(scope, name) ?? { type: { kind: 'unknown' as const } }),
  );
  const outputs = outputsOf(run, frame, node, inputs, scope);
  node.outputs.forEach((name, i) => {
    if (name === '') return;
    scope.values.set(name, declare(run, outputs[i], declared(name), node));
  });
};

const outputsOf = (
  run: Run,
  frame: Frame,
  node: Node,
  inputs: readonly (Operand | undefined)[],
  scope: Scope,
): readonly Operand[] => {
  const called = run.functions.get(functionKey(node.domain, node.op, node.overload));
  if (called !== undefined) return inferFunction(run, frame, called, node, inputs);
  const domain = domainOf(node.domain);
  // ONNX Runtime takes its own domain's operators without an import; nobody takes others.
  const opset = opsetOf(frame.opsets, node.domain) ?? (domain === 'com.microsoft' ? 1 : undefined);
  const found = opset === undefined ? undefined : lookUp(domain, node.op, opset);
  if (found?.kind === 'found') return inferOperator(run, frame, node, found.version, inputs, scope);
  inferOrphans(run, frame, node, scope);
  return [];
};

const inferOperator = (
  run: Run,
  frame: Frame,
  node: Node,
  version: OpVersion,
  inputs: readonly (Operand | undefined)[],
  scope: Scope,
): readonly Operand[] => {
  const subgraph = (attribute: string, operands: readonly (Operand | undefined)[]) =>
    inferSubgraph(run, frame, node, attribute, operands, scope);
  const problems = checkParameters(version, node);
  for (const problem of problems)
    report(run, onnxFault('invalid', `${node.op} "${describeNode(node)}" ${problem}`, describeNode(node)));
  if (problems.length > 0) return [];
  const types = inferCall(version, node, inputs, subgraph);
  if (!types.ok) {
    report(
      run,
      onnxFault('invalid', `${node.op} "${describeNode(node)}": ${types.error}`, describeNode(node)),
    );
    return [];
  }
  const shapes = types.value.map((type) => tensorOfType(type)?.shape);
  const known = foldCall({ node, version, inputs, outputTypes: [], subgraph }, shapes);
  return types.value.map((type, i) => {
    const value = known[i];
    return value === undefined ? { type } : { type, known: value };
  });
};

const inferSubgraph = (
  run: Run,
  frame: Frame,
  node: Node,
  name: string,
  operands: readonly (Operand | undefined)[],
  scope: Scope,
): readonly Operand[] => {
  const attribute = Object.hasOwn(node.attributes, name) ? node.attributes[name] : undefined;
  if (attribute?.type !== 'graph') throw new Misfit(`it has no graph ${name}`);
  const { inputs } = attribute.value;
  if (operands.length !== inputs.length)
    throw new Misfit(`${name} takes ${inputs.length} values, it gets ${operands.length}`);
  return enter(run, frame, node, (inside) =>
    inferGraph(run, inside, attribute.value, operands, { values: new Map(), parent: scope }),
  );
};

/** Graphs of an operator that nobody declared: what is in them can be known all the same. */
const inferOrphans = (run: Run, frame: Frame, node: Node, scope: Scope): void => {
  for (const attribute of Object.values(node.attributes)) {
    const graphs =
      attribute.type === 'graph' ? [attribute.value] : attribute.type === 'graphs' ? attribute.value : [];
    for (const graph of graphs)
      enter(run, frame, node, (inside) =>
        inferGraph(run, inside, graph, [], { values: new Map(), parent: scope }),
      );
  }
};

/** The body with its inputs and attributes bound to the call's. It sees nothing around the call. */
const inferFunction = (
  run: Run,
  frame: Frame,
  called: ModelFunction,
  node: Node,
  inputs: readonly (Operand | undefined)[],
): readonly Operand[] =>
  enter(run, frame, node, ({ depth }) => {
    const scope: Scope = { values: new Map(), parent: undefined };
    called.inputs.forEach((name, i) => {
      const operand = inputs[i];
      if (operand !== undefined) scope.values.set(name, operand);
    });
    const inside: Frame = {
      opsets: called.opsets,
      attributes: { ...called.defaults, ...node.attributes },
      depth,
    };
    run.visits += called.nodes.length;
    if (run.visits > inferLimits.maxFunctionVisits) {
      const most = `functions call functions: more than ${inferLimits.maxFunctionVisits} nodes in all`;
      report(run, onnxFault('too-large', most, describeNode(node)));
      return [];
    }
    for (const inner of called.nodes) inferNode(run, inside, inner, scope, (name) => called.values.get(name));
    return called.outputs.map((name) => look(scope, name) ?? { type: { kind: 'unknown' } });
  });

const enter = (
  run: Run,
  frame: Frame,
  node: Node,
  work: (inside: Frame) => readonly Operand[],
): readonly Operand[] => {
  if (frame.depth < inferLimits.maxDepth && run.visits <= inferLimits.maxFunctionVisits)
    return work({ ...frame, depth: frame.depth + 1 });
  if (run.visits <= inferLimits.maxFunctionVisits) {
    const message = `${node.op} "${describeNode(node)}" nests deeper than ${inferLimits.maxDepth} levels`;
    report(run, onnxFault('too-large', message, describeNode(node)));
  }
  return [];
};

const report = (run: Run, fault: OnnxFault): void => {
  if (run.faults.length < inferLimits.maxFaults) run.faults.push(fault);
};

const look = (scope: Scope, name: string): Operand | undefined => {
  for (let at: Scope | undefined = scope; at !== undefined; at = at.parent) {
    const found = at.values.get(name);
    if (found !== undefined) return found;
  }
  return undefined;
};

/** What was inferred and what the file says, together. */
const declare = (
  run: Run,
  inferred: Operand | undefined,
  declared: Value | undefined,
  node?: Node,
): Operand => {
  if (declared === undefined) return inferred ?? { type: { kind: 'unknown' } };
  if (inferred === undefined) return { type: declared.type };
  const contradiction = contradictionOf(inferred.type, declared.type);
  if (contradiction !== undefined) {
    const by = node === undefined ? '' : ` by ${node.op} "${describeNode(node)}"`;
    const message = `value "${declared.name}" is inferred ${showType(inferred.type)}${by}, and declared ${showType(declared.type)}: ${contradiction}`;
    report(run, onnxFault('invalid', message, node && describeNode(node)));
    return inferred;
  }
  return { ...inferred, type: merge(inferred.type, declared.type) };
};

const contradictionOf = (inferred: ValueType, declared: ValueType): string | undefined => {
  if (inferred.kind === 'unknown' || declared.kind === 'unknown') return undefined;
  if (inferred.kind !== declared.kind) return 'they are not of one kind';
  if ('element' in inferred && 'element' in declared)
    return contradictionOf(inferred.element, declared.element);
  const [a, b] = [tensorOfType(inferred), tensorOfType(declared)];
  if (a === undefined || b === undefined) return undefined;
  if (a.dtype !== b.dtype) return 'the element types differ';
  if (a.shape === undefined || b.shape === undefined) return undefined;
  if (a.shape.length !== b.shape.length) return 'the ranks differ';
  const at = a.shape.findIndex((dim, i) => isContradiction(dim, b.shape?.[i]));
  return at < 0 ? undefined : `dimension ${at} differs`;
};

/** Only numbers contradict: names in files are often made up for one place. */
const isContradiction = (a: Dim, b: Dim): boolean =>
  typeof a === 'number' && typeof b === 'number' && a !== b;

/** A number tells most, then what was inferred. */
const merge = (inferred: ValueType, declared: ValueType): ValueType => {
  if (inferred.kind === 'unknown') return declared;
  const [a, b] = [tensorOfType(inferred), tensorOfType(declared)];
  if (a === undefined || b === undefined) return inferred;
  const { shape } = a;
  if (shape === undefined || b.shape === undefined) return { ...a, shape: shape ?? b.shape };
  const dims = shape.map((dim, i) => (typeof dim === 'number' ? dim : pick(dim, b.shape?.[i])));
  return { ...a, shape: dims };
};
const pick = (inferred: Dim, declared: Dim): Dim =>
  typeof declared === 'number' ? declared : (inferred ?? declared);

const resolve = (node: Node, given: Readonly<Record<string, Attribute>>): Node => {
  const attributes: [string, Attribute][] = [];
  for (const [name, attribute] of Object.entries(node.attributes)) {
    if (attribute.type !== 'reference') attributes.push([name, attribute]);
    else {
      const value = Object.hasOwn(given, attribute.to) ? given[attribute.to] : undefined;
      if (value !== undefined) attributes.push([name, value]);
    }
  }
  return { ...node, attributes: Object.fromEntries(attributes) };
};

export const opsetOf = (opsets: ReadonlyMap<string, number>, domain: string): number | undefined =>
  domainOf(domain) === '' ? (opsets.get('') ?? opsets.get('ai.onnx')) : opsets.get(domain);

export const functionKey = (domain: string, name: string, overload = ''): string =>
  JSON.stringify([domainOf(domain), name, overload]);

const flatten = (graphs: Run['graphs']): ReadonlyMap<string, ValueType> => {
  const all = new Map<string, ValueType>();
  for (const values of graphs.values())
    for (const [name, type] of values) {
      const other = all.get(name);
      all.set(name, other === undefined || isSameType(other, type) ? type : { kind: 'unknown' });
    }
  return all;
};
const isSameType = (a: ValueType, b: ValueType): boolean => showType(a) === showType(b);

export const showType = (type: ValueType): string => {
  const tensor = tensorOfType(type);
  if (tensor !== undefined)
    return `${tensor.dtype}${tensor.shape === undefined ? '[…]' : show(tensor.shape)}`;
  if (type.kind === 'map') return `map of ${type.key} to ${showType(type.value)}`;
  return 'element' in type ? `${type.kind} of ${showType(type.element)}` : type.kind;
};
