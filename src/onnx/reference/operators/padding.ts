import {
  axesOf,
  type Call,
  claim,
  dimAt,
  floatAttribute,
  input,
  intAttribute,
  integers,
  invalid,
  type Operator,
  optionalInput,
  optionalInts,
  requireSameType,
  stringAttribute,
  unsupported,
} from '../call.ts';
import { itemAt, ramp, take } from '../indexing.ts';
import { grid } from './shape.ts';

const modes = ['constant', 'reflect', 'edge', 'wrap'] as const;
type Mode = (typeof modes)[number];

/** A negative pad crops: the mode then sees what is left. */
const pad: Operator = (call) => {
  const array = input(call, 0);
  const rank = array.dims.length;
  const asked = stringAttribute(call, 'mode', 'constant');
  const mode = modes.find((name) => name === asked);
  if (mode === undefined) throw unsupported(`mode "${asked}"`);
  const pads = optionalInts(call, 'pads') ?? integers(call, 1);
  const axes = axesOf(optionalInput(call, 3) ? integers(call, 3) : [...array.dims.keys()], rank);
  if (pads.length !== 2 * axes.length) throw invalid(`${pads.length} pads for ${axes.length} axes`);
  const positions = array.dims.map((dim, axis) => {
    const i = axes.indexOf(axis);
    return i === -1
      ? padPositions(call, mode, dim, 0, 0)
      : padPositions(call, mode, dim, itemAt(pads, i), itemAt(pads, i + axes.length));
  });
  return [grid(call, array, positions, padValue(call))];
};

const padValue = (call: Call): number | bigint => {
  if (call.opset < 11) return floatAttribute(call, 'value', 0);
  if (optionalInput(call, 2) === undefined) return 0;
  requireSameType(call, [0, 2]);
  const [value, ...more] = input(call, 2).values;
  if (value === undefined || more.length > 0) throw invalid('input 2 is not one value');
  return value;
};

/** Along one axis: which position each new one is, or -1 for the constant. */
const padPositions = (call: Call, mode: Mode, dim: number, before: number, after: number): Int32Array => {
  const length = dim + before + after;
  if (!(length >= 0 && length <= call.budget.maxElements))
    throw invalid(`pads ${before} and ${after} make ${length} of ${dim}`);
  const low = Math.max(0, -before);
  const kept = dim - low - Math.max(0, -after);
  if (kept <= 0 && length > 0 && mode !== 'constant') throw invalid(`mode ${mode} has nothing to pad with`);
  const positions = new Int32Array(length);
  for (let i = 0; i < length; i++) {
    const inside = sourceOf(mode, i - Math.max(0, before), kept);
    positions[i] = inside === -1 ? -1 : low + inside;
  }
  return positions;
};

/** A position that may lie outside of `size` elements, brought inside. */
const sourceOf = (mode: Mode, position: number, size: number): number => {
  switch (mode) {
    case 'constant':
      return position < 0 || position >= size ? -1 : position;
    case 'edge':
      return Math.min(Math.max(position, 0), size - 1);
    case 'wrap':
      return ((position % size) + size) % size;
    case 'reflect': {
      if (size === 1) return 0;
      const period = 2 * (size - 1);
      const phase = ((position % period) + period) % period;
      return phase < size ? phase : period - phase;
    }
  }
};

/** The upper or lower triangle of each matrix, diagonal `k` with it; the rest is 0. */
const trilu: Operator = (call) => {
  const array = input(call, 0);
  const rank = array.dims.length;
  if (rank < 2) throw invalid(`[${array.dims}] is no matrix`);
  const [k = 0] = optionalInput(call, 1) ? integers(call, 1) : [0];
  const upper = intAttribute(call, 'upper', 1) !== 0;
  const [rows, columns] = [dimAt(array, rank - 2), dimAt(array, rank - 1)];
  const source = ramp(array.values.length).map((i) => {
    const column = i % columns;
    const row = Math.floor(i / columns) % rows;
    return (upper ? column - row >= k : column - row <= k) ? i : -1;
  });
  claim(call, array.dims);
  return [take(array, array.dims, source)];
};

export const paddingOperators = {
  Pad: pad,
  Trilu: trilu,
} satisfies Record<string, Operator>;
