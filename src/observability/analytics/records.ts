import * as v from 'valibot';
import { parseWith } from '../../core/schema.ts';
import { identitySchema, type Row, rowSchema, withKey } from './seriesIdentity.ts';
import type { RetentionPolicy, Tier } from './types.ts';

/**
 * What lies in the store, in the namespace `metrics`:
 *
 * - `meta`: the version of all this. A newer one is left as it is.
 * - `policy`: the retention policy that the person has set.
 * - `seg/<tab>/<number>`: a segment, what a tab has recorded since its segment before. Counters and gauges as points,
 *   histograms by the minute. Written once, never changed.
 * - `load/<hash>`: what a file held, on its way into the chunks.
 * - `chunk/<tier>/<period>`: every series of a tier in a period. `marks` says up to which segment of each tab it has
 *   everything: whoever merges again after a crash finds there what is already counted.
 * - `head/<tier>/<period>`: what a chunk has, to know without reading it. Written after it; wrong only while segments are left.
 */
export const schemaVersion = 1;

export type Segment = {
  readonly v: typeof schemaVersion;
  readonly source: string;
  readonly seq: number;
  readonly rows: readonly Row[];
};
export type LoadedFile = { readonly v: typeof schemaVersion; readonly rows: readonly Row[] };
export type Mark = { readonly seq: number; readonly at: number };
export type Chunk = {
  readonly v: typeof schemaVersion;
  readonly marks: Readonly<Record<string, Mark>>;
  readonly rows: readonly Row[];
};
export type HeadRow = Pick<Row, 'key' | 'name' | 'labels' | 'kind'> & {
  readonly points: number;
  readonly from: number;
  readonly to: number;
};
export type Head = {
  readonly v: typeof schemaVersion;
  readonly bytes: number;
  readonly rows: readonly HeadRow[];
};

export const periodMs: Readonly<Record<Tier, number>> = {
  raw: 3_600_000,
  minute: 6 * 3_600_000,
  hour: 7 * 24 * 3_600_000,
};

export const keyOf = {
  meta: 'meta',
  policy: 'policy',
  segment: (source: string, seq: number) => `seg/${source}/${pad(seq)}`,
  load: (hash: string) => `load/${hash}`,
  chunk: (id: string) => `chunk/${id}`,
  head: (id: string) => `head/${id}`,
};
const pad = (index: number): string => String(index).padStart(12, '0');

/** `raw/000000497222`: the name of a chunk, in order of time within a tier. */
export const chunkId = (tier: Tier, at: number): string => `${tier}/${pad(Math.floor(at / periodMs[tier]))}`;
export const placeOf = (
  id: string,
): { readonly tier: Tier; readonly start: number; readonly end: number } | undefined => {
  const [, tier, index] = /^(raw|minute|hour)\/(\d{12})$/.exec(id) ?? [];
  if (tier !== 'raw' && tier !== 'minute' && tier !== 'hour') return undefined;
  const start = Number(index) * periodMs[tier];
  return { tier, start, end: start + periodMs[tier] };
};

/** What was read, if it is ours and of a version that this code knows. */
export type ReadRecord<Value> =
  | { readonly kind: 'absent' | 'newer' | 'damaged' }
  | { readonly kind: 'ok'; readonly value: Value };

const positive = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const version = v.literal(schemaVersion);
const rows = v.array(rowSchema);
const segmentSchema = v.object({ v: version, source: v.string(), seq: positive, rows });
const loadSchema = v.object({ v: version, rows });
const chunkSchema = v.object({
  v: version,
  marks: v.record(v.string(), v.object({ seq: positive, at: v.number() })),
  rows,
});
const headSchema = v.object({
  v: version,
  bytes: positive,
  rows: v.array(
    v.pipe(
      v.object({ ...identitySchema, points: positive, from: v.number(), to: v.number() }),
      v.transform(withKey),
    ),
  ),
});

export const readSegment = (value: unknown): ReadRecord<Segment> => readAs(segmentSchema, value);
export const readLoaded = (value: unknown): ReadRecord<LoadedFile> => readAs(loadSchema, value);
export const readChunk = (value: unknown): ReadRecord<Chunk> => readAs(chunkSchema, value);
export const readHead = (value: unknown): ReadRecord<Head> => readAs(headSchema, value);

const age = v.object({ maxAgeMs: v.number() });
const policySchema = v.object({
  v: version,
  policy: v.object({
    raw: v.object({ maxAgeMs: v.number(), maxPoints: positive }),
    minute: age,
    hour: age,
  }),
});
export const readPolicy = (value: unknown): ReadRecord<{ readonly policy: RetentionPolicy }> =>
  readAs(policySchema, value);

export const isNewer = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && 'v' in value && typeof value.v === 'number'
    ? value.v > schemaVersion
    : false;

const readAs = <Schema extends v.GenericSchema>(
  schema: Schema,
  value: unknown,
): ReadRecord<v.InferOutput<Schema>> => {
  if (value === undefined) return { kind: 'absent' };
  if (isNewer(value)) return { kind: 'newer' };
  const parsed = parseWith(schema, value);
  return parsed.ok ? { kind: 'ok', value: parsed.value } : { kind: 'damaged' };
};
