import type { Graph, ModelFunction, Node } from '../ir/types.ts';
import { domainOf } from './registry.ts';

/** The order of nodes, and what stands in its way. Everything here is a loop: graphs may have a million nodes in a row. */

export const graphsOf = (node: Node): readonly Graph[] =>
  Object.values(node.attributes).flatMap((attribute) =>
    attribute.type === 'graph' ? [attribute.value] : attribute.type === 'graphs' ? attribute.value : [],
  );

/** Names that a node's subgraphs take from around them; to a depth at which nothing else looks either. */
export const outerNames = (node: Node): ReadonlySet<string> => {
  const free = new Set<string>();
  collect(graphsOf(node), [], free, 0);
  return free;
};
const maxDepth = 64;

const collect = (
  graphs: readonly Graph[],
  around: readonly ReadonlySet<string>[],
  free: Set<string>,
  depth: number,
): void => {
  if (depth > maxDepth) return;
  for (const graph of graphs) {
    const own = new Set([...graph.inputs.map(({ name }) => name), ...graph.initializers.keys()]);
    for (const { outputs } of graph.nodes) for (const name of outputs) own.add(name);
    const scopes = [...around, own];
    const take = (name: string) => {
      if (name !== '' && !scopes.some((scope) => scope.has(name))) free.add(name);
    };
    for (const node of graph.nodes) {
      node.inputs.forEach(take);
      collect(graphsOf(node), scopes, free, depth + 1);
    }
    for (const { name } of graph.outputs) take(name);
  }
};

type Uses = readonly (readonly string[])[];

const makersOf = (nodes: readonly Node[]): ReadonlyMap<string, number> => {
  const makers = new Map<string, number>();
  nodes.forEach(({ outputs }, i) => {
    for (const name of outputs) if (name !== '' && !makers.has(name)) makers.set(name, i);
  });
  return makers;
};

/** Nodes that each need an output of the next, the last of the first; undefined if the nodes can be put in order. */
export const findCycle = (nodes: readonly Node[], uses: Uses): readonly Node[] | undefined => {
  const makers = makersOf(nodes);
  const needs = uses.map((names) => names.flatMap((name) => makers.get(name) ?? []));
  const left = needs.map((list) => list.length);
  const users: number[][] = nodes.map(() => []);
  needs.forEach((list, i) => {
    for (const maker of list) users[maker]?.push(i);
  });
  const ready = left.flatMap((count, i) => (count === 0 ? [i] : []));
  for (let next = ready.pop(); next !== undefined; next = ready.pop())
    for (const user of users[next] ?? []) {
      const count = (left[user] ?? 0) - 1;
      left[user] = count;
      if (count === 0) ready.push(user);
    }
  const start = left.findIndex((count) => count > 0);
  return start < 0 ? undefined : walk(nodes, needs, left, start);
};

/** From a node that waits to one it waits for, until one comes up again. */
const walk = (
  nodes: readonly Node[],
  needs: readonly (readonly number[])[],
  left: readonly number[],
  start: number,
): readonly Node[] => {
  const path: number[] = [];
  const positions = new Map<number, number>();
  let at: number | undefined = start;
  while (at !== undefined && !positions.has(at)) {
    positions.set(at, path.length);
    path.push(at);
    at = needs[at]?.find((maker) => (left[maker] ?? 0) > 0);
  }
  const from = at === undefined ? 0 : (positions.get(at) ?? 0);
  return path.slice(from).flatMap((i) => nodes[i] ?? []);
};

export type OrderFault = { readonly node: Node; readonly name: string; readonly maker: Node };

/** Uses of what a later node makes. */
export const orderFaults = (nodes: readonly Node[], uses: Uses): readonly OrderFault[] => {
  const makers = makersOf(nodes);
  return nodes.flatMap((node, i) =>
    (uses[i] ?? []).flatMap((name) => {
      const at = makers.get(name);
      const maker = at === undefined || at < i ? undefined : nodes[at];
      return maker === undefined ? [] : [{ node, name, maker }];
    }),
  );
};

/** Functions that call each other around, each ring once, by name. */
export const functionCycles = (functions: readonly ModelFunction[]): readonly (readonly string[])[] => {
  const key = (domain: string, name: string, overload = '') => `${domainOf(domain)}::${name}::${overload}`;
  const byKey = new Map(functions.map((f) => [key(f.domain, f.name, f.overload), f]));
  const asNodes: Node[] = functions.map((f) => {
    const calls = callsOf(f.nodes).map((node) => key(node.domain, node.op, node.overload));
    return {
      op: f.name,
      domain: f.domain,
      name: f.name,
      inputs: calls.filter((call) => byKey.has(call)),
      outputs: [key(f.domain, f.name, f.overload)],
      attributes: {},
    };
  });
  const cycle = findCycle(
    asNodes,
    asNodes.map(({ inputs }) => inputs),
  );
  return cycle === undefined ? [] : [[...cycle, ...cycle.slice(0, 1)].map(({ name }) => name)];
};

const callsOf = (nodes: readonly Node[]): readonly Node[] => {
  const all: Node[] = [];
  const waiting: { readonly nodes: readonly Node[]; readonly depth: number }[] = [{ nodes, depth: 0 }];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop())
    for (const node of next.nodes) {
      all.push(node);
      if (next.depth < maxDepth)
        for (const graph of graphsOf(node)) waiting.push({ nodes: graph.nodes, depth: next.depth + 1 });
    }
  return all;
};
