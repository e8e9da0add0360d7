import { err, fault, ok, type Result } from '../../core/result.ts';
import type { MetricKind } from '../metrics/types.ts';
import { rollUp, type StoredBucket, tierMs, tiersOf } from './buckets.ts';
import type { StoredView } from './storedView.ts';
import type { AnalyticsFault, Bucket, RangeQuery, SeriesRange, Tier } from './types.ts';

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;
/** Steps that a person can read off an axis. */
const steps = [
  ...[1, 2, 5, 10, 15, 30].map((count) => count * second),
  ...[1, 2, 5, 10, 15, 30].map((count) => count * minute),
  ...[1, 2, 3, 6, 12].map((count) => count * hour),
  ...[1, 2, 7, 14, 30, 90, 365].map((count) => count * day),
];
export const mostBuckets = 100_000;

/** The least step by which a range has at most so many buckets. */
export const stepFor = (from: number, to: number, maxBuckets: number): number => {
  const fits = (step: number) => Math.floor((to - 1) / step) - Math.floor(from / step) + 1 <= maxBuckets;
  const step = steps.find(fits);
  if (step !== undefined) return step;
  for (let longer = 2 * 365 * day; ; longer *= 2) if (fits(longer)) return longer;
};

/** The tiers whose buckets fit into a step, the coarsest first, because it is the cheapest to read; the finest at last. */
export const tiersFor = (kind: MetricKind, stepMs: number): readonly Tier[] => {
  const [finest, ...coarser] = tiersOf(kind);
  return [...coarser.filter((tier) => tierMs[tier] <= stepMs).reverse(), ...(finest ? [finest] : [])];
};

export const checkRange = ({ from, to, maxBuckets }: Omit<RangeQuery, 'key'>): AnalyticsFault | undefined => {
  if (!Number.isFinite(from) || !Number.isFinite(to) || from < 0 || to <= from)
    return fault('invalid', `a range goes from a time since 1970 to a later one, not from ${from} to ${to}`);
  if (!Number.isSafeInteger(maxBuckets) || maxBuckets < 1 || maxBuckets > mostBuckets)
    return fault('invalid', `a range has 1 to ${mostBuckets} buckets, not ${maxBuckets}`);
  return undefined;
};

/**
 * A range in at most `maxBuckets` buckets, from the coarsest tier that is fine enough. Where the step is finer than what is still
 * kept so far back, the coarser tier is taken with its own step. Steps in which nothing was measured have no bucket.
 */
export const queryRange = async (
  view: StoredView,
  { key, from, to, maxBuckets }: RangeQuery,
  { kind, finestFrom }: { readonly kind: MetricKind; readonly finestFrom: (tier: Tier) => number },
): Promise<Result<SeriesRange, AnalyticsFault>> => {
  const wanted = stepFor(from, to, maxBuckets);
  const tier = tierFor(kind, wanted, from, finestFrom);
  const stepMs = Math.max(wanted, tierMs[tier]);
  const stored = await view.read(key, tier, from, to);
  if (stored.length > mostRead)
    return err(fault('too-large', `the range has ${stored.length} points: ask for a shorter one`));
  return ok({ key, kind, stepMs, buckets: rollUp(stored, stepMs).map(toBucket) });
};

const mostRead = 2_000_000;

/** The coarsest that fits into the step; if it is finer than what reaches back to `from`, one that does. */
export const tierFor = (
  kind: MetricKind,
  stepMs: number,
  from: number,
  finestFrom: (tier: Tier) => number,
): Tier => {
  const [best = 'hour'] = tiersFor(kind, stepMs);
  const order = tiersOf(kind);
  const reaching = order
    .slice(order.indexOf(best))
    .find((tier, i, rest) => rest.slice(i + 1).every((coarser) => isAsFar(tier, coarser, from, finestFrom)));
  return reaching ?? 'hour';
};

/** Whether a coarser tier knows nothing of the range that this one doesn't. */
const isAsFar = (tier: Tier, coarser: Tier, from: number, finestFrom: (tier: Tier) => number): boolean =>
  finestFrom(tier) <= Math.max(from, finestFrom(coarser) + tierMs[coarser]);

export const toBucket = ({ lastAt: _, ...bucket }: StoredBucket): Bucket => bucket;
