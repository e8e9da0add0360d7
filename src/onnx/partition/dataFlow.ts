import type { Graph, Node, ValueType } from '../ir/types.ts';
import { outerNames } from '../ops/order.ts';
import { domainOf } from '../ops/registry.ts';

/** Who makes and who reads each value of a graph. Knows no names' meanings: opaque ones do as well. */
export type DataFlow = {
  readonly graph: Graph;
  /** By node: what it reads, in subgraphs too, each once. */
  readonly reads: readonly (readonly string[])[];
  /** By node: of its operand only the shape matters. */
  readonly isShapeOnly: readonly boolean[];
  /** Node by the value it makes. */
  readonly makers: ReadonlyMap<string, number>;
  /** Inputs that a caller has to give. */
  readonly inputs: ReadonlySet<string>;
};

export const dataFlowOf = (graph: Graph): DataFlow => {
  const makers = new Map<string, number>();
  graph.nodes.forEach(({ outputs }, i) => {
    for (const name of outputs) if (name !== '') makers.set(name, i);
  });
  return {
    graph,
    reads: graph.nodes.map((node) => [
      ...new Set([...node.inputs.filter((name) => name !== ''), ...outerNames(node)]),
    ]),
    isShapeOnly: graph.nodes.map(isShapeOnly),
    makers,
    inputs: new Set(graph.inputs.flatMap(({ name }) => (graph.initializers.has(name) ? [] : [name]))),
  };
};

const isShapeOnly = ({ op, domain }: Node): boolean =>
  domainOf(domain) === '' && (op === 'Shape' || op === 'Size');

/** The values that depend on the elements of `sources`, those included. A shape is not an element. */
export const dependents = (flow: DataFlow, sources: Iterable<string>): ReadonlySet<string> => {
  const found = new Set(sources);
  flow.graph.nodes.forEach(({ outputs }, i) => {
    if (flow.isShapeOnly[i] || !flow.reads[i]?.some((name) => found.has(name))) return;
    for (const name of outputs) if (name !== '') found.add(name);
  });
  return found;
};

/** Whole numbers and truth values: lengths, places, what is left out. Any stage may have them. */
export const isIndex = (type: ValueType | undefined): boolean =>
  type?.kind === 'tensor' && indexTypes.has(type.dtype);
const indexTypes: ReadonlySet<string> = new Set(['int64', 'int32', 'bool']);
