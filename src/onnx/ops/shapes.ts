import type { DataType, Dim, Shape, Tensor, TensorType, ValueType } from '../ir/types.ts';
import { divideDims, isOtherDim, isSameDim, multiplyDims, productOf } from './dims.ts';
import { type Call, type Known, misfit, type Operand, type ShapeRule } from './schema.ts';

/** What the rules share: reading a call, axes, broadcasting. All of it throws `Misfit` on what doesn't fit. */

export const inputOf = (call: Call, index: number): Operand | undefined => call.inputs[index];
export const knownOf = (call: Call, index: number): Known | undefined => call.inputs[index]?.known;

export const tensorOfType = (type: ValueType | undefined): TensorType | undefined =>
  type?.kind === 'tensor' || type?.kind === 'sparse-tensor' ? type : undefined;
export const shapeOf = (call: Call, index: number): Shape | undefined =>
  tensorOfType(call.inputs[index]?.type)?.shape;
export const dtypeOf = (call: Call, index: number): DataType | undefined =>
  tensorOfType(call.inputs[index]?.type)?.dtype;

/** An input's elements if all are whole numbers. */
export const wholeNumbersOf = (call: Call, index: number): readonly number[] | undefined =>
  allNumbers(knownOf(call, index));

export const allNumbers = (known: Known | undefined): readonly number[] | undefined => {
  if (known === undefined) return undefined;
  const numbers = known.filter((element) => typeof element === 'number');
  return numbers.length === known.length ? numbers : undefined;
};

/** The attribute or its default; undefined if there is neither. A number too large for one is not exact, and then not fit. */
export const intOf = (call: Call, name: string): number | undefined => {
  const attribute = attributeOf(call, name);
  if (attribute?.type === 'int') return Number(attribute.value);
  const { byDefault } = call.version.attributes[name] ?? {};
  return attribute === undefined && typeof byDefault === 'number' ? byDefault : undefined;
};

export const intsOf = (call: Call, name: string): readonly number[] | undefined => {
  const attribute = attributeOf(call, name);
  if (attribute?.type === 'ints') return attribute.value.map(Number);
  const { byDefault } = call.version.attributes[name] ?? {};
  return attribute === undefined && typeof byDefault === 'object' ? byDefault : undefined;
};

export const textOf = (call: Call, name: string): string | undefined => {
  const attribute = attributeOf(call, name);
  if (attribute?.type === 'string') return attribute.value;
  const { byDefault } = call.version.attributes[name] ?? {};
  return attribute === undefined && typeof byDefault === 'string' ? byDefault : undefined;
};

export const tensorAttributeOf = (call: Call, name: string): Tensor | undefined => {
  const attribute = attributeOf(call, name);
  return attribute?.type === 'tensor' ? attribute.value : undefined;
};

export const attributeOf = (call: Call, name: string) =>
  Object.hasOwn(call.node.attributes, name) ? call.node.attributes[name] : undefined;

/** Each output has the shape of this input. */
export const like =
  (index: number): ShapeRule =>
  (call) => {
    const shape = shapeOf(call, index);
    return call.node.outputs.map(() => shape);
  };

/** From 0, for a rank; -1 is the last. `extra` is 1 where an axis may be one past the end. */
export const axisIn = (axis: number, rank: number, extra = 0): number => {
  const bound = rank + extra;
  if (!Number.isInteger(axis) || axis < -bound || axis >= bound)
    misfit(`axis ${axis} is not among -${bound} to ${bound - 1}, the shape has ${rank} dimensions`);
  return axis < 0 ? axis + bound : axis;
};

/** Each once, or a misfit. */
export const axesIn = (axes: readonly number[], rank: number): readonly number[] => {
  const all = axes.map((axis) => axisIn(axis, rank));
  if (new Set(all).size !== all.length) misfit(`axes [${axes.join()}] name one twice`);
  return all;
};

export const checkRank = (shape: Shape | undefined, rank: number, what: string): void => {
  if (shape !== undefined && shape.length !== rank)
    misfit(`${what} ${show(shape)} has ${shape.length} dimensions, it takes ${rank}`);
};

export const unknownDims = (rank: number): Dim[] => Array.from({ length: rank }, () => undefined);

/** Two dimensions that have to be the same number: what is known of it. */
export const sameDim = (a: Dim, b: Dim, what: string): Dim => {
  if (isOtherDim(a, b)) misfit(`${what}: ${a} and ${b} are not the same`);
  if (a === undefined) return b;
  return typeof b === 'number' ? b : a;
};

/** NumPy's rule, over any number of shapes. Unknown as soon as one rank is. */
export const broadcastShapes = (shapes: readonly (Shape | undefined)[]): Shape | undefined => {
  let result: readonly Dim[] = [];
  for (const shape of shapes) {
    if (shape === undefined) return undefined;
    result = broadcastTwo(result, shape);
  }
  return result;
};

const broadcastTwo = (a: Shape, b: Shape): Shape => {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const inA = i - (rank - a.length);
    const inB = i - (rank - b.length);
    if (inA < 0) return b[inB];
    if (inB < 0) return a[inA];
    return broadcastDims(a[inA], b[inB], a, b);
  });
};

/**
 * Two names may each be 1, and a name next to an unknown may be as well: only equal ones tell. Next to a number above 1 a
 * name is that number or 1, so the result is the number.
 */
const broadcastDims = (a: Dim, b: Dim, left: Shape, right: Shape): Dim => {
  if (a === 1) return b;
  if (b === 1) return a;
  if (typeof a === 'number' && typeof b === 'number')
    return a === b ? a : misfit(`${show(left)} and ${show(right)} do not broadcast: ${a} and ${b}`);
  if (typeof a === 'number') return a;
  if (typeof b === 'number') return b;
  return isSameDim(a, b) ? a : undefined;
};

/** Whether `from` broadcasts to exactly `to`; a misfit where it certainly doesn't. */
export const checkBroadcastsTo = (from: Shape | undefined, to: Shape | undefined, what: string): void => {
  if (from === undefined || to === undefined) return;
  if (from.length > to.length) misfit(`${what} ${show(from)} has more dimensions than ${show(to)}`);
  from.forEach((dim, i) => {
    const other = to[to.length - from.length + i];
    if (dim !== 1 && isOtherDim(dim, other))
      misfit(`${what} ${show(from)} does not broadcast to ${show(to)}`);
  });
};

/** The product of `whole` over that of `part`, where equal dimensions cancel even if a product can't be written. */
export const quotientOf = (whole: readonly Dim[], part: readonly Dim[]): Dim => {
  const left = [...whole];
  const over: Dim[] = [];
  for (const dim of part) {
    const at = left.findIndex((other) => isSameDim(dim, other));
    if (at < 0) over.push(dim);
    else left.splice(at, 1);
  }
  return divideDims(productOf(left), productOf(over));
};

export const timesDim = (dim: Dim, by: Dim): Dim => multiplyDims(dim, by);

export const show = (shape: Shape): string => `[${shape.map((dim) => dim ?? '?').join(', ')}]`;
