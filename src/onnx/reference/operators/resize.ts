import {
  axesOf,
  type Call,
  dimAt,
  floatInput,
  input,
  intAttribute,
  integers,
  invalid,
  type Operator,
  optionalFloats,
  optionalInput,
  optionalInts,
  spend,
  stringAttribute,
  unsupported,
  zeros,
} from '../call.ts';
import { at, countBefore, countFrom, itemAt } from '../indexing.ts';
import { type RealArray, toNumbers } from '../ndArray.ts';
import { grid } from './shape.ts';

/** One axis: from `from` elements to `to`, which are `scale` times as many (not exactly, if that is no whole number). */
type AxisScale = { readonly from: number; readonly to: number; readonly scale: number };

/** Where in the input a position of the output lies (Resize, `coordinate_transformation_mode`). */
const coordinate = (mode: string, { from, to, scale }: AxisScale, position: number): number => {
  switch (mode) {
    case 'half_pixel':
      return (position + 0.5) / scale - 0.5;
    case 'pytorch_half_pixel':
      return to > 1 ? (position + 0.5) / scale - 0.5 : 0;
    case 'half_pixel_symmetric':
      // The definition's center · (1 - to / (scale · from)), without its roundings.
      return (from - to / scale) / 2 + (position + 0.5) / scale - 0.5;
    case 'align_corners':
      return to > 1 ? (position * (from - 1)) / (to - 1) : 0;
    case 'asymmetric':
      return position / scale;
    default:
      throw unsupported(`coordinate_transformation_mode "${mode}"`);
  }
};

const nearest = (mode: string, x: number): number => {
  switch (mode) {
    case 'round_prefer_floor':
      return Math.ceil(x - 0.5);
    case 'round_prefer_ceil':
      return Math.floor(x + 0.5);
    case 'floor':
      return Math.floor(x);
    case 'ceil':
      return Math.ceil(x);
    default:
      throw unsupported(`nearest_mode "${mode}"`);
  }
};

/** Scales or sizes, whichever is given, of the axes they are for; the others stay. */
const readScales = (
  call: Call,
  positions: { readonly scales: number; readonly sizes: number },
): AxisScale[] => {
  const { dims } = input(call, 0);
  const axes = axesOf(optionalInts(call, 'axes') ?? [...dims.keys()], dims.length);
  const scaleInput = optionalInput(call, positions.scales);
  const scales = optionalFloats(call, 'scales') ?? (scaleInput ? toNumbers(scaleInput) : []);
  const sizes = optionalInput(call, positions.sizes) ? integers(call, positions.sizes) : [];
  if (scales.length > 0 === sizes.length > 0) throw invalid('it needs either scales or sizes');
  if (Math.max(scales.length, sizes.length) !== axes.length)
    throw invalid(`scales [${scales}], sizes [${sizes}] for ${axes.length} axes`);
  return dims.map((from, axis) => {
    const i = axes.indexOf(axis);
    if (i === -1) return { from, to: from, scale: 1 };
    const to = sizes[i] ?? Math.floor(from * itemAt(scales, i));
    const scale = scales[i] ?? to / from;
    if (!(scale > 0 && Number.isFinite(scale) && to >= 1 && to <= call.budget.maxElements))
      throw invalid(`axis ${axis} of ${from} to ${to} by ${scale}`);
    return { from, to, scale };
  });
};

const clampTo = (from: number, position: number): number => Math.min(Math.max(position, 0), from - 1);

/** Between the two neighbours, along one axis after the other: the same as over all of them at once. */
const linearAlong = (call: Call, x: RealArray, axis: number, scaled: AxisScale, mode: string): RealArray => {
  if (scaled.from === scaled.to && scaled.scale === 1) return x;
  const dims = x.dims.with(axis, scaled.to);
  const result = zeros(call, x.dtype, dims);
  const [before, after] = [countBefore(dims, axis), countFrom(dims, axis + 1)];
  for (let to = 0; to < scaled.to; to++) {
    const place = Math.min(Math.max(coordinate(mode, scaled, to), 0), scaled.from - 1);
    const low = Math.floor(place);
    const high = clampTo(scaled.from, low + 1);
    const weight = place - low;
    for (let outer = 0; outer < before; outer++)
      for (let inner = 0; inner < after; inner++) {
        const left = at(x.values, (outer * scaled.from + low) * after + inner);
        const right = at(x.values, (outer * scaled.from + high) * after + inner);
        result.values[(outer * scaled.to + to) * after + inner] = (1 - weight) * left + weight * right;
      }
  }
  return result;
};

const resizeBy = (call: Call, axes: readonly AxisScale[], mode: string, where: string, rounding: string) => {
  const x = input(call, 0);
  if (axes.some(({ from }) => from === 0)) throw invalid(`[${x.dims}] has nothing to resize`);
  spend(call, axes.length);
  if (mode === 'linear') {
    const real = floatInput(call, 0);
    return [axes.reduce((image, scaled, axis) => linearAlong(call, image, axis, scaled, where), real)];
  }
  if (mode !== 'nearest') throw unsupported(`mode "${mode}"`);
  const positions = axes.map((scaled, axis) =>
    Int32Array.from({ length: scaled.to }, (_, to) =>
      clampTo(dimAt(x, axis), nearest(rounding, coordinate(where, scaled, to))),
    ),
  );
  return [grid(call, x, positions)];
};

/** Images to another size, by the nearest element or linearly. No cubic, no antialiasing, no cropping. */
const resize: Operator = (call) => {
  const mode = stringAttribute(call, 'mode', 'nearest');
  if (call.opset < 11)
    return resizeBy(call, readScales(call, { scales: 1, sizes: 2 }), mode, 'asymmetric', 'floor');
  const policy = stringAttribute(call, 'keep_aspect_ratio_policy', 'stretch');
  if (policy !== 'stretch') throw unsupported(`keep_aspect_ratio_policy "${policy}"`);
  if (intAttribute(call, 'antialias', 0) !== 0) throw unsupported('antialias');
  const where = stringAttribute(call, 'coordinate_transformation_mode', 'half_pixel');
  const rounding = stringAttribute(call, 'nearest_mode', 'round_prefer_floor');
  return resizeBy(call, readScales(call, { scales: 2, sizes: 3 }), mode, where, rounding);
};

const upsample: Operator = (call) =>
  resizeBy(
    call,
    readScales(call, { scales: 1, sizes: 2 }),
    stringAttribute(call, 'mode', 'nearest'),
    'asymmetric',
    'floor',
  );

export const resizeOperators = {
  Resize: resize,
  Upsample: upsample,
} satisfies Record<string, Operator>;
