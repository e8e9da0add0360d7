import * as v from 'valibot';
import { encodeCbor } from '../../core/codec.ts';
import { decodeWith, finiteSchema } from '../../core/schema.ts';
import { decodeSketch } from '../metrics/sketch.ts';
import type { Sketch } from '../metrics/types.ts';

/**
 * What is added to a sketch between two looks at it, bin by bin from its encoding, so that whoever else reads it finds it as it
 * is. The count is exact. The least and greatest value are so if they are a new least or greatest of the whole, else known to
 * their bin, as every quantile is. Undefined if nothing was added. Of a sketch that was cleared, all that is in it is new.
 */
export const createSketchTap = (): ((now: Sketch) => Sketch | undefined) => {
  let before: Encoded | undefined;
  let countBefore = 0;
  return (now) => {
    if (now.count === countBefore) return undefined;
    const isNew = before === undefined || now.count < countBefore;
    const earlier = before;
    const later = read(now.encode());
    before = later;
    countBefore = now.count;
    if (now.count === 0) return undefined;
    if (isNew || !earlier || !later || earlier.alpha !== later.alpha) return now.copy();
    const decoded = decodeSketch(difference(earlier, later));
    return decoded.ok ? decoded.value : undefined;
  };
};

const schema = v.object({
  v: v.literal(1),
  alpha: v.number(),
  maxBins: v.number(),
  range: v.nullable(v.strictTuple([finiteSchema, finiteSchema])),
  sum: finiteSchema,
  zeros: v.number(),
  negative: v.array(v.number()),
  positive: v.array(v.number()),
});
type Encoded = v.InferOutput<typeof schema>;
type Bin = readonly [index: number, count: number];

const read = (bytes: Uint8Array): Encoded | undefined => {
  const decoded = decodeWith(schema, bytes);
  return decoded.ok ? decoded.value : undefined;
};

const binsOf = (runs: readonly number[]): Bin[] => {
  const bins: Bin[] = [];
  let index = 0;
  for (let i = 0; i < runs.length; i += 2) {
    index += runs[i] ?? 0;
    bins.push([index, runs[i + 1] ?? 0]);
  }
  return bins;
};

const runsOf = (bins: readonly Bin[]): number[] =>
  bins.flatMap(([index, count], i) => [index - (bins[i - 1]?.[0] ?? 0), count]);

const difference = (before: Encoded, now: Encoded): Uint8Array => {
  const negative = subtract(binsOf(now.negative), binsOf(before.negative));
  const positive = subtract(binsOf(now.positive), binsOf(before.positive));
  const zeros = Math.max(0, now.zeros - before.zeros);
  const count = [...negative, ...positive].reduce((sum, [, of]) => sum + of, zeros);
  const edges = edgesOf({ alpha: now.alpha, negative, positive, zeros });
  const [least, greatest] = exactly(before.range, now.range, edges);
  const mean = Math.min(greatest, Math.max(least, (now.sum - before.sum) / count));
  return encodeCbor({
    ...now,
    // The middle of a bin may be beyond the only value in it.
    range: [Math.min(least, mean), Math.max(greatest, mean)],
    sum: mean * count,
    zeros,
    negative: runsOf(negative),
    positive: runsOf(positive),
  });
};

/** When the lowest bins were put together in the meantime, what they held is looked for above them. */
const subtract = (now: readonly Bin[], before: readonly Bin[]): Bin[] => {
  const left: Bin[] = [];
  let next = 0;
  let owed = 0;
  for (const [index, count] of now) {
    for (; (before[next]?.[0] ?? Number.POSITIVE_INFINITY) <= index; next++) owed += before[next]?.[1] ?? 0;
    const taken = Math.min(owed, count);
    owed -= taken;
    if (count > taken) left.push([index, count - taken]);
  }
  return left;
};

/** The lower edge of the lowest bin and the upper edge of the highest: every value lies between them. */
const edgesOf = (bins: {
  readonly alpha: number;
  readonly negative: readonly Bin[];
  readonly positive: readonly Bin[];
  readonly zeros: number;
}): readonly [number, number] => {
  const logGamma = Math.log1p((2 * bins.alpha) / (1 - bins.alpha));
  const upper = (index: number) => Math.min(Number.MAX_VALUE, Math.exp(index * logGamma));
  const [lowestPositive] = bins.positive[0] ?? [];
  const [highestPositive] = bins.positive.at(-1) ?? [];
  const [nearestNegative] = bins.negative[0] ?? [];
  const [farthestNegative] = bins.negative.at(-1) ?? [];
  const zero = bins.zeros > 0 ? 0 : undefined;
  const least =
    farthestNegative !== undefined
      ? -upper(farthestNegative)
      : (zero ?? (lowestPositive === undefined ? 0 : upper(lowestPositive - 1)));
  const greatest =
    highestPositive !== undefined
      ? upper(highestPositive)
      : (zero ?? (nearestNegative === undefined ? 0 : -upper(nearestNegative - 1)));
  return [least, greatest];
};

/** Nothing was below the least or above the greatest value of the whole; a new one of them is known exactly. */
const exactly = (
  before: Encoded['range'],
  now: Encoded['range'],
  [least, greatest]: readonly [number, number],
): readonly [number, number] => {
  if (!now) return [least, greatest];
  const isNewLeast = !before || now[0] < before[0];
  const isNewGreatest = !before || now[1] > before[1];
  return [isNewLeast ? now[0] : Math.max(now[0], least), isNewGreatest ? now[1] : Math.min(now[1], greatest)];
};
