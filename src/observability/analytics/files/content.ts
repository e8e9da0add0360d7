import * as v from 'valibot';
import { parseWith } from '../../../core/schema.ts';
import { decodeBlock } from '../block.ts';
import { tiersOf } from '../buckets.ts';
import { schemaVersion } from '../records.ts';
import { identify, type Row, rowSchema } from '../seriesIdentity.ts';

/** A row that was read and is whole. */
export type FileRow = Row & { readonly points: number };
export type FileContent = { readonly rows: readonly FileRow[]; readonly lost: readonly string[] };

/** What stands at the beginning of every file. `rows`: how many there should be. */
export type FileHead = {
  readonly format: typeof formatName;
  readonly schema: number;
  readonly savedAt: number;
  readonly rows: number;
};
export const formatName = 'aivillage-analytics';
export const headSchema = v.object({
  format: v.literal(formatName),
  schema: v.pipe(v.number(), v.integer(), v.minValue(1)),
  savedAt: v.number(),
  rows: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
});
export const isNewerFile = ({ schema }: FileHead): boolean => schema > schemaVersion;
export const fileHead = (savedAt: number, rows: number): FileHead => ({
  format: formatName,
  schema: schemaVersion,
  savedAt,
  rows,
});

/** A row of a file from anybody: undefined unless every part of it is what this page could have written. */
export const checkRow = (value: unknown): FileRow | undefined => {
  const parsed = parseWith(rowSchema, value);
  if (!parsed.ok) return undefined;
  const { name, labels, kind, tier, block } = parsed.value;
  const series = identify(name, kind, labels);
  if (!series || !tiersOf(kind).includes(tier)) return undefined;
  const buckets = decodeBlock(tier, block);
  if (!buckets.ok || buckets.value.length === 0) return undefined;
  const isNegative = kind !== 'gauge' && buckets.value.some(({ min }) => min < 0);
  const hasSketches =
    kind !== 'histogram' || buckets.value.every(({ sketch, count }) => sketch?.count === count);
  return isNegative || !hasSketches ? undefined : { ...series, tier, block, points: buckets.value.length };
};

/** Sentences about what is missing: counted where nothing is left to name it by. */
export const lostOf = (head: FileHead | undefined, whole: number, damaged: number): string[] => {
  const missing = Math.max(damaged, (head?.rows ?? 0) - whole);
  return [
    ...(head ? [] : ['the beginning of the file is damaged: when it was saved is not known']),
    ...(missing > 0
      ? [`${missing} of ${Math.max(head?.rows ?? 0, whole + damaged)} parts are damaged and were left out`]
      : []),
  ];
};
