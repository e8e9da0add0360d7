import { err, type Fault, fault, ok, type Result } from '../../core/result.ts';
import { decodeSketch } from '../metrics/sketch.ts';
import type { Sketch } from '../metrics/types.ts';
import { pointBucket, type StoredBucket } from './buckets.ts';
import { ByteReader, ByteWriter, Damaged } from './byteColumns.ts';
import type { Tier } from './types.ts';

/**
 * The buckets of one series as bytes: their number, their times, then column by column. Of points only time and value. Sketches
 * come last, each with its length, and are only read by those who ask.
 */
export const encodeBlock = (tier: Tier, buckets: readonly StoredBucket[]): Uint8Array => {
  const writer = new ByteWriter();
  writer.varint(buckets.length);
  writer.times(buckets.map(({ at }) => at));
  if (tier === 'raw') {
    writer.floats(buckets.map(({ last }) => last));
    return writer.finish();
  }
  for (const column of columns) writer.floats(buckets.map((bucket) => bucket[column]));
  for (const { at, lastAt } of buckets) writer.zigzag(lastAt - at);
  const hasSketches = buckets.some(({ sketch }) => sketch !== undefined);
  writer.byte(hasSketches ? 1 : 0);
  if (!hasSketches) return writer.finish();
  for (const { sketch } of buckets) {
    const bytes = sketch?.encode();
    writer.varint(bytes?.byteLength ?? 0);
    if (bytes) writer.bytes(bytes);
  }
  return writer.finish();
};

/** `sketches: false`: without them, for those who don't look at distributions. Bytes from strangers. */
export const decodeBlock = (
  tier: Tier,
  bytes: Uint8Array,
  { sketches = true }: { readonly sketches?: boolean } = {},
): Result<StoredBucket[], Fault<'malformed'>> => {
  try {
    const reader = new ByteReader(bytes);
    const buckets = readBuckets(tier, reader, sketches);
    return isInOrder(buckets) ? ok(buckets) : malformed('its times are not in order');
  } catch (cause) {
    if (!(cause instanceof Damaged)) throw cause;
    return malformed(cause.message);
  }
};

/** How many buckets, and the times of the first and the last, of a block of ours. */
export const extentOf = (
  tier: Tier,
  bytes: Uint8Array,
): { readonly points: number; readonly from: number; readonly to: number } => {
  const read = decodeBlock(tier, bytes, { sketches: false });
  const buckets = read.ok ? read.value : [];
  return { points: buckets.length, from: buckets[0]?.at ?? 0, to: buckets.at(-1)?.lastAt ?? 0 };
};

const columns = ['count', 'sum', 'min', 'max', 'last'] as const;

const malformed = (message: string) => err(fault('malformed', `a block of points is damaged: ${message}`));

const readBuckets = (tier: Tier, reader: ByteReader, withSketches: boolean): StoredBucket[] => {
  const count = reader.count();
  const times = reader.times(count);
  if (tier === 'raw') {
    const values = reader.floats(count);
    return times.map((at, i) => pointBucket(at, values[i] ?? 0));
  }
  const read = columns.map(() => reader.floats(count));
  const lastAt = times.map((at) => at + reader.zigzag());
  const sketches = reader.byte() === 1 && withSketches ? readSketches(reader, count) : [];
  const [counts = [], sums = [], mins = [], maxs = [], lasts = []] = read;
  return times.map((at, i) => {
    const sketch = sketches[i];
    const bucket = {
      at,
      count: counts[i] ?? 0,
      sum: sums[i] ?? 0,
      min: mins[i] ?? 0,
      max: maxs[i] ?? 0,
      last: lasts[i] ?? 0,
      lastAt: lastAt[i] ?? at,
      ...(sketch && { sketch }),
    };
    if (!isPlausible(bucket)) throw new Damaged(`the bucket at ${at} contradicts itself`);
    return bucket;
  });
};

const readSketches = (reader: ByteReader, count: number): (Sketch | undefined)[] =>
  Array.from({ length: count }, () => {
    const length = reader.varint();
    if (length === 0) return undefined;
    const sketch = decodeSketch(reader.bytes(length));
    if (!sketch.ok) throw new Damaged(sketch.error.message);
    return sketch.value;
  });

const isPlausible = ({ count, min, max, last }: StoredBucket): boolean =>
  Number.isSafeInteger(count) && count > 0 && min <= max && last >= min && last <= max;

const isInOrder = (buckets: readonly StoredBucket[]): boolean =>
  buckets.every(({ at }, i) => i === 0 || at >= (buckets[i - 1]?.at ?? 0));
