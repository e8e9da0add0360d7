/**
 * A token bucket: `capacity` at once, `perSecond` on average. Pure: the caller brings the time (monotonic ms).
 */
export type Bucket = { readonly tokens: number; readonly at: number };
export type BucketRate = { readonly capacity: number; readonly perSecond: number };

export const fullBucket = (rate: BucketRate, now: number): Bucket => ({ tokens: rate.capacity, at: now });

/** Takes `cost` tokens if they are there; otherwise says after how many milliseconds they will be. */
export const takeTokens = (
  bucket: Bucket,
  rate: BucketRate,
  now: number,
  cost = 1,
): { readonly bucket: Bucket; readonly allowed: boolean; readonly retryAfterMs: number } => {
  const elapsed = Math.max(0, now - bucket.at) / 1000;
  const tokens = Math.min(rate.capacity, bucket.tokens + elapsed * rate.perSecond);
  if (tokens >= cost) return { bucket: { tokens: tokens - cost, at: now }, allowed: true, retryAfterMs: 0 };
  return {
    bucket: { tokens, at: now },
    allowed: false,
    retryAfterMs: Math.ceil(((cost - tokens) / rate.perSecond) * 1000),
  };
};

/** Takes `cost` whether it is there or not, and says how long it takes until nothing is owed any more. */
export const oweTokens = (
  bucket: Bucket,
  rate: BucketRate,
  now: number,
  cost: number,
): { readonly bucket: Bucket; readonly waitMs: number } => {
  const elapsed = Math.max(0, now - bucket.at) / 1000;
  const tokens = Math.min(rate.capacity, bucket.tokens + elapsed * rate.perSecond) - cost;
  return {
    bucket: { tokens, at: now },
    waitMs: tokens >= 0 ? 0 : Math.ceil((-tokens / rate.perSecond) * 1000),
  };
};

/** One bucket per key (an address, a peer); forgets those that are full again, so memory stays bounded. */
export interface BucketTable {
  take(key: string, now: number, cost?: number): { readonly allowed: boolean; readonly retryAfterMs: number };
}

export const createBucketTable = (rate: BucketRate, maxKeys = 10_000): BucketTable => {
  const bucketsByKey = new Map<string, Bucket>();
  const forgetFull = (now: number) => {
    for (const [key, bucket] of bucketsByKey) {
      const refilled = bucket.tokens + ((now - bucket.at) / 1000) * rate.perSecond;
      if (refilled >= rate.capacity) bucketsByKey.delete(key);
    }
  };
  return {
    take(key, now, cost = 1) {
      const known = bucketsByKey.get(key);
      if (!known && bucketsByKey.size >= maxKeys) {
        forgetFull(now);
        // Under a flood from many addresses newcomers wait; those already known are served.
        if (bucketsByKey.size >= maxKeys) return { allowed: false, retryAfterMs: 1_000 };
      }
      const taken = takeTokens(known ?? fullBucket(rate, now), rate, now, cost);
      bucketsByKey.set(key, taken.bucket);
      return taken;
    },
  };
};
