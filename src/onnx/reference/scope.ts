import type { Attribute, ModelFunction, Node } from '../ir/types.ts';
import { invalid } from './call.ts';
import type { NdArray } from './ndArray.ts';

/** Values by name, and where else to look: the scope around a subgraph. A function's body sees nothing around it. */
export type Scope = {
  readonly values: Map<string, NdArray>;
  readonly outer?: Scope;
  readonly depth: number;
  readonly opsets: ReadonlyMap<string, number>;
  /** Of the node that calls the function we are in. */
  readonly attributes: Readonly<Record<string, Attribute>>;
};

export const lookUp = (scope: Scope, name: string): NdArray => {
  for (let at: Scope | undefined = scope; at; at = at.outer) {
    const found = at.values.get(name);
    if (found) return found;
  }
  throw invalid(`value ${name} is used before it is made, or never made`);
};

/** An optional input that the caller leaves out is left out inside as well. */
export const withoutAbsent = (node: Node, { values }: Scope, { inputs }: ModelFunction): Node => {
  const isAbsent = (name: string) => inputs.includes(name) && !values.has(name);
  return node.inputs.some(isAbsent)
    ? { ...node, inputs: node.inputs.map((name) => (isAbsent(name) ? '' : name)) }
    : node;
};

/** References to a function's attributes replaced; one that its caller doesn't give is left out. */
export const resolveAttributes = ({ attributes }: Node, given: Node['attributes']): Node['attributes'] => {
  if (Object.values(attributes).every(({ type }) => type !== 'reference')) return attributes;
  return Object.fromEntries(
    Object.entries(attributes).flatMap(([name, attribute]): [string, Attribute][] => {
      if (attribute.type !== 'reference') return [[name, attribute]];
      const value = Object.hasOwn(given, attribute.to) ? given[attribute.to] : undefined;
      return value === undefined ? [] : [[name, value]];
    }),
  );
};
