import type { Dim, Shape } from '../ir/types.ts';
import { isOtherDim, productOf } from './dims.ts';
import { sumOfDims } from './reduction.ts';
import {
  type Call,
  form,
  int,
  type Known,
  misfit,
  type OpTable,
  optional,
  required,
  type ShapeRule,
  shaped,
} from './schema.ts';
import {
  axesIn,
  axisIn,
  broadcastShapes,
  checkRank,
  intOf,
  intsOf,
  knownOf,
  quotientOf,
  sameDim,
  shapeOf,
  show,
  timesDim,
  unknownDims,
  wholeNumbersOf,
} from './shapes.ts';
import { slice, sliceByAttributes } from './slicing.ts';

/** Where a vector gives a shape: its length is the rank even if nothing in it is known. */
export const shapeFromVector = (call: Call, index: number): Shape | undefined => {
  const known = knownOf(call, index);
  if (known !== undefined) return known;
  const length = shapeOf(call, index)?.[0];
  return typeof length === 'number' && length <= maxRank ? unknownDims(length) : undefined;
};
const maxRank = 64;

/** 0 copies a dimension unless `allowzero`; one -1 is what is left over. */
export const reshapeTo = (from: Shape | undefined, target: Known, allowZero: boolean): Shape => {
  const copied = target.map((dim, i) => {
    if (dim !== 0 || allowZero) return dim;
    if (from !== undefined && i >= from.length)
      misfit(`the 0 at ${i} of target ${show(target)} copies nothing: the input is ${show(from)}`);
    return from?.[i];
  });
  const open = copied.flatMap((dim, i) => (dim === -1 ? [i] : []));
  if (open.length > 1) misfit(`target ${show(target)} has more than one -1`);
  if (allowZero && open.length > 0 && target.includes(0))
    misfit(`target ${show(target)} has a 0 that is meant, so nobody can tell what its -1 is`);
  const negative = copied.find((dim) => typeof dim === 'number' && dim < -1);
  if (negative !== undefined) misfit(`target ${show(target)} has a dimension of ${negative}`);
  if (from === undefined) return copied.map((dim) => (dim === -1 ? undefined : dim));
  const [at] = open;
  if (at === undefined) return fillOne(from, copied, target);
  const rest = copied.filter((_, i) => i !== at);
  const left = quotientOf(from, rest);
  const [whole, part] = [productOf(from), productOf(rest)];
  if (typeof whole === 'number' && typeof part === 'number' && part !== 0 && whole % part !== 0)
    misfit(`${show(from)} has ${whole} elements, which target ${show(target)} does not divide`);
  return copied.map((dim, i) => (i === at ? left : dim));
};

/** Without a -1 the counts have to agree, and a single unknown dimension is what is left over. */
const fillOne = (from: Shape, copied: Shape, target: Known): Shape => {
  const [whole, part] = [productOf(from), productOf(copied)];
  if (isOtherDim(whole, part))
    misfit(`${show(from)} has ${whole} elements, target ${show(target)} has ${part}`);
  const unknown = copied.flatMap((dim, i) => (dim === undefined ? [i] : []));
  const [only] = unknown;
  if (unknown.length !== 1 || only === undefined) return copied;
  const left = quotientOf(
    from,
    copied.filter((_, i) => i !== only),
  );
  return copied.map((dim, i) => (i === only ? left : dim));
};

const reshape: ShapeRule = (call) => {
  const target = shapeFromVector(call, 1);
  return [target && reshapeTo(shapeOf(call, 0), target, intOf(call, 'allowzero') === 1)];
};
const reshapeByAttribute: ShapeRule = (call) => [
  reshapeTo(shapeOf(call, 0), intsOf(call, 'shape') ?? [], false),
];

const squeeze = (shape: Shape | undefined, axes: readonly number[] | undefined): Shape | undefined => {
  if (shape === undefined) return undefined;
  if (axes === undefined)
    return shape.every((dim) => typeof dim === 'number') ? shape.filter((dim) => dim !== 1) : undefined;
  const gone = new Set(axesIn(axes, shape.length));
  for (const axis of gone)
    if (isOtherDim(shape[axis], 1)) misfit(`axis ${axis} of ${show(shape)} is ${shape[axis]}, not 1`);
  return shape.filter((_, i) => !gone.has(i));
};

const unsqueeze = (shape: Shape | undefined, axes: readonly number[] | undefined): Shape | undefined => {
  if (shape === undefined || axes === undefined) return undefined;
  const added = new Set(axesIn(axes, shape.length + axes.length));
  let next = 0;
  return Array.from({ length: shape.length + axes.length }, (_, i) => (added.has(i) ? 1 : shape[next++]));
};

const squeezeByInput: ShapeRule = (call) => {
  const axes = call.inputs[1] === undefined ? undefined : (wholeNumbersOf(call, 1) ?? 'unknown');
  return [axes === 'unknown' ? undefined : squeeze(shapeOf(call, 0), axes)];
};

const transpose: ShapeRule = (call) => {
  const shape = shapeOf(call, 0);
  const perm = intsOf(call, 'perm');
  if (shape === undefined) return [perm && unknownDims(perm.length)];
  const order = perm ?? shape.map((_, i) => shape.length - 1 - i);
  if (order.length !== shape.length)
    misfit(`perm [${order.join()}] has ${order.length} axes, the input ${show(shape)} has ${shape.length}`);
  return [axesIn(order, shape.length).map((axis) => shape[axis])];
};

const flatten: ShapeRule = (call) => {
  const shape = shapeOf(call, 0);
  if (shape === undefined) return [unknownDims(2)];
  const given = intOf(call, 'axis') ?? 1;
  // Past the end is an axis here, but the last one is -1 all the same.
  const axis = given === shape.length ? given : axisIn(given, shape.length);
  return [[productOf(shape.slice(0, axis)), productOf(shape.slice(axis))]];
};

const expand: ShapeRule = (call) => [broadcastShapes([shapeOf(call, 0), shapeFromVector(call, 1)])];

const concat: ShapeRule = (call) => {
  const shapes = call.inputs.map((_, i) => shapeOf(call, i));
  const first = shapes.find((shape) => shape !== undefined);
  if (first === undefined) return [];
  const axis = axisIn(intOf(call, 'axis') ?? 1, first.length);
  let result: readonly Dim[] = first;
  for (const shape of shapes) {
    if (shape === undefined) continue;
    checkRank(shape, first.length, 'an input');
    result = result.map((dim, i) => (i === axis ? dim : sameDim(dim, shape[i], `dimension ${i}`)));
  }
  const along = sumOfDims(shapes.map((shape) => shape?.[axis]));
  return [result.map((dim, i) => (i === axis ? along : dim))];
};

const split =
  (sizesOf: (call: Call) => Known | undefined): ShapeRule =>
  (call) => {
    const shape = shapeOf(call, 0);
    if (shape === undefined) return [];
    const axis = axisIn(intOf(call, 'axis') ?? 0, shape.length);
    const sizes = sizesOf(call) ?? evenly(call, shape[axis], axis);
    if (sizes.length !== call.node.outputs.length)
      misfit(`${sizes.length} parts for ${call.node.outputs.length} outputs`);
    const sum = sumOfDims(sizes);
    if (isOtherDim(sum, shape[axis]))
      misfit(`parts [${sizes.join()}] of axis ${axis}, which has ${shape[axis]}`);
    return sizes.map((size) => shape.map((dim, i) => (i === axis ? size : dim)));
  };

/** From opset 18 the last part may be smaller; before, all had to be equal. */
const evenly = (call: Call, dim: Dim, axis: number): Known => {
  const parts = call.node.outputs.length;
  const isUneven = call.version.attributes['num_outputs'] !== undefined;
  const wanted = intOf(call, 'num_outputs');
  if (wanted !== undefined && wanted !== parts)
    misfit(`num_outputs is ${wanted}, the node has ${parts} outputs`);
  if (call.inputs[1] !== undefined) return unknownDims(parts);
  if (typeof dim !== 'number') return unknownDims(parts).map(() => (parts === 1 ? dim : undefined));
  if (!isUneven && dim % parts !== 0)
    misfit(`axis ${axis} has ${dim}, which ${parts} equal parts do not divide`);
  const size = Math.ceil(dim / parts);
  return Array.from({ length: parts }, (_, i) => Math.max(0, Math.min(size, dim - i * size)));
};

const tile: ShapeRule = (call) => {
  const shape = shapeOf(call, 0);
  if (shape === undefined) return [];
  const repeats = knownOf(call, 1);
  if (repeats !== undefined && repeats.length !== shape.length)
    misfit(`${repeats.length} repeats for ${shape.length} dimensions`);
  return [shape.map((dim, i) => timesDim(dim, repeats?.[i]))];
};

const rank: ShapeRule = (call) => {
  const shape = shapeOf(call, 0);
  if (shape === undefined) return [[undefined]];
  const [start, end] = shapeRange(call, shape.length);
  return [[Math.max(0, end - start)]];
};

/** Which dimensions `Shape` gives, from opset 15 a part of them. */
export const shapeRange = (call: Call, length: number): readonly [number, number] => {
  const clamp = (at: number) => Math.min(length, Math.max(0, at < 0 ? at + length : at));
  return [clamp(intOf(call, 'start') ?? 0), clamp(intOf(call, 'end') ?? length)];
};

const trilu: ShapeRule = (call) => {
  const shape = shapeOf(call, 0);
  if (shape !== undefined && shape.length < 2) misfit(`${show(shape)} is no matrix`);
  return [shape];
};

const like0 = shaped((call) => [shapeOf(call, 0)]);
export const movement: OpTable = {
  Shape: [
    form([1, 13], 'T -> int64', shaped(rank)),
    form([15, 19, 21, 23, 24, 25], 'T -> int64', shaped(rank), { start: int(0), end: optional('int') }),
  ],
  Size: [
    form(
      [1, 13, 19, 21, 23, 24, 25],
      'T -> int64',
      shaped(() => [[]]),
    ),
  ],
  Reshape: [
    form([1], 'T -> T', shaped(reshapeByAttribute), {
      shape: optional('ints'),
      consumed_inputs: optional('ints'),
    }),
    form([5, 13], 'T int64 -> T', shaped(reshape)),
    form([14, 19, 21, 23, 24, 25], 'T int64 -> T', shaped(reshape), { allowzero: int(0) }),
  ],
  Flatten: [form([1, 9, 11, 13, 21, 23, 24, 25], 'T -> T', shaped(flatten), { axis: int(1) })],
  Squeeze: [
    form(
      [1, 11],
      'T -> T',
      shaped((call) => [squeeze(shapeOf(call, 0), intsOf(call, 'axes'))]),
      {
        axes: optional('ints'),
      },
    ),
    form([13, 21, 23, 24, 25], 'T int64? -> T', shaped(squeezeByInput)),
  ],
  Unsqueeze: [
    form(
      [1, 11],
      'T -> T',
      shaped((call) => [unsqueeze(shapeOf(call, 0), intsOf(call, 'axes'))]),
      {
        axes: required('ints'),
      },
    ),
    form(
      [13, 21, 23, 24, 25],
      'T int64 -> T',
      shaped((call) => [unsqueeze(shapeOf(call, 0), wholeNumbersOf(call, 1))]),
    ),
  ],
  Transpose: [form([1, 13, 21, 23, 24, 25], 'T -> T', shaped(transpose), { perm: optional('ints') })],
  Expand: [form([8, 13], 'T int64 -> T', shaped(expand))],
  Concat: [
    form([1], 'T+ -> T', shaped(concat), { axis: optional('int') }),
    form([4, 11, 13], 'T+ -> T', shaped(concat), { axis: required('int') }),
  ],
  Split: [
    form([1], 'T T? -> T+', shaped(split((call) => intsOf(call, 'split'))), {
      axis: optional('int'),
      split: optional('ints'),
    }),
    form([2, 11], 'T -> T+', shaped(split((call) => intsOf(call, 'split'))), {
      axis: int(0),
      split: optional('ints'),
    }),
    form([13], 'T int64? -> T+', shaped(split((call) => knownOf(call, 1))), { axis: int(0) }),
    form([18], 'T int64? -> T+', shaped(split((call) => knownOf(call, 1))), {
      axis: int(0),
      num_outputs: optional('int'),
    }),
  ],
  Slice: [
    form([1], 'T -> T', shaped(sliceByAttributes), {
      starts: required('ints'),
      ends: required('ints'),
      axes: optional('ints'),
    }),
    form([10, 11, 13], 'T I I I? I? -> T', shaped(slice), {}, { I: 'index' }),
  ],
  Tile: [
    form(
      [1],
      'T T T -> T',
      shaped((call) => [shapeOf(call, 0)?.map(() => undefined)]),
    ),
    form([6, 13], 'T int64 -> T', shaped(tile)),
  ],
  Trilu: [form([14], 'T int64? -> T', shaped(trilu), { upper: int(1) })],
  ReverseSequence: [form([10, 28], 'T int64 -> T', like0, { batch_axis: int(1), time_axis: int(0) })],
};
