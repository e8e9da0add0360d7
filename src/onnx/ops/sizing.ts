import type { Dim, Shape } from '../ir/types.ts';
import { addDims, multiplyDims } from './dims.ts';
import {
  type Call,
  float,
  form,
  int,
  type Known,
  misfit,
  type OpTable,
  optional,
  required,
  type ShapeRule,
  shaped,
  text,
} from './schema.ts';
import {
  axesIn,
  checkRank,
  intOf,
  intsOf,
  knownOf,
  quotientOf,
  shapeOf,
  textOf,
  unknownDims,
  wholeNumbersOf,
} from './shapes.ts';

/** What makes a tensor larger or smaller: padding, resizing, blocks between depth and space. */

const pad =
  (padsOf: (call: Call) => Known | undefined, axesAt?: number): ShapeRule =>
  (call) => {
    const shape = shapeOf(call, 0);
    if (shape === undefined) return [];
    const hasAxes = axesAt !== undefined && call.inputs[axesAt] !== undefined;
    const named = hasAxes ? wholeNumbersOf(call, axesAt) : shape.map((_, i) => i);
    const pads = padsOf(call);
    if (named === undefined || pads === undefined) return [unknownDims(shape.length)];
    const axes = axesIn(named, shape.length);
    if (pads.length !== 2 * axes.length)
      misfit(`${pads.length} pads for ${axes.length} axes, there are 2 for each`);
    const result = [...shape];
    axes.forEach((axis, i) => {
      const padded = addDims(shape[axis], addDims(pads[i], pads[i + axes.length]));
      if (typeof padded === 'number' && padded < 0) misfit(`axis ${axis} is ${padded} after padding`);
      result[axis] = padded;
    });
    return [result];
  };
const padInputs = (call: Call) => knownOf(call, 1);

const depthToSpace: ShapeRule = (call) => {
  const [shape, block] = blockOf(call);
  if (shape === undefined) return [unknownDims(4)];
  const [n, c, h, w] = shape;
  return [[n, quotientOf([c], [block, block]), multiplyDims(h, block), multiplyDims(w, block)]];
};
const spaceToDepth: ShapeRule = (call) => {
  const [shape, block] = blockOf(call);
  if (shape === undefined) return [unknownDims(4)];
  const [n, c, h, w] = shape;
  return [[n, multiplyDims(c, block * block), quotientOf([h], [block]), quotientOf([w], [block])]];
};
const blockOf = (call: Call): readonly [Shape | undefined, number] => {
  const shape = shapeOf(call, 0);
  checkRank(shape, 4, 'the input');
  const block = intOf(call, 'blocksize') ?? 0;
  if (block <= 0) misfit(`blocksize is ${block}, it is at least 1`);
  return [shape, block];
};

/** An attribute's or an input's sizes win; scales give the floor of what they scale. */
const resize =
  (scalesAt: number, sizesAt?: number): ShapeRule =>
  (call) => {
    const shape = shapeOf(call, 0);
    if (shape === undefined) return [];
    const axes = axesIn(intsOf(call, 'axes') ?? shape.map((_, i) => i), shape.length);
    const sizes = sizesAt === undefined ? undefined : knownOf(call, sizesAt);
    const scales = knownOf(call, scalesAt);
    const hasSizes = sizes !== undefined && sizes.length > 0;
    const given = hasSizes ? sizes : scales;
    if (given === undefined || (given.length === 0 && axes.length > 0)) return [unknownDims(shape.length)];
    if (given.length !== axes.length)
      misfit(`${given.length} ${hasSizes ? 'sizes' : 'scales'} for ${axes.length} axes`);
    const isStretched = (textOf(call, 'keep_aspect_ratio_policy') ?? 'stretch') === 'stretch';
    const result = [...shape];
    axes.forEach((axis, i) => {
      result[axis] = hasSizes ? (isStretched ? given[i] : undefined) : scaleDim(shape[axis], given[i]);
    });
    return [result];
  };
const scaleDim = (dim: Dim, scale: Dim): Dim => {
  if (scale === 1) return dim;
  if (typeof scale !== 'number') return undefined;
  if (scale <= 0) misfit(`a scale is ${scale}, it is above 0`);
  if (typeof dim === 'number') return Math.floor(dim * Math.fround(scale));
  return Number.isInteger(scale) ? multiplyDims(dim, scale) : undefined;
};
const upsample: ShapeRule = (call) => {
  const attribute = call.node.attributes['scales'];
  const scales = attribute?.type === 'floats' ? attribute.value : undefined;
  return [shapeOf(call, 0)?.map((dim, i) => scaleDim(dim, scales?.[i]))];
};

const centerCropPad: ShapeRule = (call) => {
  const shape = shapeOf(call, 0);
  if (shape === undefined) return [];
  const axes = axesIn(intsOf(call, 'axes') ?? shape.map((_, i) => i), shape.length);
  const sizes = knownOf(call, 1);
  const result = [...shape];
  axes.forEach((axis, i) => {
    result[axis] = sizes?.[i];
  });
  return [result];
};

const mode = { mode: text('constant') };
const resizing = {
  coordinate_transformation_mode: text('half_pixel'),
  cubic_coeff_a: float(-0.75),
  exclude_outside: int(0),
  extrapolation_value: float(0),
  mode: text('nearest'),
  nearest_mode: text('round_prefer_floor'),
};
const newResizing = {
  ...resizing,
  antialias: int(0),
  axes: optional('ints'),
  keep_aspect_ratio_policy: text('stretch'),
};
const block = { blocksize: required('int') };

export const sizing: OpTable = {
  Pad: [
    form([1], 'T -> T', shaped(pad((call) => intsOf(call, 'paddings'))), {
      paddings: required('ints'),
      value: float(0),
      ...mode,
    }),
    form([2], 'T -> T', shaped(pad((call) => intsOf(call, 'pads'))), {
      pads: required('ints'),
      value: float(0),
      ...mode,
    }),
    form([11, 13], 'T int64 T? -> T', shaped(pad(padInputs)), mode),
    form([18, 19, 21, 23, 24, 25], 'T int64 T? index? -> T', shaped(pad(padInputs, 3)), mode),
  ],
  DepthToSpace: [
    form([1], 'T -> T', shaped(depthToSpace), block),
    form([11, 13, 28], 'T -> T', shaped(depthToSpace), { ...block, mode: text('DCR') }),
  ],
  SpaceToDepth: [
    form([1, 13], 'T -> T', shaped(spaceToDepth), block),
    form([28], 'T -> T', shaped(spaceToDepth), { ...block, mode: text('DCR') }),
  ],
  Resize: [
    form([10], 'T float32 -> T', shaped(resize(1)), { mode: text('nearest') }),
    form([11], 'T U float32 int64? -> T', shaped(resize(2, 3)), resizing, { U: 'float' }),
    form([13], 'T U? float32? int64? -> T', shaped(resize(2, 3)), resizing, { U: 'float' }),
    form([18, 19], 'T U? float32? int64? -> T', shaped(resize(2, 3)), newResizing, { U: 'float' }),
  ],
  Upsample: [
    form(
      [1],
      'T -> T',
      shaped((call) => [shapeOf(call, 0)?.map(() => undefined)]),
      {
        height_scale: required('float'),
        width_scale: required('float'),
        mode: text('nearest'),
      },
    ),
    form([7], 'T -> T', shaped(upsample), { scales: required('floats'), mode: text('nearest') }),
    form([9], 'T float32 -> T', shaped(resize(1)), { mode: text('nearest') }),
    { ...form([10], 'T float32 -> T', shaped(resize(1)), { mode: text('nearest') }), deprecated: true },
  ],
  CenterCropPad: [form([18], 'T index -> T', shaped(centerCropPad), { axes: optional('ints') })],
};
