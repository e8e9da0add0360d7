import {
  type Call,
  intAttribute,
  invalid,
  optionalInts,
  Refusal,
  spend,
  stringAttribute,
  unsupported,
} from '../call.ts';
import { gridIndices, itemAt, product, scaledAxis, stridesOf } from '../indexing.ts';

/** How a kernel slides along one spatial axis. */
export type WindowAxis = {
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  readonly padBefore: number;
  readonly padAfter: number;
};

/** Elements from the first to the last tap of the kernel. */
export const extentOf = ({ kernel, dilation }: WindowAxis): number => (kernel - 1) * dilation + 1;

/** Strides, dilations and explicit pads of a node whose kernel has these sizes; pads of `auto_pad` come from `dims`. */
export const readWindow = (call: Call, kernel: readonly number[], dims: readonly number[]): WindowAxis[] => {
  const rank = kernel.length;
  const strides = perAxis(call, 'strides', rank, 1);
  const dilations = perAxis(call, 'dilations', rank, 1);
  const pads = optionalInts(call, 'pads') ?? new Array<number>(2 * rank).fill(0);
  if (pads.length !== 2 * rank) throw invalid(`${pads.length} pads for ${rank} spatial axes`);
  if (kernel.some((size) => !(size >= 1))) throw invalid(`kernel [${kernel}]`);
  return kernel.map((size, axis) => {
    const window = {
      kernel: size,
      stride: itemAt(strides, axis),
      dilation: itemAt(dilations, axis),
      padBefore: itemAt(pads, axis),
      padAfter: itemAt(pads, axis + rank),
    };
    return autoPadded(call, window, itemAt(dims, axis));
  });
};

export const perAxis = (call: Call, name: string, rank: number, otherwise: number): readonly number[] => {
  const values = optionalInts(call, name) ?? new Array<number>(rank).fill(otherwise);
  if (values.length !== rank || values.some((value) => !Number.isSafeInteger(value) || value < otherwise))
    throw invalid(`${name} [${values}] for ${rank} spatial axes`);
  return values;
};

/** SAME: as many outputs as the input has strides; the odd pad is behind with UPPER, in front with LOWER. */
const autoPadded = (call: Call, window: WindowAxis, dim: number): WindowAxis => {
  const mode = stringAttribute(call, 'auto_pad', 'NOTSET');
  switch (mode) {
    case 'NOTSET':
      return window;
    case 'VALID':
      return { ...window, padBefore: 0, padAfter: 0 };
    case 'SAME_UPPER':
    case 'SAME_LOWER': {
      const outputs = Math.ceil(dim / window.stride);
      const total = Math.max(0, (outputs - 1) * window.stride + extentOf(window) - dim);
      const less = Math.floor(total / 2);
      const isUpper = mode === 'SAME_UPPER';
      return { ...window, padBefore: isUpper ? less : total - less, padAfter: isUpper ? total - less : less };
    }
    default:
      throw unsupported(`auto_pad "${mode}"`);
  }
};

/** How many places the kernel has along an axis of `dim`; with `ceil` one that begins inside may end behind the padding. */
export const outputDim = (window: WindowAxis, dim: number, ceil = false): number => {
  const { stride, padBefore, padAfter } = window;
  const room = dim + padBefore + padAfter - extentOf(window);
  if (room < 0)
    throw invalid(`a kernel over ${extentOf(window)} elements doesn't fit into ${dim} and its padding`);
  if (!ceil) return Math.floor(room / stride) + 1;
  const places = Math.ceil(room / stride) + 1;
  return (places - 1) * stride >= dim + padBefore ? places - 1 : places;
};

/** Of one axis: for each tap of the kernel and each place of it, the position in the input, or -1 in the padding. */
const tapPositions = (
  { stride, dilation, padBefore }: WindowAxis,
  tap: number,
  places: number,
  dim: number,
): Int32Array =>
  Int32Array.from({ length: places }, (_, place) => {
    const position = place * stride + tap * dilation - padBefore;
    return position >= 0 && position < dim ? position : -1;
  });

/**
 * The geometry of a sliding kernel over any number of spatial axes: `table[tap][place]` is the element of the input's spatial
 * plane under this tap at this place, or -1. Convolution reads along it, transposed convolution writes along it, pools choose.
 */
export const tapTables = (
  call: Call,
  windows: readonly WindowAxis[],
  dims: readonly number[],
  places: readonly number[],
): Int32Array[] => {
  const kernel = windows.map((window) => window.kernel);
  const size = product(kernel) * product(places);
  spend(call, size);
  if (!(size <= call.budget.maxElements))
    throw new Refusal(
      'too-large',
      `a kernel [${kernel}] at [${places}] places has ${size} taps (maxElements)`,
    );
  const strides = stridesOf(dims);
  const taps = gridCoordinates(kernel);
  return taps.map((tap) =>
    gridIndices(
      windows.map((window, axis) =>
        scaledAxis(
          tapPositions(window, itemAt(tap, axis), itemAt(places, axis), itemAt(dims, axis)),
          itemAt(strides, axis),
        ),
      ),
      0,
      true,
    ),
  );
};

/** All positions of a grid, row-major. */
export const gridCoordinates = (dims: readonly number[]): number[][] =>
  dims.reduce<number[][]>(
    (all, dim) => all.flatMap((position) => Array.from({ length: dim }, (_, i) => [...position, i])),
    [[]],
  );

/** [N, C, spatial…], at least one spatial axis. */
export const requireImage = (dims: readonly number[]): readonly number[] => {
  if (dims.length < 3) throw invalid(`[${dims}] is no [N, C, spatial…]`);
  return dims.slice(2);
};

export const groupsOfNode = (call: Call): number => {
  const groups = intAttribute(call, 'group', 1);
  if (groups < 1) throw invalid(`${groups} groups`);
  return groups;
};
