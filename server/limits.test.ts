import { describe, expect, it } from 'vitest';
import { createBucketTable, fullBucket, oweTokens, takeTokens } from './limits.ts';

const rate = { capacity: 3, perSecond: 2 };

describe('token bucket', () => {
  it('gives its capacity at once, then says when to come back', () => {
    let bucket = fullBucket(rate, 0);
    for (let i = 0; i < 3; i++) {
      const taken = takeTokens(bucket, rate, 0);
      expect(taken.allowed).toBe(true);
      bucket = taken.bucket;
    }
    expect(takeTokens(bucket, rate, 0)).toMatchObject({ allowed: false, retryAfterMs: 500 });
    expect(takeTokens(bucket, rate, 500).allowed).toBe(true);
  });

  it('never holds more than its capacity', () => {
    const { bucket } = takeTokens(fullBucket(rate, 0), rate, 1_000_000, 3);
    expect(takeTokens(bucket, rate, 1_000_000).allowed).toBe(false);
  });
});

describe('a bucket that may be owed to', () => {
  it('lets everything through and says how long it takes to make up for it', () => {
    const once = oweTokens(fullBucket(rate, 0), rate, 0, 3);
    expect(once.waitMs).toBe(0);
    const twice = oweTokens(once.bucket, rate, 0, 5);
    expect(twice.waitMs).toBe(2_500);
    expect(oweTokens(twice.bucket, rate, 2_500, 0).waitMs).toBe(0);
    expect(oweTokens(twice.bucket, rate, 1_000_000, 4).waitMs).toBe(500); // never more than its capacity
  });
});

describe('bucket table', () => {
  it('keeps keys apart', () => {
    const table = createBucketTable({ capacity: 1, perSecond: 1 });
    expect(table.take('a', 0).allowed).toBe(true);
    expect(table.take('a', 0).allowed).toBe(false);
    expect(table.take('b', 0).allowed).toBe(true);
  });

  it('stays bounded: a flood of new keys waits, a known key is served, full ones are forgotten', () => {
    const table = createBucketTable({ capacity: 2, perSecond: 1 }, 2);
    table.take('a', 0);
    table.take('b', 0);
    expect(table.take('c', 0).allowed).toBe(false);
    expect(table.take('a', 0).allowed).toBe(true);
    expect(table.take('c', 10_000).allowed).toBe(true);
  });
});
