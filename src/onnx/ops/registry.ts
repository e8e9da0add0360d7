import { err, ok, type Result } from '../../core/result.ts';
import type { Attribute, DataType, Dim, Node, ValueType } from '../ir/types.ts';
import { attentionOps } from './attention.ts';
import { control } from './control.ts';
import { convolution } from './convolution.ts';
import { elementwise } from './elementwise.ts';
import { generation } from './generation.ts';
import { indexing } from './indexing.ts';
import { linear } from './linear.ts';
import { microsoft, simplifiedLayerNormalization } from './microsoft.ts';
import { movement } from './movement.ts';
import { normalization } from './normalization.ts';
import { otherOps } from './otherOps.ts';
import { quantization } from './quantization.ts';
import { recurrent } from './recurrent.ts';
import { reduction } from './reduction.ts';
import {
  type AttributeRule,
  arityOf,
  type Call,
  Misfit,
  misfit,
  type Operand,
  type OpTable,
  type OpVersion,
  parameterOf,
} from './schema.ts';
import { show, tensorOfType } from './shapes.ts';
import { sizing } from './sizing.ts';

/** Every operator this code knows, by domain. */
export const operators: Readonly<Record<string, OpTable>> = {
  '': {
    ...elementwise,
    ...reduction,
    ...movement,
    ...sizing,
    ...indexing,
    ...linear,
    ...convolution,
    ...normalization,
    ...recurrent,
    ...quantization,
    ...generation,
    ...control,
    ...attentionOps,
    ...otherOps,
    SimplifiedLayerNormalization: simplifiedLayerNormalization,
  },
  'com.microsoft': microsoft,
};

/** The newest opset of ai.onnx that the tables tell of: all its operators up to there are in them. */
export const newestOpset = 28;

/** 'ai.onnx' is another way to write ''. */
export const domainOf = (domain: string): string => (domain === 'ai.onnx' ? '' : domain);

/**
 * `open`: the domain has operators that are not in the tables. `too-new`: the model's opset is above what they tell of, so
 * it may be an operator that came later.
 */
export type Lookup =
  | { readonly kind: 'found'; readonly version: OpVersion }
  | { readonly kind: 'open' }
  | { readonly kind: 'too-new' }
  | { readonly kind: 'unknown' }
  /** It came with this opset. */
  | { readonly kind: 'later'; readonly since: number };

export const lookUp = (domain: string, op: string, opset: number): Lookup => {
  const table = tableOf(domain);
  if (table === undefined) return { kind: 'open' };
  const versions = Object.hasOwn(table, op) ? table[op] : undefined;
  if (versions === undefined)
    return { kind: domainOf(domain) !== '' ? 'open' : opset > newestOpset ? 'too-new' : 'unknown' };
  const version = versions.findLast(({ since }) => since[0] <= opset);
  if (version !== undefined) return { kind: 'found', version };
  return { kind: 'later', since: versions[0]?.since[0] ?? 1 };
};

const tableOf = (domain: string): OpTable | undefined => {
  const name = domainOf(domain);
  return Object.hasOwn(operators, name) ? operators[name] : undefined;
};

/**
 * The types of a call's outputs, one for each name the node has. For nodes in which `checkParameters` found nothing; the
 * error says what doesn't fit.
 */
export const inferCall = (
  version: OpVersion,
  node: Node,
  inputs: readonly (Operand | undefined)[],
  subgraph: Call['subgraph'],
): Result<readonly ValueType[], string> => {
  const bound = bindTypes(version, node, inputs);
  if (!bound.ok) return bound;
  try {
    const types = version.infer({ node, version, inputs, outputTypes: bound.value, subgraph });
    return ok(node.outputs.map((_, i) => checkedType(types[i])));
  } catch (error) {
    if (error instanceof Misfit) return err(error.message);
    throw error;
  }
};

/** A rule may calculate with what a file says: below zero is a misfit, and what no dimension can be is not known. */
const checkedType = (type: ValueType | undefined): ValueType => {
  const tensor = tensorOfType(type);
  if (tensor?.shape === undefined) return type ?? { kind: 'unknown' };
  const { shape } = tensor;
  if (shape.some((dim) => typeof dim === 'number' && dim < 0)) misfit(`the result would be ${show(shape)}`);
  const isOdd = (dim: Dim) => typeof dim === 'number' && !Number.isSafeInteger(dim);
  return shape.some(isOdd)
    ? { ...tensor, shape: shape.map((dim) => (isOdd(dim) ? undefined : dim)) }
    : tensor;
};

/** Checks the inputs' element types against the signature; the outputs' as far as that tells. */
const bindTypes = (
  version: OpVersion,
  node: Node,
  inputs: readonly (Operand | undefined)[],
): Result<readonly (DataType | undefined)[], string> => {
  const bindings = new Map<string, DataType>();
  for (const [i, input] of inputs.entries()) {
    const parameter = parameterOf(version.inputs, i);
    const type = input?.type;
    if (parameter?.types === undefined || type === undefined || type.kind === 'unknown') continue;
    const dtype = tensorOfType(type)?.dtype;
    if (dtype === undefined)
      return err(`input ${i} ("${node.inputs[i]}") is a ${type.kind}, it takes a tensor`);
    if (!parameter.types.has(dtype))
      return err(`input ${i} ("${node.inputs[i]}") is ${dtype}, it takes ${[...parameter.types].join(', ')}`);
    if (parameter.variable === undefined) continue;
    const other = bindings.get(parameter.variable);
    if (other !== undefined && other !== dtype)
      return err(`input ${i} ("${node.inputs[i]}") is ${dtype}, an input of the same type is ${other}`);
    bindings.set(parameter.variable, dtype);
  }
  return ok(node.outputs.map((_, i) => outputType(version, i, bindings)));
};

const outputType = (
  version: OpVersion,
  index: number,
  bindings: ReadonlyMap<string, DataType>,
): DataType | undefined => {
  const parameter = parameterOf(version.outputs, index);
  if (parameter?.variable !== undefined) return bindings.get(parameter.variable);
  const [only, ...more] = parameter?.types ?? [];
  return more.length === 0 ? only : undefined;
};

/**
 * What of a node breaks its declaration: how many parameters it has, which are left out, and its attributes. An `isOpen`
 * operator may have attributes that are not declared.
 */
export const checkNode = (version: OpVersion, node: Node, isOpen = false): readonly string[] => [
  ...checkParameters(version, node),
  ...checkAttributes(version.attributes, node.attributes, isOpen),
];

/** Only how many there are and which are left out: the rules for types rely on it. */
export const checkParameters = (version: OpVersion, node: Node): readonly string[] => [
  ...checkArity('input', version.inputs, node.inputs),
  ...checkArity('output', version.outputs, node.outputs),
];

const checkArity = (
  what: string,
  formal: OpVersion['inputs'],
  names: readonly string[],
): readonly string[] => {
  const [least, most] = arityOf(formal);
  if (names.length < least || names.length > most)
    return [`has ${names.length} ${what}s, it takes ${rangeOf(least, most)}`];
  return names.flatMap((name, i) =>
    name === '' && what === 'input' && parameterOf(formal, i)?.presence === 'required'
      ? [`leaves out ${what} ${i}, which it needs`]
      : [],
  );
};

const rangeOf = (least: number, most: number): string => {
  if (most === Number.POSITIVE_INFINITY) return `${least} or more`;
  return least === most ? `${least}` : `${least} to ${most}`;
};

const checkAttributes = (
  rules: OpVersion['attributes'],
  attributes: Readonly<Record<string, Attribute>>,
  isOpen: boolean,
): readonly string[] => {
  const problems: string[] = [];
  for (const [name, { required }] of Object.entries(rules))
    if (required && !Object.hasOwn(attributes, name))
      problems.push(`has no attribute ${name}, which it needs`);
  for (const [name, attribute] of Object.entries(attributes)) {
    const rule = Object.hasOwn(rules, name) ? rules[name] : undefined;
    if (rule === undefined && isOpen) continue;
    if (rule === undefined)
      problems.push(`has an attribute ${name}, it knows ${Object.keys(rules).join(', ') || 'none'}`);
    else if (!isOfType(attribute, rule))
      problems.push(`has an attribute ${name} of type ${attribute.type}, it takes ${rule.type}`);
  }
  return problems;
};

/** An empty list has no type of its own in some files. */
const isOfType = (attribute: Attribute, { type }: AttributeRule): boolean =>
  type === 'any' ||
  attribute.type === type ||
  attribute.type === 'reference' ||
  attribute.type === 'unknown' ||
  (attribute.type === 'bytes' && type === 'string');
