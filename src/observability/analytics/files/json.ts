import * as v from 'valibot';
import { fromBase64url, toBase64url, utf8 } from '../../../core/bytes.ts';
import { parseWith } from '../../../core/schema.ts';
import { decodeSketch } from '../../metrics/sketch.ts';
import { decodeBlock, encodeBlock } from '../block.ts';
import { pointBucket, type StoredBucket } from '../buckets.ts';
import { identitySchema, type Row, tiers } from '../seriesIdentity.ts';
import { checkRow, type FileContent, type FileHead, type FileRow, headSchema, lostOf } from './content.ts';
import { crc32 } from './crc32.ts';

/**
 * A JSON document whose lines can be read one by one, so that a file that was cut or damaged still gives its whole lines:
 *
 *     {"head":{"format":"aivillage-analytics","schema":1,"savedAt":1790000000000,"rows":2},"rows":[
 *     {"crc32":"0a1b2c3d","row":{"name":"tasks_total","labels":{},"kind":"counter","tier":"raw","at":[…],"value":[…]}},
 *     {"crc32":"…","row":{…,"tier":"minute","at":[…],"count":[…],"sum":[…],"min":[…],"max":[…],"last":[…],"lastAt":[…],"sketch":[…]}}
 *     ]}
 *
 * `crc32` is of the row as it is written. Times are milliseconds since 1970; sketches are base64url of their CBOR, or null.
 */
export const jsonHead = (head: FileHead): Uint8Array => utf8(`{"head":${JSON.stringify(head)},"rows":[\n`);
export const jsonRow = (row: Row, isFirst: boolean): Uint8Array => {
  const text = JSON.stringify(toColumns(row));
  return utf8(`${isFirst ? '' : ',\n'}{"crc32":"${crcOf(text)}","row":${text}}`);
};
export const jsonEnd = utf8('\n]}\n');

/** Undefined: nothing of ours is in it. */
export const readJson = (
  bytes: Uint8Array,
): (FileContent & { readonly head: FileHead | undefined }) | undefined => {
  const text = new TextDecoder().decode(bytes);
  const { head, rows } = wholeDocument(text) ?? lineByLine(text);
  const read = rows.map(rowOf);
  const whole = read.filter((row): row is FileRow => row !== undefined);
  if (!head && whole.length === 0) return undefined;
  return { head, rows: whole, lost: lostOf(head, whole.length, read.length - whole.length) };
};

type Parsed = { readonly head: FileHead | undefined; readonly rows: readonly unknown[] };

const documentSchema = v.object({ head: headSchema, rows: v.array(v.unknown()) });

/** Also if somebody has laid it out otherwise. */
const wholeDocument = (text: string): Parsed | undefined => {
  const parsed = parseWith(documentSchema, parse(text));
  return parsed.ok ? parsed.value : undefined;
};

const lineByLine = (text: string): Parsed => {
  const [first = '', ...lines] = text.split('\n');
  const head = parseWith(v.object({ head: headSchema }), parse(`${first.trimEnd()}]}`));
  return {
    head: head.ok ? head.value.head : undefined,
    rows: lines.filter((line) => line.startsWith('{"crc32"')).map((line) => parse(line.replace(/,\s*$/, ''))),
  };
};

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

const crcOf = (text: string): string => crc32(utf8(text)).toString(16).padStart(8, '0');

const numbers = v.array(v.pipe(v.number(), v.finite()));
const columnsSchema = v.object({
  ...identitySchema,
  tier: v.picklist(tiers),
  at: numbers,
  value: v.optional(numbers),
  count: v.optional(numbers),
  sum: v.optional(numbers),
  min: v.optional(numbers),
  max: v.optional(numbers),
  last: v.optional(numbers),
  lastAt: v.optional(numbers),
  sketch: v.optional(v.array(v.nullable(v.string()))),
});
type Columns = v.InferOutput<typeof columnsSchema>;

const toColumns = ({ name, labels, kind, tier, block }: Row): Columns => {
  const read = decodeBlock(tier, block);
  const buckets = read.ok ? read.value : [];
  const column = (of: Exclude<keyof StoredBucket, 'sketch'>) => buckets.map((bucket) => bucket[of]);
  const shared = { name, labels, kind, tier, at: column('at') };
  if (tier === 'raw') return { ...shared, value: column('last') };
  return {
    ...shared,
    count: column('count'),
    sum: column('sum'),
    min: column('min'),
    max: column('max'),
    last: column('last'),
    lastAt: column('lastAt'),
    ...(kind === 'histogram' && {
      sketch: buckets.map(({ sketch }) => (sketch ? toBase64url(sketch.encode()) : null)),
    }),
  };
};

const rowOf = (line: unknown): FileRow | undefined => {
  const framed = parseWith(v.object({ crc32: v.string(), row: v.unknown() }), line);
  if (!framed.ok || crcOf(JSON.stringify(framed.value.row)) !== framed.value.crc32) return undefined;
  const columns = parseWith(columnsSchema, framed.value.row);
  if (!columns.ok) return undefined;
  const { name, labels, kind, tier } = columns.value;
  const buckets = toBuckets(columns.value);
  return buckets && checkRow({ name, labels, kind, tier, block: encodeBlock(tier, buckets) });
};

const toBuckets = (columns: Columns): StoredBucket[] | undefined => {
  const { at, value, count, sum, min, max, last, lastAt, sketch } = columns;
  if (!at.every((time) => Number.isSafeInteger(time) && time >= 0)) return undefined;
  if (columns.tier === 'raw')
    return value?.length === at.length ? at.map((time, i) => pointBucket(time, value[i] ?? 0)) : undefined;
  const others = [count, sum, min, max, last, lastAt];
  if (others.some((column) => column?.length !== at.length)) return undefined;
  if (!lastAt?.every(Number.isSafeInteger)) return undefined;
  return at.map((time, i) => {
    const read = sketch?.[i] ? readSketch(sketch[i]) : undefined;
    return {
      at: time,
      count: count?.[i] ?? 0,
      sum: sum?.[i] ?? 0,
      min: min?.[i] ?? 0,
      max: max?.[i] ?? 0,
      last: last?.[i] ?? 0,
      lastAt: lastAt[i] ?? time,
      ...(read && { sketch: read }),
    };
  });
};

const readSketch = (text: string) => {
  const bytes = fromBase64url(text);
  const sketch = bytes && decodeSketch(bytes);
  return sketch?.ok ? sketch.value : undefined;
};
