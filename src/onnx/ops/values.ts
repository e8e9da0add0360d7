import { countOf } from '../ir/dataTypes.ts';
import { valuesOf } from '../ir/tensor.ts';
import type { Dim, Shape, Tensor } from '../ir/types.ts';
import { addDims, divideDims, isOtherDim, isSameDim, multiplyDims, subtractDims } from './dims.ts';
import { constantAttribute, rangeLength } from './generation.ts';
import { shapeRange } from './movement.ts';
import { type Call, type Known, Misfit } from './schema.ts';
import {
  allNumbers,
  broadcastShapes,
  intOf,
  intsOf,
  knownOf,
  shapeOf,
  tensorAttributeOf,
  tensorOfType,
  wholeNumbersOf,
} from './shapes.ts';

/**
 * The values of small tensors as far as they follow from constants and shapes: enough for the chains of Shape, Gather and
 * Concat that end in a Reshape. Elements may be names. Nothing with more than 1 dimension but constants, and nothing of
 * more than `maxKnown` elements.
 */
const maxKnown = 1024;

/** Of the node's outputs, after its types were inferred. */
export const foldCall = (
  call: Call,
  outputShapes: readonly (Shape | undefined)[],
): readonly (Known | undefined)[] => {
  const { op, domain } = call.node;
  const fold = (domain === '' || domain === 'ai.onnx') && Object.hasOwn(folds, op) ? folds[op] : undefined;
  if (fold === undefined) return [];
  try {
    return fold(call, outputShapes).map((known, i) => fits(known, outputShapes[i]));
  } catch (cause) {
    // Some operators' types say nothing of inputs that don't fit together; then there is no value either.
    if (cause instanceof Misfit) return [];
    throw cause;
  }
};

export const knownOfTensor = (tensor: Tensor): Known | undefined => {
  if (countOf(tensor.dims) > maxKnown || !foldable.has(tensor.dtype)) return undefined;
  const values = valuesOf(tensor, maxKnown);
  // A bigint is too large for a size; as an end of a slice it only has to be large.
  return values.ok ? values.value.map(Number) : undefined;
};
const foldable = new Set(['int64', 'int32', 'bool', 'float32', 'float64', 'uint8', 'int8', 'float16']);

type Fold = (call: Call, outputs: readonly (Shape | undefined)[]) => readonly (Known | undefined)[];

/** As many as the shape has: a value that doesn't fit its shape is no value. */
const fits = (known: Known | undefined, shape: Shape | undefined): Known | undefined => {
  if (known === undefined || known.length > maxKnown) return undefined;
  const dims = allNumbers(shape);
  return dims !== undefined && countOf(dims) === known.length ? known : undefined;
};

const isInteger = (call: Call): boolean => {
  const dtype = tensorOfType(call.inputs[0]?.type)?.dtype;
  return dtype === 'int64' || dtype === 'int32';
};

/** Element by element, where each input has as many as the result or one. */
const elementwise =
  (operation: (a: Dim, b: Dim, call: Call) => Dim): Fold =>
  (call) => {
    const [a, b] = [knownOf(call, 0), knownOf(call, 1)];
    if (a === undefined || b === undefined) return [];
    const dims = allNumbers(broadcastShapes([shapeOf(call, 0), shapeOf(call, 1)]));
    const count = dims && countOf(dims);
    if (
      count === undefined ||
      count > maxKnown ||
      ![a, b].every(({ length }) => length === 1 || length === count)
    )
      return [];
    const at = (known: Known, i: number) => known[known.length === 1 ? 0 : i];
    return [Array.from({ length: count }, (_, i) => operation(at(a, i), at(b, i), call))];
  };

const numeric =
  (onNumbers: (a: number, b: number) => number, otherwise: (a: Dim, b: Dim) => Dim = () => undefined) =>
  (a: Dim, b: Dim): Dim =>
    typeof a === 'number' && typeof b === 'number' ? finite(onNumbers(a, b)) : otherwise(a, b);

const finite = (value: number): Dim => (Number.isFinite(value) ? value : undefined);
const truth = (value: boolean): Dim => (value ? 1 : 0);

const divided = (a: Dim, b: Dim, call: Call): Dim => {
  if (typeof a !== 'number' || typeof b !== 'number') return divideDims(a, b);
  if (b === 0) return undefined;
  return isInteger(call) ? Math.trunc(a / b) : finite(a / b);
};
/** The sign is the divisor's, or with `fmod` the dividend's. */
const modulo = (a: Dim, b: Dim, call: Call): Dim => {
  if (typeof a !== 'number' || typeof b !== 'number' || b === 0) return undefined;
  return intOf(call, 'fmod') === 1 ? a % b : a - b * Math.floor(a / b);
};
const equal = (a: Dim, b: Dim): Dim => (isSameDim(a, b) ? 1 : isOtherDim(a, b) ? 0 : undefined);

const each =
  (operation: (element: Dim, call: Call) => Dim): Fold =>
  (call) => [knownOf(call, 0)?.map((element) => operation(element, call))];
const rounded = (operation: (value: number) => number) =>
  each((element) => (typeof element === 'number' ? operation(element) : element));

const passed: Fold = (call) => [knownOf(call, 0)];

const cast: Fold = (call, [shape]) => {
  const known = knownOf(call, 0);
  const to = intOf(call, 'to');
  if (known === undefined || shape === undefined) return [];
  const isBool = to === 9;
  const isWhole = to === 6 || to === 7;
  if (!isBool && !isWhole && to !== 1 && to !== 11) return [];
  return [
    known.map((element) => {
      if (typeof element !== 'number') return isBool ? undefined : element;
      return isBool ? truth(element !== 0) : isWhole ? Math.trunc(element) : element;
    }),
  ];
};

const shapeValues: Fold = (call) => {
  const shape = shapeOf(call, 0);
  return [shape?.slice(...shapeRange(call, shape.length))];
};
const size: Fold = (call) => {
  const shape = shapeOf(call, 0);
  return shape === undefined ? [] : [[shape.reduce<Dim>((count, dim) => multiplyDims(count, dim), 1)]];
};

/** Of a vector. */
const gather: Fold = (call) => {
  const [data, indices] = [knownOf(call, 0), wholeNumbersOf(call, 1)];
  if (data === undefined || indices === undefined || shapeOf(call, 0)?.length !== 1) return [];
  return [indices.map((index) => data[index < 0 ? index + data.length : index])];
};

const concat: Fold = (call) => {
  const parts = call.inputs.map((_, i) => (shapeOf(call, i)?.length === 1 ? elements(call, i) : undefined));
  return parts.every((part) => part !== undefined) ? [parts.flat()] : [];
};

/** What is not known of a short vector is as many unknown elements: its neighbours may be known. */
const elements = (call: Call, index: number): Known | undefined => {
  const known = knownOf(call, index);
  const length = shapeOf(call, index)?.[0];
  if (known !== undefined || typeof length !== 'number' || length > 64) return known;
  return Array.from({ length }, () => undefined);
};

const slice: Fold = (call) => {
  const isOld = call.version.attributes['starts'] !== undefined;
  const list = (name: string, index: number) => (isOld ? intsOf(call, name) : wholeNumbersOf(call, index));
  const data = knownOf(call, 0);
  const [start, end] = [list('starts', 1)?.[0], list('ends', 2)?.[0]];
  const step = isOld || call.inputs[4] === undefined ? 1 : wholeNumbersOf(call, 4)?.[0];
  if (data === undefined || shapeOf(call, 0)?.length !== 1) return [];
  if (start === undefined || end === undefined || step === undefined) return [];
  if (step === 1) return [data.slice(start, end)];
  return step === -1 && start === -1 && end < -data.length ? [[...data].reverse()] : [];
};

const split: Fold = (call, shapes) => {
  const data = knownOf(call, 0);
  if (data === undefined || shapeOf(call, 0)?.length !== 1) return [];
  let from = 0;
  return shapes.map((shape) => {
    const length = shape?.[0];
    if (typeof length !== 'number') return undefined;
    from += length;
    return data.slice(from - length, from);
  });
};

const constant: Fold = (call) => {
  const attribute = constantAttribute(call);
  switch (attribute.type) {
    case 'tensor':
      return [knownOfTensor(attribute.value)];
    case 'int':
    case 'float':
      return [[Number(attribute.value)]];
    case 'ints':
    case 'floats':
      return [attribute.value.map(Number)];
    default:
      return [];
  }
};

const filled: Fold = (call, [shape]) => {
  const fill = tensorAttributeOf(call, 'value');
  const value = fill === undefined ? [0] : knownOfTensor(fill);
  const dims = allNumbers(shape);
  const count = dims && countOf(dims);
  if (count === undefined || count > maxKnown || value === undefined) return [];
  return [Array.from({ length: count }, () => value[0])];
};

const range: Fold = (call) => {
  const [start, limit, delta] = [0, 1, 2].map((i) => knownOf(call, i)?.[0]);
  const length = rangeLength(start, limit, delta);
  if (typeof start !== 'number' || typeof delta !== 'number') return [];
  if (typeof length !== 'number' || length > maxKnown) return [];
  return [Array.from({ length }, (_, i) => start + i * delta)];
};

const expand: Fold = (call, [shape]) => {
  const known = knownOf(call, 0);
  const dims = allNumbers(shape);
  const count = dims && countOf(dims);
  if (known === undefined || count === undefined || count > maxKnown) return [];
  if (known.length === count) return [known];
  return known.length === 1 ? [Array.from({ length: count }, () => known[0])] : [];
};

const where: Fold = (call) => {
  const [condition, yes, no] = [knownOf(call, 0), knownOf(call, 1), knownOf(call, 2)];
  if (condition === undefined || yes === undefined || no === undefined) return [];
  const count = Math.max(condition.length, yes.length, no.length);
  if (![condition, yes, no].every(({ length }) => length === 1 || length === count)) return [];
  const at = (known: Known, i: number) => known[known.length === 1 ? 0 : i];
  return [
    Array.from({ length: count }, (_, i) => {
      const taken = at(condition, i);
      if (typeof taken === 'number') return at(taken !== 0 ? yes : no, i);
      return isSameDim(at(yes, i), at(no, i)) ? at(yes, i) : undefined;
    }),
  ];
};

const total =
  (operation: (a: Dim, b: Dim) => Dim, start: number): Fold =>
  (call, [shape]) => {
    const known = knownOf(call, 0);
    const isWhole = shapeOf(call, 0)?.length === 1 && shape?.every((dim) => dim === 1);
    return known !== undefined && isWhole ? [[known.reduce<Dim>(operation, start)]] : [];
  };

const extreme = (pick: (a: number, b: number) => number): Fold => {
  const fold = elementwise(numeric(pick, (a, b) => (isSameDim(a, b) ? a : undefined)));
  return (call, outputs) =>
    call.inputs.length === 1 ? passed(call, outputs) : call.inputs.length === 2 ? fold(call, outputs) : [];
};

const folds: Readonly<Record<string, Fold>> = {
  Shape: shapeValues,
  Size: size,
  Gather: gather,
  Concat: concat,
  Slice: slice,
  Split: split,
  Constant: constant,
  ConstantOfShape: filled,
  Range: range,
  Expand: expand,
  Where: where,
  Cast: cast,
  Identity: passed,
  Squeeze: passed,
  Unsqueeze: passed,
  Reshape: passed,
  Flatten: passed,
  Neg: each((element) => subtractDims(0, element)),
  Abs: each((element) => (typeof element === 'number' ? Math.abs(element) : undefined)),
  Not: each((element) => (typeof element === 'number' ? truth(element === 0) : undefined)),
  Floor: rounded(Math.floor),
  Ceil: rounded(Math.ceil),
  Add: elementwise(numeric((a, b) => a + b, addDims)),
  Sub: elementwise(numeric((a, b) => a - b, subtractDims)),
  Mul: elementwise(numeric((a, b) => a * b, multiplyDims)),
  Div: elementwise(divided),
  Mod: elementwise(modulo),
  Min: extreme(Math.min),
  Max: extreme(Math.max),
  Equal: elementwise(equal),
  Greater: elementwise(numeric((a, b) => Number(a > b))),
  Less: elementwise(numeric((a, b) => Number(a < b))),
  GreaterOrEqual: elementwise(
    numeric(
      (a, b) => Number(a >= b),
      (a, b) => (isSameDim(a, b) ? 1 : undefined),
    ),
  ),
  LessOrEqual: elementwise(
    numeric(
      (a, b) => Number(a <= b),
      (a, b) => (isSameDim(a, b) ? 1 : undefined),
    ),
  ),
  And: elementwise(numeric((a, b) => Number(a !== 0 && b !== 0))),
  Or: elementwise(numeric((a, b) => Number(a !== 0 || b !== 0))),
  ReduceProd: total(multiplyDims, 1),
  ReduceSum: total(addDims, 0),
};
