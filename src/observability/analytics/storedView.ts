import type { KeyValueStore } from '../../storage/port.ts';
import { decodeBlock } from './block.ts';
import { byTime, type StoredBucket } from './buckets.ts';
import { type Contribution, combine, contributionsOf, isMissingIn } from './combine.ts';
import {
  type Chunk,
  chunkId,
  keyOf,
  periodMs,
  readChunk,
  readLoaded,
  readSegment,
  type Segment,
} from './records.ts';
import { identityOf, type SeriesIdentity } from './seriesIdentity.ts';
import type { RetentionPolicy, Tier } from './types.ts';

export type ReadOptions = { readonly sketches?: boolean };

/**
 * What is stored and what this tab is about to store, as one past. Segments are read before chunks: one that is merged in
 * between is found in its chunk, and its mark keeps it from being counted a second time. Every record is read once and kept as
 * long as the view is.
 */
export interface StoredView {
  /** In order of time, in [from, to). Rejects with StorageErrors. */
  read(
    key: string,
    tier: Tier,
    from: number,
    to: number,
    options?: ReadOptions,
  ): Promise<readonly StoredBucket[]>;
  /** Every series that has something in [from, to) of a tier. */
  series(tier: Tier, from: number, to: number): Promise<readonly SeriesIdentity[]>;
}

export const createStoredView = (
  store: KeyValueStore,
  options: {
    readonly now: number;
    /** By which ages are told. */
    readonly agedAt: number;
    readonly policy: RetentionPolicy;
    /** Not written yet, as the segments they will be. */
    readonly unwritten: readonly Segment[];
  },
): StoredView => {
  const { now, agedAt, policy, unwritten } = options;
  const chunks = new Map<string, Promise<Chunk | undefined>>();
  const contributions = loadContributions(store, unwritten);
  contributions.catch(() => {}); // told to whoever reads
  const chunkAt = (id: string): Promise<Chunk | undefined> => {
    const known = chunks.get(id);
    if (known) return known;
    const reading = store.get('metrics', keyOf.chunk(id)).then((value) => {
      const chunk = readChunk(value);
      return chunk.kind === 'ok' ? chunk.value : undefined;
    });
    chunks.set(id, reading);
    return reading;
  };
  const periodsOf = (tier: Tier, from: number, to: number): number[] => {
    const oldest = Math.max(from, agedAt - policy[tier].maxAgeMs, 0);
    const newest = Math.min(to, now + toleranceMs);
    const starts: number[] = [];
    const first = Math.floor(oldest / periodMs[tier]) * periodMs[tier];
    for (let start = first; start < newest; start += periodMs[tier]) starts.push(start);
    return starts;
  };
  const readPeriod = async (
    key: string,
    tier: Tier,
    start: number,
    added: readonly Contribution[],
    readOptions: ReadOptions | undefined,
  ) => {
    const chunk = await chunkAt(chunkId(tier, start));
    const row = chunk?.rows.find((candidate) => candidate.key === key);
    const stored = row && decodeBlock(tier, row.block, readOptions);
    return combine(
      tier,
      stored?.ok ? stored.value : [],
      added.filter((contribution) => isMissingIn(chunk, contribution)),
      { start, end: start + periodMs[tier] },
      readOptions,
    );
  };
  return {
    async read(key, tier, from, to, readOptions) {
      const added = (await contributions).filter(({ row }) => row.key === key);
      const oldest = Math.max(from, agedAt - policy[tier].maxAgeMs);
      const parts: StoredBucket[] = [];
      for (const start of periodsOf(tier, from, to)) {
        for (const bucket of await readPeriod(key, tier, start, added, readOptions))
          if (bucket.at >= oldest && bucket.at < to) parts.push(bucket);
      }
      parts.sort(byTime);
      return tier === 'raw' ? parts.slice(-policy.raw.maxPoints) : parts;
    },
    async series(tier, from, to) {
      const found = new Map<string, SeriesIdentity>();
      const add = (row: SeriesIdentity) => void found.set(row.key, identityOf(row));
      for (const { row } of await contributions) add(row);
      for (const start of periodsOf(tier, from, to)) (await chunkAt(chunkId(tier, start)))?.rows.forEach(add);
      return [...found.values()];
    },
  };
};

/** How far in the future a point may be: clocks differ. */
export const toleranceMs = 24 * 3_600_000;

const loadContributions = async (
  store: KeyValueStore,
  unwritten: readonly Segment[],
): Promise<readonly Contribution[]> => {
  const entries = await store.entries('metrics', 'seg/');
  const segments = entries.flatMap(([, value]) => {
    const segment = readSegment(value);
    return segment.kind === 'ok' ? [segment.value] : [];
  });
  const isWritten = ({ source, seq }: Segment) =>
    segments.some((segment) => segment.source === source && segment.seq === seq);
  const loaded = (await store.entries('metrics', 'load/')).flatMap(([, value]) => {
    const file = readLoaded(value);
    return file.kind === 'ok' ? [file.value] : [];
  });
  return contributionsOf([...segments, ...unwritten.filter((segment) => !isWritten(segment))], loaded);
};
