import { type BoundedMap, createBoundedMap } from '../../core/boundedMap.ts';
import type { PeerId } from '../../core/brand.ts';
import type { Clock } from '../../core/ports/clock.ts';
import { type MessageId, plumtreeDefaults } from './plumtreeTypes.ts';

export interface OriginLimits {
  /** These were asked for. */
  asked(ids: readonly MessageId[]): void;
  /** Whether one more message of this origin is taken in. Counts it. */
  take(origin: PeerId, id: MessageId): boolean;
  /** Whether this tab may send one more of its own. Counts it. */
  takeOwn(): boolean;
}

type Rate = { readonly burst: number; readonly perSecond: number };

const rate: Rate = { burst: 30, perSecond: 2 };
/** A newcomer, or who was apart, gets all at once that others have kept. */
const askedRate: Rate = { burst: plumtreeDefaults.kept, perSecond: 2 };
/** Less than others accept: what waits on a slow link arrives in a bunch, and nobody must look like a flood for it. */
export const ownRate: Rate = { burst: 20, perSecond: 1.5 };
const maxOrigins = 4_096;
/** All that may be missing at once, and one answer to a comparison. */
const maxAsked = plumtreeDefaults.missing + plumtreeDefaults.kept;

/** How much one origin can spread through this tab. Knows only genuine messages: a forged one must not use up a share. */
export const createOriginLimits = (clock: Pick<Clock, 'monotonic'>): OriginLimits => {
  const now = () => clock.monotonic();
  const buckets = createBoundedMap<PeerId, Bucket>(maxOrigins);
  const askedBuckets = createBoundedMap<PeerId, Bucket>(maxOrigins);
  const own = createBoundedMap<'own', Bucket>(1);
  const asked = createBoundedMap<MessageId, true>(maxAsked);
  return {
    asked(ids) {
      for (const id of ids) asked.set(id, true);
    },
    take: (origin, id) =>
      asked.delete(id)
        ? takeToken(askedBuckets, origin, askedRate, now())
        : takeToken(buckets, origin, rate, now()),
    takeOwn: () => takeToken(own, 'own', ownRate, now()),
  };
};

type Bucket = { readonly tokens: number; readonly at: number };

const takeToken = <Key>(
  buckets: BoundedMap<Key, Bucket>,
  key: Key,
  { burst, perSecond }: Rate,
  now: number,
): boolean => {
  const { tokens, at } = buckets.get(key) ?? { tokens: burst, at: now };
  const left = Math.min(burst, tokens + ((now - at) / 1_000) * perSecond);
  buckets.set(key, { tokens: left >= 1 ? left - 1 : left, at: now });
  return left >= 1;
};
