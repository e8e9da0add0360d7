import { describe, expect, it } from 'vitest';
import { createMemoryStore } from '../../storage/memory.ts';
import type { KeyValueStore } from '../../storage/port.ts';
import { defaultRetention } from './retention.ts';
import { tiers } from './seriesIdentity.ts';
import { createStoredView } from './storedView.ts';
import { createMortalStore, createTestClock, createTestLocks, noon, openTab } from './testDoubles.ts';

const minute = 60_000;

/** Each round adds a power of two: a sum tells which rounds are in it, and one counted twice carries over. */
const rounds = 6;
const roundsIn = (sum: number) =>
  Array.from({ length: rounds }, (_, i) => Math.floor(sum / 2 ** i) % 2 === 1);

const liveUntilDeath = async (inner: KeyValueStore, at: number, afterDoing: boolean) => {
  const store = createMortalStore(inner, { at, afterDoing });
  const clock = createTestClock();
  const done: number[] = [];
  const recorded: number[] = [];
  const life = (async () => {
    const { analytics } = await openTab({ store, clock, source: 'mortal' });
    for (let round = 0; round < rounds; round++) {
      analytics.recordMetric('tasks_total', 2 ** round, { kind: 'counter' });
      analytics.recordMetric('rpc_seconds', 2 ** round, { kind: 'histogram' });
      recorded.push(round);
      await analytics.flush();
      done.push(round);
      clock.advance(20 * minute);
    }
  })();
  // `compact` merges what was written, in the same life.
  const ended = await Promise.race([
    life.then(() => 'lived' as const),
    store.died.then(() => 'died' as const),
  ]);
  return { done, recorded, ended, clock };
};

const compactingLife = async (inner: KeyValueStore, at: number, afterDoing: boolean) => {
  const store = createMortalStore(inner, { at, afterDoing });
  const clock = createTestClock(noon + 3 * 3_600_000);
  // Opening merges what others left behind.
  const life = openTab({ store, clock, source: 'second' });
  return Promise.race([life.then(() => 'lived' as const), store.died.then(() => 'died' as const)]);
};

const sumsOf = async (store: KeyValueStore, now: number) => {
  const view = createStoredView(store, { now, agedAt: now, policy: defaultRetention, unwritten: [] });
  const sum = async (key: string, tier: (typeof tiers)[number]) =>
    (await view.read(key, tier, noon, now + 1)).reduce((total, bucket) => total + bucket.sum, 0);
  return Promise.all([
    ...tiers.map((tier) => sum('tasks_total', tier)),
    sum('rpc_seconds', 'minute'),
    sum('rpc_seconds', 'hour'),
  ]);
};

describe('a tab that is killed', () => {
  it('while it writes, loses at most what was not flushed, and every tier says the same', async () => {
    let deaths = 0;
    for (const afterDoing of [false, true])
      for (let at = 1; ; at++) {
        const inner = createMemoryStore();
        const { done, recorded, ended, clock } = await liveUntilDeath(inner, at, afterDoing);
        if (ended === 'lived') break;
        deaths++;
        for (const sum of await sumsOf(inner, clock.now() + minute)) {
          const found = roundsIn(sum).flatMap((isIn, round) => (isIn ? [round] : []));
          expect(found, `death at use ${at}`).toEqual(expect.arrayContaining(done));
          expect(recorded, `death at use ${at}`).toEqual(expect.arrayContaining(found));
          expect(sum).toBeLessThan(2 ** rounds);
        }
        const after = await sumsOf(inner, clock.now() + minute);
        expect(new Set(after).size).toBe(1);
      }
    expect(deaths).toBeGreaterThan(20);
  });

  it('while it merges, leaves every tier as it was, for readers and for whoever merges again', async () => {
    const written = createMemoryStore();
    await liveUntilDeath(written, Number.POSITIVE_INFINITY, false);
    const whole = 2 ** rounds - 1;
    const now = noon + 3 * 3_600_000 + 1;
    let deaths = 0;
    for (const afterDoing of [false, true])
      for (let at = 1; ; at++) {
        const inner = await copyOf(written);
        const ended = await compactingLife(inner, at, afterDoing);
        expect(await sumsOf(inner, now), `death at use ${at}`).toEqual(Array(5).fill(whole));
        await openTab({ store: inner, clock: createTestClock(now), locks: createTestLocks() });
        expect(await sumsOf(inner, now), `merged again after death at use ${at}`).toEqual(
          Array(5).fill(whole),
        );
        expect(await inner.entries('metrics', 'seg/')).toEqual([]);
        if (ended === 'lived') break;
        deaths++;
      }
    expect(deaths).toBeGreaterThan(40);
  });

  it('leaves no mark by which a tab of the same name that comes after it would be taken for it', async () => {
    const store = createMemoryStore();
    const clock = createTestClock();
    for (let life = 0; life < 3; life++) {
      const { analytics } = await openTab({ store, clock, source: 'again' });
      analytics.recordMetric('tasks_total', 1, { kind: 'counter' });
      await analytics.close();
      clock.advance(minute);
    }
    await openTab({ store, clock });
    expect((await sumsOf(store, clock.now())).slice(0, 3)).toEqual([3, 3, 3]);
  });
});

const copyOf = async (store: KeyValueStore): Promise<KeyValueStore> => {
  const copy = createMemoryStore();
  for (const [key, value] of await store.entries('metrics')) await copy.set('metrics', key, value);
  return copy;
};
