import {
  type Call,
  floatAttribute,
  floatInput,
  input,
  intAttribute,
  integers,
  invalid,
  type Operator,
  optionalInput,
  requireSameType,
  unsupported,
  zeros,
} from '../call.ts';
import { at, equalDims, itemAt } from '../indexing.ts';
import type { RealArray } from '../ndArray.ts';

/** Vectors of `headSize` in a flat array: where that of (sample, head, position) begins. */
export type HeadLayout = {
  readonly batch: number;
  readonly heads: number;
  readonly length: number;
  readonly headSize: number;
  readonly start: (sample: number, head: number, position: number) => number;
};

export type RotaryCache = {
  /** [rows, half of the rotated part]. */
  readonly cos: RealArray;
  readonly sin: RealArray;
  /** Pairs (2i, 2i + 1) turn instead of (i, i + half). */
  readonly interleaved: boolean;
  readonly row: (sample: number, position: number) => number;
};

/**
 * Turns pairs of a head's first elements by the angle of its position (RoFormer, arXiv:2104.09864); the others stay. Reads
 * `from` and writes `to`, both in the same layout.
 */
export const rotate = (
  from: Float64Array,
  to: Float64Array,
  { batch, heads, length, start }: HeadLayout,
  { cos, sin, interleaved, row }: RotaryCache,
): void => {
  const half = cos.dims.at(-1) ?? 0;
  for (let sample = 0; sample < batch; sample++)
    for (let position = 0; position < length; position++) {
      const angles = row(sample, position) * half;
      for (let head = 0; head < heads; head++) {
        const base = start(sample, head, position);
        for (let i = 0; i < half; i++) {
          const [one, other] = interleaved ? [base + 2 * i, base + 2 * i + 1] : [base + i, base + half + i];
          const [x, y] = [at(from, one), at(from, other)];
          const [c, s] = [at(cos.values, angles + i), at(sin.values, angles + i)];
          to[one] = x * c - y * s;
          to[other] = x * s + y * c;
        }
      }
    }
};

/** Rows of the caches, checked. */
export const requireCache = (cos: RealArray, sin: RealArray, headSize: number): number => {
  const half = cos.dims.at(-1) ?? 0;
  if (!equalDims(cos.dims, sin.dims) || cos.dims.length < 2 || 2 * half > headSize)
    throw invalid(`cos [${cos.dims}] and sin [${sin.dims}] don't turn heads of ${headSize}`);
  return cos.values.length / Math.max(1, half);
};

export const requireRow = (row: number, rows: number): number => {
  if (row < 0 || row >= rows) throw invalid(`position ${row} is outside of the cache's ${rows} rows`);
  return row;
};

/** [batch, length, hidden] or [batch, heads, length, head size]. */
const layoutOf = (call: Call, x: RealArray, rotaryDim: number): HeadLayout => {
  const asked = intAttribute(call, 'num_heads', 0);
  if (x.dims.length === 4) {
    const [batch, heads, length, headSize] = [0, 1, 2, 3].map((axis) => itemAt(x.dims, axis));
    if (batch === undefined || heads === undefined || length === undefined || headSize === undefined)
      throw invalid(`[${x.dims}]`);
    return { batch, heads, length, headSize, start: (b, h, s) => ((b * heads + h) * length + s) * headSize };
  }
  if (x.dims.length !== 3)
    throw invalid(`input 0 [${x.dims}] is neither [batch, length, hidden] nor of rank 4`);
  const [batch, length, hidden] = [itemAt(x.dims, 0), itemAt(x.dims, 1), itemAt(x.dims, 2)];
  const heads = asked > 0 ? asked : hidden / rotaryDim;
  const headSize = hidden / heads;
  if (!Number.isSafeInteger(heads) || !Number.isSafeInteger(headSize))
    throw invalid(`${hidden} in ${heads} heads`);
  return { batch, heads, length, headSize, start: (b, h, s) => (b * length + s) * hidden + h * headSize };
};

/** Positions: one number that the first position has, or one for each. */
const positionRows = (call: Call, position: number, { batch, length }: HeadLayout, rows: number) => {
  const ids = integers(call, position);
  if (ids.length !== 1 && ids.length !== batch * length)
    throw invalid(`${ids.length} positions for [${batch},${length}]`);
  const isOffset = input(call, position).dims.length < 2;
  return (sample: number, at: number): number =>
    requireRow(isOffset ? itemAt(ids, 0) + at : itemAt(ids, sample * length + at), rows);
};

const rotary = (call: Call, places: { cos: number; sin: number; ids: number }): RealArray => {
  const x = floatInput(call, 0);
  requireSameType(call, [0, places.cos, places.sin]);
  const [cos, sin] = [floatInput(call, places.cos), floatInput(call, places.sin)];
  const layout = layoutOf(call, x, 2 * (cos.dims.at(-1) ?? 0));
  const rows = requireCache(cos, sin, layout.headSize);
  const dim = intAttribute(call, 'rotary_embedding_dim', 0);
  if (dim > 0 && dim !== 2 * (cos.dims.at(-1) ?? 0))
    throw invalid(`rotary_embedding_dim ${dim} for caches [${cos.dims}]`);
  if (optionalInput(call, places.ids) === undefined && rows !== layout.batch * layout.length)
    throw invalid(`caches [${cos.dims}] have no row for each position of [${x.dims}]`);
  const row =
    optionalInput(call, places.ids) === undefined
      ? (sample: number, position: number) => sample * layout.length + position
      : positionRows(call, places.ids, layout, rows);
  const result = zeros(call, x.dtype, x.dims);
  result.values.set(x.values);
  rotate(x.values, result.values, layout, {
    cos,
    sin,
    interleaved: intAttribute(call, 'interleaved', 0) !== 0,
    row,
  });
  return result;
};

const microsoftRotary: Operator = (call) => {
  if (intAttribute(call, 'is_packed_batching', 0) !== 0) throw unsupported('packed batches');
  if (floatAttribute(call, 'scale', 1) !== 1) throw unsupported('a scale other than 1');
  return [rotary(call, { ids: 1, cos: 2, sin: 3 })];
};

export const rotaryOperators = {
  RotaryEmbedding: (call) => [rotary(call, { cos: 1, sin: 2, ids: 3 })],
} satisfies Record<string, Operator>;

/** com.microsoft: the same with its inputs in another order. */
export const microsoftRotaryOperators = {
  RotaryEmbedding: microsoftRotary,
} satisfies Record<string, Operator>;
