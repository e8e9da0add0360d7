import type { Dim, Shape } from '../ir/types.ts';
import { addDims, divideDims, multiplyDims } from './dims.ts';
import {
  type Call,
  float,
  form,
  int,
  misfit,
  type OpTable,
  optional,
  required,
  type ShapeRule,
  shaped,
  text,
} from './schema.ts';
import { checkRank, intOf, intsOf, knownOf, sameDim, shapeOf, show, textOf, unknownDims } from './shapes.ts';

type Window = {
  readonly kernel: readonly Dim[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** All begins, then all ends; undefined if `auto_pad` finds them. */
  readonly pads: readonly number[] | undefined;
  readonly autoPad: string;
  readonly isCeil: boolean;
};

/** Input N×C×spatial, weight M×(C/group)×kernel. */
export const convShape = (call: Call, x: Shape | undefined, w: Shape | undefined): Shape | undefined => {
  const rank = x?.length ?? w?.length;
  if (rank === undefined) return undefined;
  if (rank < 3) misfit(`an input of ${rank} dimensions, a convolution takes 3 at least`);
  checkRank(x, rank, 'the input');
  checkRank(w, rank, 'the weight');
  const group = positive(intOf(call, 'group') ?? 1, 'group');
  checkChannels(x?.[1], multiplyDims(w?.[1], group), w?.[0], group);
  const window = windowOf(call, rank - 2, w?.slice(2));
  return [x?.[0], w?.[0], ...spatial(x?.slice(2) ?? unknownDims(rank - 2), window)];
};

const checkChannels = (channels: Dim, wanted: Dim, outputs: Dim, group: number): void => {
  sameDim(channels, wanted, 'channels of the input, and of the weight times group');
  if (typeof outputs === 'number' && outputs % group !== 0)
    misfit(`group ${group} does not divide the ${outputs} outputs`);
};

const conv =
  (xAt: number, wAt: number): ShapeRule =>
  (call) => {
    const shape = convShape(call, shapeOf(call, xAt), shapeOf(call, wAt));
    return [shape];
  };

const windowOf = (call: Call, axes: number, kernel?: readonly Dim[]): Window => {
  const sizes = (name: string, each = 1) => {
    const list = intsOf(call, name);
    if (list === undefined || list.length !== axes * each) {
      if (list !== undefined) misfit(`${name} [${list.join()}] has not ${axes * each} entries`);
      return undefined;
    }
    return list;
  };
  const one = Array.from({ length: axes }, () => 1);
  const given = sizes('kernel_shape');
  given?.forEach((size, i) => {
    sameDim(kernel?.[i], positive(size, 'kernel_shape'), 'the kernel and kernel_shape');
  });
  const pads = sizes('pads', 2);
  const autoPad = textOf(call, 'auto_pad') ?? 'NOTSET';
  return {
    kernel: given ?? kernel ?? unknownDims(axes),
    strides: (sizes('strides') ?? one).map((stride) => positive(stride, 'strides')),
    dilations: (sizes('dilations') ?? one).map((dilation) => positive(dilation, 'dilations')),
    pads: autoPad === 'NOTSET' ? (pads ?? [...one, ...one].map(() => 0)) : undefined,
    autoPad,
    isCeil: intOf(call, 'ceil_mode') === 1,
  };
};

const positive = (value: number, what: string): number =>
  Number.isSafeInteger(value) && value > 0 ? value : misfit(`${what} is ${value}, it is at least 1`);

/** ONNX, Conv and the pools: floor or ceil of (size + pads − (kernel − 1)·dilation − 1) / stride, and 1 more. */
const spatial = (sizes: readonly Dim[], window: Window): Dim[] =>
  sizes.map((size, i) => {
    const stride = window.strides[i] ?? 1;
    const dilation = window.dilations[i] ?? 1;
    if (window.pads === undefined && window.autoPad !== 'VALID') return ceilOf(size, stride);
    const begin = window.pads?.[i] ?? 0;
    const end = window.pads?.[i + sizes.length] ?? 0;
    const reach = addDims(multiplyDims(addDims(window.kernel[i], -1), dilation), 1);
    const span = addDims(addDims(size, begin + end), multiplyDims(reach, -1));
    return steps(span, stride, window.isCeil && typeof size === 'number' ? { size, begin } : undefined);
  });

const ceilOf = (size: Dim, stride: number): Dim =>
  typeof size === 'number' ? Math.ceil(size / stride) : stride === 1 ? size : undefined;

const steps = (span: Dim, stride: number, ceil?: { readonly size: number; readonly begin: number }): Dim => {
  if (typeof span !== 'number') return stride === 1 ? addDims(span, 1) : undefined;
  if (span < 0) misfit(`the window is ${-span} larger than the padded input`);
  if (ceil === undefined) return Math.floor(span / stride) + 1;
  const count = Math.ceil(span / stride) + 1;
  // A window that would start in the padding at the end is left out.
  return (count - 1) * stride >= ceil.size + ceil.begin ? count - 1 : count;
};

const pool: ShapeRule = (call) => {
  const shape = shapeOf(call, 0);
  const axes = intsOf(call, 'kernel_shape')?.length;
  if (shape === undefined) return call.node.outputs.map(() => (axes ? unknownDims(axes + 2) : undefined));
  if (shape.length < 3) misfit(`an input ${show(shape)} has nothing to pool`);
  const window = windowOf(call, shape.length - 2);
  const result = [...shape.slice(0, 2), ...spatial(shape.slice(2), window)];
  return call.node.outputs.map(() => result);
};

const convTranspose: ShapeRule = (call) => {
  const [x, w] = [shapeOf(call, 0), shapeOf(call, 1)];
  const rank = x?.length ?? w?.length;
  if (rank === undefined) return [];
  if (rank < 3) misfit(`an input of ${rank} dimensions, a convolution takes 3 at least`);
  checkRank(w, rank, 'the weight');
  const group = positive(intOf(call, 'group') ?? 1, 'group');
  sameDim(x?.[1], w?.[0], 'channels of the input, and of the weight');
  const given = intsOf(call, 'output_shape')?.slice(-(rank - 2));
  const window = windowOf(call, rank - 2, w?.slice(2));
  const sizes = given ?? transposed(x?.slice(2) ?? unknownDims(rank - 2), window, call);
  return [[x?.[0], multiplyDims(w?.[1], group), ...sizes]];
};

/** stride·(size − 1) + output_padding + (kernel − 1)·dilation + 1 − pads; `SAME` is size times stride. */
const transposed = (sizes: readonly Dim[], window: Window, call: Call): Dim[] => {
  const extra = intsOf(call, 'output_padding');
  return sizes.map((size, i) => {
    const stride = window.strides[i] ?? 1;
    if (window.autoPad.startsWith('SAME')) return multiplyDims(size, stride);
    const pads = (window.pads?.[i] ?? 0) + (window.pads?.[i + sizes.length] ?? 0);
    const reach = multiplyDims(addDims(window.kernel[i], -1), window.dilations[i] ?? 1);
    const full = addDims(multiplyDims(addDims(size, -1), stride), addDims(reach, 1));
    return addDims(full, (extra?.[i] ?? 0) - pads);
  });
};

const maxUnpool: ShapeRule = (call) => {
  const shape = shapeOf(call, 0);
  if (shape === undefined) return [];
  if (call.inputs[2] !== undefined) return [knownOf(call, 2) ?? unknownDims(shape.length)];
  return [[...shape.slice(0, 2), ...transposed(shape.slice(2), windowOf(call, shape.length - 2), call)]];
};

const col2Im: ShapeRule = (call) => {
  const shape = shapeOf(call, 0);
  const [image, block] = [knownOf(call, 1), knownOf(call, 2)];
  if (shape === undefined || image === undefined) return [];
  let size: Dim = 1;
  for (const dim of block ?? [undefined]) size = multiplyDims(size, dim);
  return [[shape[0], divideDims(shape[1], size), ...image]];
};

const roi: ShapeRule = (call) => {
  const [x, rois] = [shapeOf(call, 0), shapeOf(call, 1)];
  const pooled = intsOf(call, 'pooled_shape') ?? [intOf(call, 'output_height'), intOf(call, 'output_width')];
  return [[rois?.[0], x?.[1], ...pooled]];
};

const gridSample: ShapeRule = (call) => {
  const [x, grid] = [shapeOf(call, 0), shapeOf(call, 1)];
  if (x === undefined || grid === undefined) return [];
  return [[x[0], x[1], ...grid.slice(1, -1)]];
};

const affineGrid: ShapeRule = (call) => {
  const size = knownOf(call, 1);
  return [size && [size[0], ...size.slice(2), size.length - 2]];
};

const window = { kernel_shape: optional('ints'), strides: optional('ints'), pads: optional('ints') };
const autoPad = { auto_pad: text('NOTSET') };
export const convAttributes = { ...window, ...autoPad, dilations: optional('ints'), group: int(1) };
const transposeAttributes = {
  ...convAttributes,
  output_shape: optional('ints'),
  output_padding: optional('ints'),
};
const pooling = { ...window, ...autoPad, kernel_shape: required('ints') };
const dilations = { dilations: optional('ints') };
const ceil = { ceil_mode: int(0) };
const roiAlign = {
  mode: text('avg'),
  output_height: int(1),
  output_width: int(1),
  sampling_ratio: int(0),
  spatial_scale: float(1),
};
const grid = { align_corners: int(0), padding_mode: text('zeros') };
const T = { T: 'float' } as const;

export const convolution: OpTable = {
  Conv: [form([1, 11, 22], 'T T T? -> T', shaped(conv(0, 1)), convAttributes, T)],
  ConvInteger: [
    form([10], 'T U T? U? -> int32', shaped(conv(0, 1)), convAttributes, { T: 'byte', U: 'byte' }),
  ],
  QLinearConv: [
    form([10], 'T float32 T W float32 W float32 Y int32? -> Y', shaped(qLinearConv), convAttributes, {
      T: 'byte',
      W: 'byte',
      Y: 'byte',
    }),
  ],
  ConvTranspose: [form([1, 11, 22], 'T T T? -> T', shaped(convTranspose), transposeAttributes, T)],
  DeformConv: [
    form(
      [19, 22],
      'T T T T? T? -> T',
      shaped(conv(0, 1)),
      { ...window, ...dilations, group: int(1), offset_group: int(1) },
      T,
    ),
  ],
  AveragePool: [
    form([1], 'T -> T', shaped(pool), pooling, T),
    form([7], 'T -> T', shaped(pool), { ...pooling, count_include_pad: int(0) }, T),
    form([10, 11], 'T -> T', shaped(pool), { ...pooling, ...ceil, count_include_pad: int(0) }, T),
    form(
      [19, 22],
      'T -> T',
      shaped(pool),
      { ...pooling, ...ceil, ...dilations, count_include_pad: int(0) },
      T,
    ),
  ],
  MaxPool: [
    form([1], 'T -> T', shaped(pool), pooling, T),
    form([8], 'T -> T int64?', shaped(pool), { ...pooling, storage_order: int(0) }, T),
    form(
      [10, 11, 12, 22],
      'T -> T int64?',
      shaped(pool),
      { ...pooling, ...ceil, ...dilations, storage_order: int(0) },
      { T: 'pooled' },
    ),
  ],
  LpPool: [
    form([1], 'T -> T', shaped(pool), { ...window, ...autoPad, p: float(2) }, T),
    form([2, 11], 'T -> T', shaped(pool), { ...pooling, p: int(2) }, T),
    form([18, 22], 'T -> T', shaped(pool), { ...pooling, ...ceil, ...dilations, p: int(2) }, T),
  ],
  MaxUnpool: [
    form(
      [9, 11, 22],
      'T int64 int64? -> T',
      shaped(maxUnpool),
      { ...window, kernel_shape: required('ints') },
      T,
    ),
  ],
  Col2Im: [
    form([18], 'T int64 int64 -> T', shaped(col2Im), {
      ...dilations,
      pads: optional('ints'),
      strides: optional('ints'),
    }),
  ],
  MaxRoiPool: [
    form([1, 22], 'T T -> T', shaped(roi), { pooled_shape: required('ints'), spatial_scale: float(1) }, T),
  ],
  RoiAlign: [
    form([10], 'T T int64 -> T', shaped(roi), roiAlign, T),
    form(
      [16, 22],
      'T T int64 -> T',
      shaped(roi),
      { ...roiAlign, coordinate_transformation_mode: text('half_pixel') },
      T,
    ),
  ],
  GridSample: [
    form([16], 'T G -> T', shaped(gridSample), { ...grid, mode: text('bilinear') }, { G: 'float' }),
    form([20, 22], 'T G -> T', shaped(gridSample), { ...grid, mode: text('linear') }, { G: 'float' }),
  ],
  AffineGrid: [form([20], 'T int64 -> T', shaped(affineGrid), { align_corners: int(0) }, T)],
};

function qLinearConv(call: Call) {
  return [convShape(call, shapeOf(call, 0), shapeOf(call, 3))];
}
