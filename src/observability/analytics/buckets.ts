import type { MetricKind, Sketch } from '../metrics/types.ts';
import type { Bucket, Tier } from './types.ts';

/**
 * What is kept of a stretch of time. A point of the raw tier is one of a single sample. Two of one stretch merge to the same
 * whatever their order, so that tabs need not know of each other: `lastAt` (when `last` was measured) decides between them.
 */
export type StoredBucket = Bucket & { readonly lastAt: number };

export const tierMs: Readonly<Record<Tier, number>> = { raw: 1, minute: 60_000, hour: 3_600_000 };

/** Histograms begin at the minute: a quantile of the few samples of ten seconds says nothing, and costs as much to keep. */
export const finestTier = (kind: MetricKind): Tier => (kind === 'histogram' ? 'minute' : 'raw');
export const tiersOf = (kind: MetricKind): readonly Tier[] =>
  kind === 'histogram' ? ['minute', 'hour'] : ['raw', 'minute', 'hour'];

export const pointBucket = (at: number, value: number): StoredBucket => ({
  at,
  count: 1,
  sum: value,
  min: value,
  max: value,
  last: value,
  lastAt: at,
});

/** Of two buckets of one stretch, both of which count. */
export const mergeBuckets = (a: StoredBucket, b: StoredBucket): StoredBucket => {
  const bIsLater = b.lastAt > a.lastAt || (b.lastAt === a.lastAt && b.last > a.last);
  const { last, lastAt } = bIsLater ? b : a;
  const sketch = mergeSketches(a.sketch, b.sketch);
  return {
    at: a.at,
    count: a.count + b.count,
    sum: boundedSum(a.sum, b.sum),
    min: Math.min(a.min, b.min),
    max: Math.max(a.max, b.max),
    last,
    lastAt,
    ...(sketch && { sketch }),
  };
};

/** Sums of huge values stay finite: nothing that is written is not. */
export const boundedSum = (a: number, b: number): number =>
  Math.max(-Number.MAX_VALUE, Math.min(Number.MAX_VALUE, a + b));

/** A new one: neither is changed. One of another precision can't be merged in and is left out. */
const mergeSketches = (a: Sketch | undefined, b: Sketch | undefined): Sketch | undefined => {
  if (!a || !b) return a ?? b;
  const merged = a.copy();
  merged.merge(b);
  return merged;
};

/** In order of time, those of one step merged. `stepMs` 1 leaves points as they are, in order of time. */
export const rollUp = (buckets: Iterable<StoredBucket>, stepMs: number): StoredBucket[] => {
  if (stepMs <= 1) return [...buckets].sort(byTime);
  const byStep = new Map<number, StoredBucket>();
  for (const bucket of buckets) {
    const at = Math.floor(bucket.at / stepMs) * stepMs;
    const known = byStep.get(at);
    byStep.set(at, known ? mergeBuckets(known, bucket) : { ...bucket, at });
  }
  return [...byStep.values()].sort(byTime);
};

/**
 * What two accounts of one past come to, of which the second may be a copy of the first: doing it again changes nothing. Points
 * that both have count once; of a stretch that both tell, the account with more samples counts.
 */
export const unite = (
  own: readonly StoredBucket[],
  told: readonly StoredBucket[],
  tier: Tier,
): StoredBucket[] => (tier === 'raw' ? unitePoints(own, told) : uniteStretches(own, told));

const unitePoints = (own: readonly StoredBucket[], told: readonly StoredBucket[]): StoredBucket[] => {
  const copies = new Map<string, number>();
  const nameOf = ({ at, last }: StoredBucket) => `${at} ${last}`;
  for (const point of own) copies.set(nameOf(point), (copies.get(nameOf(point)) ?? 0) + 1);
  const added = told.filter((point) => {
    const left = copies.get(nameOf(point)) ?? 0;
    if (left > 0) copies.set(nameOf(point), left - 1);
    return left === 0;
  });
  return [...own, ...added].sort(byTime);
};

const uniteStretches = (own: readonly StoredBucket[], told: readonly StoredBucket[]): StoredBucket[] => {
  const byTimeOfOwn = new Map(own.map((bucket) => [bucket.at, bucket]));
  for (const bucket of told) {
    const known = byTimeOfOwn.get(bucket.at);
    if (!known || bucket.count > known.count) byTimeOfOwn.set(bucket.at, bucket);
  }
  return [...byTimeOfOwn.values()].sort(byTime);
};

export const byTime = (a: { readonly at: number }, b: { readonly at: number }): number => a.at - b.at;
