import type { Attribute, DataType, Dim, Node, Shape, ValueType } from '../ir/types.ts';
import { type TypeSet, type TypeSetName, typeSets } from './dtypes.ts';

/**
 * How an operator is declared: parameters with their types, attributes with their defaults, and a rule that finds the types
 * of the outputs. ONNX calls it an operator schema. Knows nothing of graphs: a call has the types of its inputs with it.
 */

/** The elements of a small tensor of whole or other numbers, row-major; a name or undefined where one is not known. */
export type Known = readonly Dim[];

export type Operand = { readonly type: ValueType; readonly known?: Known };

/** One node with what is known of its inputs. An optional input that is left out is undefined. */
export type Call = {
  readonly node: Node;
  readonly version: OpVersion;
  readonly inputs: readonly (Operand | undefined)[];
  /** Element types of the outputs as far as the signature tells: bound by an input or fixed. */
  readonly outputTypes: readonly (DataType | undefined)[];
  /** Infers through the subgraph in this attribute, with these as its inputs. Its outputs. */
  readonly subgraph: (attribute: string, inputs: readonly (Operand | undefined)[]) => readonly Operand[];
};

/** One for each output of the node, also for those left out. Throws `Misfit`. */
export type Infer = (call: Call) => readonly ValueType[];
/** Only shapes, where the signature tells the element types. Throws `Misfit`. */
export type ShapeRule = (call: Call) => readonly (Shape | undefined)[];

/** What stops an inference: its text says what doesn't fit. Never leaves this folder's `inferCall`. */
export class Misfit extends Error {}
export const misfit = (message: string): never => {
  throw new Misfit(message);
};

export type AttributeType = Exclude<Attribute['type'], 'reference' | 'bytes' | 'unknown'> | 'any';
export type AttributeRule = {
  readonly type: AttributeType;
  readonly required: boolean;
  readonly byDefault?: number | string | readonly number[];
};

/** A formal parameter. */
export type Parameter = {
  /** A type variable: all parameters of the same one have the same element type. */
  readonly variable: string | undefined;
  /** Undefined: any value, a sequence or an optional too. */
  readonly types: TypeSet | undefined;
  readonly presence: 'required' | 'optional' | 'any-number' | 'one-or-more';
};

export type OpVersion = {
  /** The opsets that revised it without changing more than the types it takes; the first is where this form begins. */
  readonly since: readonly [number, ...number[]];
  readonly inputs: readonly Parameter[];
  readonly outputs: readonly Parameter[];
  readonly attributes: Readonly<Record<string, AttributeRule>>;
  /** Another operator does it from here on. */
  readonly deprecated?: true;
  readonly infer: Infer;
};

/** Of one domain, by operator, oldest form first. */
export type OpTable = Readonly<Record<string, readonly OpVersion[]>>;

type Attributes = Readonly<Record<string, AttributeRule>>;
type Where = Readonly<Record<string, TypeSetName>>;

/**
 * A form of an operator. The signature is written "T T index? -> T bool?": a capital letter is a type variable (any element
 * type unless `where` says which), another word a set of types, an element type or `any`; `?` marks an optional parameter,
 * `*` any number of them, `+` at least one.
 */
export const form = (
  since: readonly [number, ...number[]],
  signature: string,
  infer: Infer,
  attributes: Attributes = {},
  where: Where = {},
): OpVersion => {
  const [inputs = '', outputs = ''] = signature.split('->');
  return { since, inputs: parameters(inputs, where), outputs: parameters(outputs, where), attributes, infer };
};

/** An attribute with a default, and without. */
export const int = (byDefault?: number): AttributeRule => attribute('int', byDefault);
export const ints = (byDefault?: readonly number[]): AttributeRule => attribute('ints', byDefault);
export const float = (byDefault?: number): AttributeRule => attribute('float', byDefault);
export const text = (byDefault?: string): AttributeRule => attribute('string', byDefault);
export const optional = (type: AttributeType): AttributeRule => ({ type, required: false });
export const required = (type: AttributeType): AttributeRule => ({ type, required: true });

/** An inference from a rule for shapes, the element types being the signature's. */
export const shaped =
  (rule: ShapeRule): Infer =>
  (call) => {
    const shapes = rule(call);
    return call.node.outputs.map((_, i) => tensorType(call.outputTypes[i], shapes[i]));
  };

/** Element types that the signature tells, and shapes that nobody knows before it runs. */
export const unshaped: Infer = shaped(() => []);

export const unknownType: ValueType = { kind: 'unknown' };

export const tensorType = (dtype: DataType | undefined, shape: Shape | undefined): ValueType =>
  dtype === undefined ? unknownType : { kind: 'tensor', dtype, shape };

/** Fewest and most; the most is not finite if any number will do. */
export const arityOf = (formal: readonly Parameter[]): readonly [number, number] => {
  let least = 0;
  formal.forEach(({ presence }, i) => {
    if (presence === 'required' || presence === 'one-or-more') least = i + 1;
    // What comes before any number of others has to have its place, if an empty one.
    if (presence === 'any-number') least = i;
  });
  const last = formal.at(-1);
  return [least, last && isVariadic(last) ? Number.POSITIVE_INFINITY : formal.length];
};

/** The formal parameter of an argument: the last one may stand for any number. */
export const parameterOf = (formal: readonly Parameter[], index: number): Parameter | undefined => {
  const last = formal.at(-1);
  return formal[index] ?? (last && isVariadic(last) ? last : undefined);
};

const isVariadic = ({ presence }: Parameter): boolean =>
  presence === 'any-number' || presence === 'one-or-more';

const attribute = (type: AttributeType, byDefault: AttributeRule['byDefault']): AttributeRule => ({
  type,
  required: false,
  ...(byDefault === undefined ? {} : { byDefault }),
});

const presences: Readonly<Record<string, Parameter['presence']>> = {
  '?': 'optional',
  '*': 'any-number',
  '+': 'one-or-more',
};

const parameters = (words: string, where: Where): readonly Parameter[] =>
  words
    .split(' ')
    .filter((word) => word !== '')
    .map((word) => {
      const presence = presences[word.slice(-1)] ?? 'required';
      const name = presence === 'required' ? word : word.slice(0, -1);
      const isVariable = /^[A-Z]/.test(name);
      return {
        variable: isVariable ? name : undefined,
        types: isVariable ? typeSets[where[name] ?? 'all'] : typesNamed(name),
        presence,
      };
    });

const typesNamed = (name: string): TypeSet | undefined => {
  if (name === 'any') return undefined;
  if (Object.hasOwn(typeSets, name)) return typeSets[name as TypeSetName];
  for (const dtype of typeSets.all) if (dtype === name) return new Set([dtype]);
  throw new Error(`no type is called ${name}`);
};
