import type { KeyValueStore } from '../../storage/port.ts';
import { decodeBlock, encodeBlock, extentOf } from './block.ts';
import { tiersOf } from './buckets.ts';
import { type Contribution, combine, contributionsOf, isMissingIn } from './combine.ts';
import {
  type Chunk,
  chunkId,
  type Head,
  keyOf,
  type LoadedFile,
  type Mark,
  periodMs,
  placeOf,
  readChunk,
  readLoaded,
  readSegment,
  type Segment,
  schemaVersion,
} from './records.ts';
import type { Row } from './seriesIdentity.ts';
import type { RetentionPolicy } from './types.ts';

export type CompactOptions = {
  readonly now: number;
  readonly policy: RetentionPolicy;
  /** Lets the page draw between two chunks. */
  readonly pause: () => Promise<void>;
};
export type CompactOutcome = {
  readonly merged: number;
  /** Records that can't be read, and are gone now. */
  readonly damaged: number;
  /** A newer version has been here: nothing was changed. */
  readonly newer: boolean;
};

/** Marks of tabs that are gone for a week: nothing of theirs can come any more. */
const forgetMarksAfterMs = 7 * 24 * 3_600_000;

/**
 * Moves segments and files into chunks: first every chunk with what it lacked and the marks that say so, then its head, and only
 * then the segments go. After a crash anywhere in between it is done again and counts nothing twice. One tab at a time: whoever
 * calls holds the lock. Rejects with StorageErrors.
 */
export const compact = async (store: KeyValueStore, options: CompactOptions): Promise<CompactOutcome> => {
  const found = await collect(store);
  if (found.newer) return { merged: 0, damaged: 0, newer: true };
  const byChunk = groupByChunk(contributionsOf(found.segments, found.files), options);
  for (const [id, contributions] of byChunk) {
    if (!(await mergeIntoChunk(store, id, contributions, options)))
      return { merged: 0, damaged: 0, newer: true };
    await options.pause();
  }
  for (const key of [...found.keys, ...found.damaged]) await store.delete('metrics', key);
  return { merged: found.keys.length, damaged: found.damaged.length, newer: false };
};

type Collected = {
  readonly segments: readonly Segment[];
  readonly files: readonly LoadedFile[];
  readonly keys: readonly string[];
  readonly damaged: readonly string[];
  readonly newer: boolean;
};

const collect = async (store: KeyValueStore): Promise<Collected> => {
  const segments: Segment[] = [];
  const files: LoadedFile[] = [];
  const keys: string[] = [];
  const damaged: string[] = [];
  let newer = false;
  const take = <Value>(
    entries: readonly (readonly [string, unknown])[],
    read: (value: unknown) => { kind: string; value?: Value },
    into: Value[],
  ) => {
    for (const [key, value] of entries) {
      const record = read(value);
      if (record.kind === 'newer') newer = true;
      else if (record.value === undefined) damaged.push(key);
      else {
        into.push(record.value);
        keys.push(key);
      }
    }
  };
  take(await store.entries('metrics', 'seg/'), readSegment, segments);
  take(await store.entries('metrics', 'load/'), readLoaded, files);
  return { segments, files, keys, damaged, newer };
};

const groupByChunk = (
  contributions: readonly Contribution[],
  { now, policy }: CompactOptions,
): ReadonlyMap<string, readonly Contribution[]> => {
  const byChunk = new Map<string, Contribution[]>();
  for (const contribution of contributions) {
    const { row, segment } = contribution;
    const { points, from, to } = extentOf(row.tier, row.block);
    if (points === 0) continue;
    for (const tier of segment ? tiersOf(row.kind) : [row.tier]) {
      const period = periodMs[tier];
      const first = Math.max(from, now - policy[tier].maxAgeMs);
      for (let start = Math.floor(first / period) * period; start <= to; start += period) {
        const id = chunkId(tier, start);
        const known = byChunk.get(id);
        if (known) known.push(contribution);
        else byChunk.set(id, [contribution]);
      }
    }
  }
  return byChunk;
};

/** False: a newer version has written it. */
const mergeIntoChunk = async (
  store: KeyValueStore,
  id: string,
  contributions: readonly Contribution[],
  { now }: CompactOptions,
): Promise<boolean> => {
  const read = readChunk(await store.get('metrics', keyOf.chunk(id)));
  if (read.kind === 'newer') return false;
  const known = read.kind === 'ok' ? read.value : undefined;
  const missing = contributions.filter((contribution) => isMissingIn(known, contribution));
  const chunk = missing.length === 0 && known ? known : withContributions(id, known, missing, now);
  if (chunk !== known) await store.set('metrics', keyOf.chunk(id), chunk);
  await store.set('metrics', keyOf.head(id), headOf(id, chunk));
  return true;
};

const withContributions = (
  id: string,
  known: Chunk | undefined,
  missing: readonly Contribution[],
  now: number,
): Chunk => {
  const rows = new Map((known?.rows ?? []).map((row) => [row.key, row]));
  const byKey = new Map<string, Contribution[]>();
  for (const contribution of missing) {
    const { key } = contribution.row;
    byKey.set(key, [...(byKey.get(key) ?? []), contribution]);
  }
  for (const [key, contributions] of byKey) {
    const row = mergeRow(id, rows.get(key), contributions);
    if (row) rows.set(key, row);
  }
  return {
    v: schemaVersion,
    marks: marksWith(known?.marks ?? {}, missing, now),
    rows: [...rows.values()],
  };
};

const mergeRow = (
  id: string,
  known: Row | undefined,
  contributions: readonly Contribution[],
): Row | undefined => {
  const place = placeOf(id);
  const [first] = contributions;
  if (!place || !first) return known;
  const { key, name, labels, kind } = known ?? first.row;
  const same = contributions.filter(({ row }) => row.kind === kind);
  const stored = known && decodeBlock(place.tier, known.block);
  const buckets = combine(place.tier, stored?.ok ? stored.value : [], same, place);
  if (buckets.length === 0) return known;
  return { key, name, labels, kind, tier: place.tier, block: encodeBlock(place.tier, buckets) };
};

const marksWith = (
  known: Chunk['marks'],
  added: readonly Contribution[],
  now: number,
): Record<string, Mark> => {
  const marks = Object.fromEntries(
    Object.entries(known).filter(([, { at }]) => now - at < forgetMarksAfterMs),
  );
  for (const { segment } of added) {
    if (!segment) continue;
    const seq = Math.max(segment.seq, marks[segment.source]?.seq ?? 0);
    marks[segment.source] = { seq, at: now };
  }
  return marks;
};

/** What it takes beside the bytes of its blocks: names, labels, and the database's own. */
const rowOverheadBytes = 160;

export const headOf = (id: string, { rows }: Pick<Chunk, 'rows'>): Head => {
  const tier = placeOf(id)?.tier ?? 'raw';
  return {
    v: schemaVersion,
    bytes: rows.reduce((sum, { block }) => sum + block.byteLength + rowOverheadBytes, 0),
    rows: rows.map(({ key, name, labels, kind, block }) => ({
      key,
      name,
      labels,
      kind,
      ...extentOf(tier, block),
    })),
  };
};
