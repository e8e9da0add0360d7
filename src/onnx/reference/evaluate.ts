import { err, ok, type Result } from '../../core/result.ts';
import { type OnnxFault, onnxFault } from '../fault.ts';
import type { Graph, Model, ModelFunction, Node } from '../ir/types.ts';
import { type Budget, type Call, invalid, Refusal, unsupported } from './call.ts';
import { checkFeed } from './feeds.ts';
import { isFloat, isRealArray, type NdArray } from './ndArray.ts';
import { operatorOf } from './operators/table.ts';
import { rounderOf } from './rounding.ts';
import { lookUp, resolveAttributes, type Scope, withoutAbsent } from './scope.ts';
import { tensorToNdArray } from './tensors.ts';

export type EvaluateOptions = {
  /**
   * 'float64' (the default) keeps every float as it comes out, whatever its type, so that differences of close values mean
   * something. 'float32' rounds every result to its own type, as a runtime that stores it does. `Cast` to float16 and
   * bfloat16 rounds in both.
   */
  readonly precision?: 'float64' | 'float32';
  /** 'float32' rounds sums after each term as well; the default is 'float64'. */
  readonly accumulate?: 'float64' | 'float32';
  /** Elements of all values alive at once; default 2^28, at most 2^30. */
  readonly maxElements?: number;
  /** Steps of all inner loops together, about a multiplication and an addition each; default 2^34. */
  readonly maxWork?: number;
  /** Of one `Loop`; default 10 000. */
  readonly maxIterations?: number;
  /** Version by domain, for a graph that comes without its model; default 21 of ai.onnx. */
  readonly opsets?: ReadonlyMap<string, number>;
  /** What to return: any values of the graph, in place of its outputs. */
  readonly outputs?: readonly string[];
};

/**
 * Computes a model, operator by operator, for clarity and not for speed: what gradients, quantisers and passes are checked
 * against. Knows the operators of `supportedOperators`; doesn't infer shapes, optimize, or read files.
 *
 * `feeds` are the inputs by name; one that has an initializer may be left out. The values of the result may be those of a feed.
 * Errors name the node: `missing` for a feed or data that isn't there, `invalid` for what ONNX forbids or leaves undefined,
 * `unsupported` for what this doesn't know, `too-large` beyond an option's limit.
 */
export const evaluate = (
  model: Model | Graph,
  feeds: ReadonlyMap<string, NdArray>,
  options: EvaluateOptions = {},
): Result<ReadonlyMap<string, NdArray>, OnnxFault> => {
  const graph = 'graph' in model ? model.graph : model;
  const evaluation = createEvaluation(model, options);
  try {
    const scope = bindInputs(evaluation, graph, feeds);
    runNodes(evaluation, scope, graph.nodes);
    const names = options.outputs ?? graph.outputs.map(({ name }) => name);
    return ok(new Map(names.map((name) => [name, lookUp(scope, name)])));
  } catch (error) {
    if (error instanceof NodeRefusal) return err(onnxFault(error.code, error.message, error.node));
    if (error instanceof Refusal) return err(onnxFault(error.code, error.message));
    throw error;
  }
};

/** Nested graphs and functions inside each other. */
const maxDepth = 64;
/** Index tables are of 32 bits. */
const mostElements = 2 ** 30;
const defaultOpset = 21;
const maxRank = 32;

type Evaluation = {
  readonly functions: ReadonlyMap<string, ModelFunction>;
  readonly budget: Budget;
  readonly maxIterations: number;
  readonly rounds: boolean;
  readonly single: boolean;
  readonly opsets: ReadonlyMap<string, number>;
};

/** A refusal of which the node is known: the innermost one. */
class NodeRefusal extends Refusal {
  readonly node: string;
  constructor({ code, message }: Refusal, node: Node) {
    const name = nameOf(node);
    const operator = node.domain === '' ? node.op : `${node.domain}.${node.op}`;
    super(code, `node ${name} (${operator}): ${message}`);
    this.node = name;
  }
}

const nameOf = ({ name, op, outputs }: Node): string =>
  name || `${op} → ${outputs.find((output) => output !== '') ?? 'nothing'}`;

const createEvaluation = (model: Model | Graph, options: EvaluateOptions): Evaluation => {
  const functions = 'graph' in model ? model.functions : [];
  const opsets = 'graph' in model ? model.opsets : (options.opsets ?? new Map([['', defaultOpset]]));
  return {
    functions: new Map(functions.map((one) => [functionKey(one.domain, one.name, one.overload), one])),
    budget: {
      live: 0,
      maxElements: Math.min(options.maxElements ?? 2 ** 28, mostElements),
      work: 0,
      maxWork: options.maxWork ?? 2 ** 34,
    },
    maxIterations: options.maxIterations ?? 10_000,
    rounds: options.precision === 'float32',
    single: options.accumulate === 'float32',
    opsets,
  };
};

const functionKey = (domain: string, name: string, overload = ''): string =>
  JSON.stringify([domainOf(domain), name, overload]);
const domainOf = (domain: string): string => (domain === 'ai.onnx' ? '' : domain);

const bindInputs = (evaluation: Evaluation, graph: Graph, feeds: ReadonlyMap<string, NdArray>): Scope => {
  const scope: Scope = { values: new Map(), depth: 0, opsets: evaluation.opsets, attributes: {} };
  const inputs = new Map(graph.inputs.map((value) => [value.name, value]));
  for (const name of feeds.keys())
    if (!inputs.has(name))
      throw invalid(`feed ${name} is no input; they are ${[...inputs.keys()].join(', ') || 'none'}`);
  const symbols = new Map<string, number>();
  for (const [name, value] of inputs) {
    const feed = feeds.get(name);
    if (feed) {
      requireRank(feed.dims);
      checkFeed(value, feed, symbols);
      scope.values.set(name, rounded(evaluation, feed));
    } else if (!graph.initializers.has(name))
      throw new Refusal('missing', `there is no feed for input ${name}`);
  }
  bindInitializers(evaluation, scope, graph);
  return scope;
};

const bindInitializers = (evaluation: Evaluation, scope: Scope, graph: Graph): void => {
  for (const [name, tensor] of graph.initializers) {
    if (scope.values.has(name)) continue;
    const array = tensorToNdArray(tensor);
    if (!array.ok) throw new Refusal(array.error.code, `initializer ${name}: ${array.error.message}`);
    requireRank(array.value.dims);
    evaluation.budget.live += array.value.values.length;
    scope.values.set(name, array.value);
  }
};

const runNodes = (evaluation: Evaluation, scope: Scope, nodes: readonly Node[]): void => {
  for (const node of nodes)
    try {
      runNode(evaluation, scope, node);
    } catch (error) {
      throw error instanceof Refusal && !(error instanceof NodeRefusal)
        ? new NodeRefusal(error, node)
        : error;
    }
};

const runNode = (evaluation: Evaluation, scope: Scope, node: Node): void => {
  const inputs = node.inputs.map((name) => (name === '' ? undefined : lookUp(scope, name)));
  const attributes = resolveAttributes(node, scope.attributes);
  const body = evaluation.functions.get(functionKey(node.domain, node.op, node.overload));
  const results = body
    ? runFunction(evaluation, scope, body, inputs, attributes)
    : runOperator(evaluation, scope, node, inputs, attributes);
  for (const [i, name] of node.outputs.entries()) {
    if (name === '') continue;
    const result = results[i];
    if (result === undefined) throw unsupported(`its output ${i} is not computed`);
    if (scope.values.has(name)) throw invalid(`value ${name} is made twice`);
    requireRank(result.dims);
    scope.values.set(name, rounded(evaluation, result));
  }
};

/** A rank is a length of many small lists: an absurd one is no tensor that anybody means. */
const requireRank = (dims: readonly number[]): void => {
  if (dims.length > maxRank)
    throw new Refusal('too-large', `a result has rank ${dims.length}, more than ${maxRank}`);
};

const runOperator = (
  evaluation: Evaluation,
  scope: Scope,
  node: Node,
  inputs: readonly (NdArray | undefined)[],
  attributes: Call['attributes'],
): readonly (NdArray | undefined)[] => {
  const domain = domainOf(node.domain);
  const operator = operatorOf(domain, node.op);
  if (!operator)
    throw unsupported(`the reference has no operator ${node.op} of domain ${domain || 'ai.onnx'}`);
  evaluation.budget.work += 1;
  return operator({
    node,
    attributes,
    opset: opsetOf(scope, domain),
    inputs,
    single: evaluation.single,
    rounds: evaluation.rounds,
    budget: evaluation.budget,
    maxIterations: evaluation.maxIterations,
    run: (graph, given) => runSubgraph(evaluation, scope, graph, given),
  });
};

const opsetOf = ({ opsets }: Scope, domain: string): number =>
  opsets.get(domain) ?? (domain === '' ? (opsets.get('ai.onnx') ?? defaultOpset) : 1);

const enter = ({ depth }: Scope): number => {
  if (depth >= maxDepth) throw new Refusal('too-large', `graphs and functions nest deeper than ${maxDepth}`);
  return depth + 1;
};

/** What a scope made is gone after it, but for its results. */
const releasing = (budget: Budget, results: () => readonly NdArray[]): readonly NdArray[] => {
  const before = budget.live;
  const kept = results();
  budget.live = before + kept.reduce((count, { values }) => count + values.length, 0);
  return kept;
};

const runSubgraph = (
  evaluation: Evaluation,
  outer: Scope,
  graph: Graph,
  given: readonly NdArray[],
): readonly NdArray[] => {
  const { opsets, attributes } = outer;
  const scope: Scope = { values: new Map(), outer, depth: enter(outer), opsets, attributes };
  if (given.length !== graph.inputs.length)
    throw invalid(`graph ${graph.name} has ${graph.inputs.length} inputs and is given ${given.length}`);
  for (const [i, { name }] of graph.inputs.entries()) {
    const value = given[i];
    if (value) scope.values.set(name, value);
  }
  return releasing(evaluation.budget, () => {
    bindInitializers(evaluation, scope, graph);
    runNodes(evaluation, scope, graph.nodes);
    return graph.outputs.map(({ name }) => lookUp(scope, name));
  });
};

const runFunction = (
  evaluation: Evaluation,
  caller: Scope,
  body: ModelFunction,
  inputs: readonly (NdArray | undefined)[],
  attributes: Call['attributes'],
): readonly (NdArray | undefined)[] => {
  const scope: Scope = {
    values: new Map(),
    depth: enter(caller),
    opsets: body.opsets,
    attributes: { ...body.defaults, ...attributes },
  };
  if (inputs.length > body.inputs.length)
    throw invalid(`${inputs.length} inputs for a function of ${body.inputs.length}`);
  for (const [i, name] of body.inputs.entries()) {
    const value = inputs[i];
    if (value) scope.values.set(name, value);
  }
  return releasing(evaluation.budget, () => {
    runNodes(
      evaluation,
      scope,
      body.nodes.map((node) => withoutAbsent(node, scope, body)),
    );
    return body.outputs.map((name) => lookUp(scope, name));
  });
};

/** To what its type holds, if that is asked for. Values that are right already are shared, not copied. */
const rounded = ({ rounds }: Evaluation, array: NdArray): NdArray => {
  if (!rounds || !isRealArray(array) || !isFloat(array.dtype)) return array;
  const round = rounderOf(array.dtype);
  const differs = array.values.some((value) => !Object.is(round(value), value));
  return differs ? { ...array, values: array.values.map((value) => round(value)) } : array;
};
