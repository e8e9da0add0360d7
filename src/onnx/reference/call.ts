import type { OnnxFault } from '../fault.ts';
import { countOf } from '../ir/dataTypes.ts';
import type { Attribute, Graph, Node } from '../ir/types.ts';
import { broadcastDims, itemAt } from './indexing.ts';
import {
  isFloat,
  isInteger,
  isRealArray,
  type NdArray,
  type RealArray,
  type RealType,
  toNumbers,
} from './ndArray.ts';
import { rounderOf } from './rounding.ts';

/** What stops an evaluation: its text says what is wrong. Never leaves `evaluate.ts`, which adds the node. */
export class Refusal extends Error {
  readonly code: OnnxFault['code'];
  constructor(code: OnnxFault['code'], message: string) {
    super(message);
    this.code = code;
  }
}

export const invalid = (message: string) => new Refusal('invalid', message);
export const unsupported = (message: string) => new Refusal('unsupported', message);

/** What an evaluation may still use. Changed in place: every operator draws on the same one. */
export type Budget = {
  /** Elements of the values that are alive, at most `maxElements`. */
  live: number;
  readonly maxElements: number;
  /** Steps of inner loops so far, about one multiplication and addition each, at most `maxWork`. */
  work: number;
  readonly maxWork: number;
};

/** One application of an operator: all that it may know. */
export type Call = {
  readonly node: Node;
  /** Attributes, references to a function's attributes resolved. */
  readonly attributes: Readonly<Record<string, Attribute>>;
  /** Version of the operator set of the node's domain. */
  readonly opset: number;
  readonly inputs: readonly (NdArray | undefined)[];
  /** Sums are rounded to float32 after each term. */
  readonly single: boolean;
  /** Results are rounded to their types: an operator does so with what it computes in between and rounds to integers. */
  readonly rounds: boolean;
  readonly budget: Budget;
  readonly maxIterations: number;
  /** Evaluates a graph of an attribute, which sees the values around the node. */
  readonly run: (graph: Graph, inputs: readonly NdArray[]) => readonly NdArray[];
};

/** Pure: outputs in the operator's order, undefined for one that it doesn't compute. */
export type Operator = (call: Call) => readonly (NdArray | undefined)[];
/** Operators of one domain by name. */
export type Operators = Readonly<Record<string, Operator>>;

/** Draws `count` steps of work. */
export const spend = ({ budget }: Call, count: number): void => {
  budget.work += count;
  if (!(budget.work <= budget.maxWork))
    throw new Refusal('too-large', `the evaluation takes more than ${budget.maxWork} steps (maxWork)`);
};

/** Draws room for an array of `dims`, and says how many elements that is. */
export const claim = (call: Call, dims: readonly number[]): number => {
  const { budget } = call;
  const count = countOf(dims);
  if (dims.some((dim) => !Number.isSafeInteger(dim) || dim < 0)) throw invalid(`[${dims}] is no shape`);
  if (!(budget.live + count <= budget.maxElements))
    throw new Refusal(
      'too-large',
      `[${dims}] has ${count} elements; ${budget.maxElements - budget.live} of ${budget.maxElements} are left (maxElements)`,
    );
  budget.live += count;
  spend(call, count);
  return count;
};

export const zeros = (call: Call, dtype: RealType, dims: readonly number[]): RealArray => ({
  dtype,
  dims,
  values: new Float64Array(claim(call, dims)),
});

/** What a value in between is once it is stored as `dtype`. */
export const stored = (call: Call, dtype: RealType, value: number): number =>
  call.rounds ? rounderOf(dtype)(value) : value;

/** The next partial sum. */
export const add = (call: Call, sum: number, term: number): number =>
  call.single ? Math.fround(sum + term) : sum + term;

// Inputs, by position.

export const optionalInput = (call: Call, position: number): NdArray | undefined => call.inputs[position];

export const input = (call: Call, position: number): NdArray => {
  const array = call.inputs[position];
  if (array === undefined) throw invalid(`input ${position} is not there`);
  return array;
};

const typeError = (position: number, wanted: string, found: NdArray) =>
  invalid(`input ${position} is of ${found.dtype}, not ${wanted}`);

/** Of any type up to 32 bits, or float64. */
export const realInput = (call: Call, position: number): RealArray => {
  const array = input(call, position);
  if (!isRealArray(array)) throw typeError(position, 'a type of at most 32 bits or a float', array);
  return array;
};

export const floatInput = (call: Call, position: number): RealArray => {
  const array = realInput(call, position);
  if (!isFloat(array.dtype)) throw typeError(position, 'a float type', array);
  return array;
};

export const optionalFloat = (call: Call, position: number): RealArray | undefined =>
  optionalInput(call, position) && floatInput(call, position);

export const boolInput = (call: Call, position: number): RealArray => {
  const array = realInput(call, position);
  if (array.dtype !== 'bool') throw typeError(position, 'bool', array);
  return array;
};

/** The values of an integer input, as near as numbers come to them: bounds may stand for "to the end". */
export const roughIntegers = (call: Call, position: number): number[] => {
  const array = input(call, position);
  if (!isInteger(array.dtype)) throw typeError(position, 'an integer type', array);
  return toNumbers(array);
};

/** The same, each a safe integer. */
export const integers = (call: Call, position: number): number[] => {
  const numbers = roughIntegers(call, position);
  const unsafe = numbers.find((number) => !Number.isSafeInteger(number));
  if (unsafe !== undefined) throw invalid(`input ${position} has ${unsafe}, which is beyond exact integers`);
  return numbers;
};

/** The one value of an integer input. */
export const integer = (call: Call, position: number): number => {
  const [value, ...more] = integers(call, position);
  if (value === undefined || more.length > 0) throw invalid(`input ${position} is not one number`);
  return value;
};

export const requireRank = (array: NdArray, position: number, least: number, most = least): void => {
  const rank = array.dims.length;
  if (rank < least || rank > most)
    throw invalid(
      `input ${position} has rank ${rank} [${array.dims}], not ${least === most ? least : `${least} to ${most}`}`,
    );
};

export const requireDims = (array: NdArray, position: number, dims: readonly number[]): void => {
  if (array.dims.length !== dims.length || dims.some((dim, axis) => dim !== array.dims[axis]))
    throw invalid(`input ${position} is [${array.dims}], not [${dims}]`);
};

export const requireSameType = (call: Call, positions: readonly number[]): void => {
  const [first, ...others] = positions.map((position) => input(call, position).dtype);
  const other = others.find((dtype) => dtype !== first);
  if (other !== undefined) throw invalid(`its inputs are of ${first} and ${other}, and must be of one type`);
};

export const commonDims = (...shapes: readonly (readonly number[])[]): number[] => {
  const dims = broadcastDims(...shapes);
  if (dims === undefined)
    throw invalid(`shapes ${shapes.map((shape) => `[${shape}]`).join(' and ')} don't broadcast`);
  return dims;
};

/** An axis from the front; negative ones count from the end. */
export const axisOf = (axis: number, rank: number): number => {
  if (axis < -rank || axis >= rank) throw invalid(`axis ${axis} is none of ${rank}`);
  return axis < 0 ? axis + rank : axis;
};

/** The same for several, each once. */
export const axesOf = (axes: readonly number[], rank: number): number[] => {
  const found = axes.map((axis) => axisOf(axis, rank));
  if (new Set(found).size !== found.length) throw invalid(`axes [${axes}] name one twice`);
  return found;
};

export const dimAt = (array: NdArray, axis: number): number => itemAt(array.dims, axis);

// Attributes, by name.

const attribute = <Type extends Attribute['type']>(
  call: Call,
  name: string,
  type: Type,
): Extract<Attribute, { type: Type }> | undefined => {
  const found = Object.hasOwn(call.attributes, name) ? call.attributes[name] : undefined;
  if (found === undefined) return undefined;
  if (!isOfType(found, type)) throw invalid(`attribute ${name} is of type ${found.type}, not ${type}`);
  return found;
};

const isOfType = <Type extends Attribute['type']>(
  found: Attribute,
  type: Type,
): found is Extract<Attribute, { type: Type }> => found.type === type;

export const optionalInt = (call: Call, name: string): number | undefined => {
  const value = attribute(call, name, 'int')?.value;
  if (value === undefined) return undefined;
  if (!Number.isSafeInteger(Number(value)))
    throw invalid(`attribute ${name} is ${value}, beyond exact integers`);
  return Number(value);
};

export const intAttribute = (call: Call, name: string, otherwise: number): number =>
  optionalInt(call, name) ?? otherwise;

export const requiredInt = (call: Call, name: string): number => {
  const value = optionalInt(call, name);
  if (value === undefined) throw invalid(`attribute ${name} is not there`);
  return value;
};

/** May be beyond exact integers: a bound that stands for "to the end". */
export const optionalInts = (call: Call, name: string): number[] | undefined =>
  attribute(call, name, 'ints')?.value.map(Number);

export const floatAttribute = (call: Call, name: string, otherwise: number): number =>
  attribute(call, name, 'float')?.value ?? otherwise;

export const optionalFloatAttribute = (call: Call, name: string): number | undefined =>
  attribute(call, name, 'float')?.value;

export const optionalFloats = (call: Call, name: string): readonly number[] | undefined =>
  attribute(call, name, 'floats')?.value;

export const stringAttribute = (call: Call, name: string, otherwise: string): string =>
  attribute(call, name, 'string')?.value ?? otherwise;

export const tensorAttribute = (call: Call, name: string) => attribute(call, name, 'tensor')?.value;

export const graphAttribute = (call: Call, name: string): Graph => {
  const graph = attribute(call, name, 'graph')?.value;
  if (graph === undefined) throw invalid(`attribute ${name} is not there`);
  return graph;
};
