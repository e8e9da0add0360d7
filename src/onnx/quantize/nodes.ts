import { int, ints } from '../ir/attributes.ts';
import { dataTypeNumbers } from '../ir/dataTypes.ts';
import type { Attribute, Node } from '../ir/types.ts';
import type { WeightType } from './rows.ts';
import type { Use } from './uses.ts';

/** Nodes that several forms of a weight are made of. Each has one output. */

/** A name that no value of the graph has, this one if it is free. */
export type Fresh = (name: string) => string;

export const contrib = 'com.microsoft';

export const makeNode = (
  op: string,
  domain: string,
  name: string,
  inputs: readonly string[],
  output: string,
  attributes: Readonly<Record<string, Attribute>> = {},
): Node => ({ op, domain, name, inputs, outputs: [output], attributes });

/** An exporter's node without a name stays so. */
export const suffixed = ({ name }: Node, suffix: string): string => (name === '' ? '' : name + suffix);

export const outputOf = ({ outputs }: Node): string => outputs[0] ?? '';

export const withBias = (
  { node, bias }: Extract<Use, { kind: 'product' }>,
  fresh: Fresh,
  product: (output: string) => readonly Node[],
): readonly Node[] => {
  const output = outputOf(node);
  if (bias === undefined) return product(output);
  const sum = fresh(`${output}_without_bias`);
  return [...product(sum), makeNode('Add', '', suffixed(node, '_bias'), [sum, bias], output)];
};

/** Between casts if the model computes in 16 bits. */
export const inFloat32 = (
  x: string,
  output: string,
  type: WeightType,
  fresh: Fresh,
  make: (x: string, output: string) => Node,
): readonly Node[] => {
  if (type === 'float32') return [make(x, output)];
  const wide = fresh(`${output}_input`);
  return [
    makeNode('Cast', '', wide, [x], wide, { to: int(dataTypeNumbers.float32) }),
    ...castTo(type, output, fresh, (y) => make(wide, y)),
  ];
};

export const castTo = (
  type: WeightType,
  output: string,
  fresh: Fresh,
  make: (output: string) => Node,
): readonly Node[] => {
  if (type === 'float32') return [make(output)];
  const wide = fresh(`${output}_float32`);
  return [make(wide), makeNode('Cast', '', wide, [wide], output, { to: int(dataTypeNumbers[type]) })];
};

/** [length, …indices] → […indices, length]. */
export const turnBack = (node: Node, columns: string, output: string, rank: number): Node => {
  const perm = [...Array.from({ length: rank }, (_, i) => i + 1), 0];
  return makeNode('Transpose', '', suffixed(node, '_rows'), [columns], output, { perm: ints(...perm) });
};
