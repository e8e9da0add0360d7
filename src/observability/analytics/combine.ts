import { decodeBlock } from './block.ts';
import { rollUp, type StoredBucket, tierMs, unite } from './buckets.ts';
import type { Chunk, LoadedFile, Segment } from './records.ts';
import type { Row } from './seriesIdentity.ts';
import type { Tier } from './types.ts';

/** Something of one series that may not be in its chunk yet. `segment` is missing for what came from a file. */
export type Contribution = { readonly row: Row; readonly segment?: Pick<Segment, 'source' | 'seq'> };

export const contributionsOf = (
  segments: readonly Segment[],
  files: readonly LoadedFile[],
): readonly Contribution[] => [
  ...segments.flatMap(({ rows, source, seq }) => rows.map((row) => ({ row, segment: { source, seq } }))),
  ...files.flatMap(({ rows }) => rows.map((row) => ({ row }))),
];

/** Segments are counted once: not if the chunk has them already. Files may be taken any number of times. */
export const isMissingIn = (chunk: Chunk | undefined, { segment }: Contribution): boolean =>
  !segment || segment.seq > (chunk?.marks[segment.source]?.seq ?? 0);

/** What a row says in a tier: of a segment also what can be rolled up from it, of a file only that tier itself. */
export const bucketsOf = (
  { row, segment }: Contribution,
  tier: Tier,
  options?: { readonly sketches?: boolean },
): readonly StoredBucket[] => {
  if (segment ? tierMs[row.tier] > tierMs[tier] : row.tier !== tier) return [];
  const read = decodeBlock(row.tier, row.block, options);
  if (!read.ok) return [];
  return row.tier === tier ? read.value : rollUp(read.value, tierMs[tier]);
};

/** All that is known of one series in one tier, in order of time. */
export const combine = (
  tier: Tier,
  stored: readonly StoredBucket[],
  contributions: readonly Contribution[],
  within: { readonly start: number; readonly end: number },
  options?: { readonly sketches?: boolean },
): readonly StoredBucket[] => {
  const partOf = (contribution: Contribution) =>
    bucketsOf(contribution, tier, options).filter(({ at }) => at >= within.start && at < within.end);
  const recorded = contributions.filter(({ segment }) => segment !== undefined).flatMap(partOf);
  const own = recorded.length === 0 ? stored : rollUp([...stored, ...recorded], tierMs[tier]);
  return contributions
    .filter(({ segment }) => segment === undefined)
    .reduce<readonly StoredBucket[]>((known, told) => {
      const part = partOf(told);
      return part.length === 0 ? known : unite(known, part, tier);
    }, own);
};
