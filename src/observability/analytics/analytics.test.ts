import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { unwrap } from '../../core/result.ts';
import { createMemoryStore } from '../../storage/memory.ts';
import { createMetricsRegistry } from '../metrics/registry.ts';
import { createSketch } from '../metrics/sketch.ts';
import { decodeBlock, encodeBlock } from './block.ts';
import { mergeBuckets, pointBucket, rollUp, unite } from './buckets.ts';
import { createSketchTap } from './sketchDelta.ts';
import { createFullStore, createTestClock, noon, openTab, sumOf } from './testDoubles.ts';

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;
const counter = { kind: 'counter' } as const;

describe('what is recorded', () => {
  it('is there at once, and after the tab is opened again', async () => {
    const store = createMemoryStore();
    const clock = createTestClock();
    const first = await openTab({ store, clock });
    for (let i = 0; i < 10; i++) {
      unwrap(first.analytics.recordMetric('tasks_total', 2, counter));
      unwrap(first.analytics.recordMetric('load_ratio', i / 10));
      unwrap(first.analytics.recordMetric('rpc_seconds', i + 1, { kind: 'histogram' }));
      clock.advance(10 * second);
    }
    const look = ({ analytics }: typeof first) => ({
      tasks: analytics.increase('tasks_total', noon, clock.now()),
      load: analytics.values('load_ratio', noon, clock.now()).map(({ value }) => value),
      latest: analytics.latest('load_ratio'),
      calls: analytics.increase('rpc_seconds', noon, clock.now()),
      median: analytics.distribution('rpc_seconds', noon, clock.now())?.quantile(0.5),
      keys: analytics.keys('rpc_seconds'),
      series: analytics.series(),
    });
    const seen = look(first);
    expect(seen.tasks).toBe(20);
    expect(seen.load).toEqual([0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]);
    expect(seen.latest).toEqual({ at: noon + 90 * second, value: 0.9 });
    expect(seen.calls).toBe(10);
    expect(seen.median).toBeCloseTo(5, 0);
    expect(seen.series.map(({ key, points }) => [key, points])).toEqual([
      ['load_ratio', 10],
      ['rpc_seconds', 2],
      ['tasks_total', 10],
    ]);
    await first.analytics.close();
    expect(look(await openTab({ store, clock }))).toEqual(seen);
  });

  it('comes from several tabs of a browser side by side: counters add, distributions merge', async () => {
    const store = createMemoryStore();
    const clock = createTestClock();
    const [one, other] = [await openTab({ store, clock }), await openTab({ store, clock })];
    for (const [i, { analytics }] of [one, other].entries()) {
      analytics.recordMetric('tasks_total', 3 + i, counter);
      analytics.recordMetric('load_ratio', i, { at: noon + i });
      analytics.recordMetric('rpc_seconds', 1 + i, { kind: 'histogram' });
      await analytics.flush();
    }
    for (const step of ['from segments', 'from chunks']) {
      expect(await sumOf(one.analytics, 'tasks_total', noon, noon + hour, 100), step).toBe(7);
      const load = unwrap(
        await other.analytics.query({ key: 'load_ratio', from: noon, to: noon + hour, maxBuckets: 1 }),
      );
      expect(load.buckets).toMatchObject([{ count: 2, min: 0, max: 1, last: 1 }]);
      const calls = unwrap(
        await one.analytics.query({ key: 'rpc_seconds', from: noon, to: noon + hour, maxBuckets: 10 }),
      );
      expect(calls.buckets[0]?.sketch?.count).toBe(2);
      await one.compact();
    }
    expect(await store.entries('metrics', 'seg/')).toEqual([]);
  });

  it('is refused if it can be no measurement, counted, and nothing is thrown', async () => {
    const { analytics } = await openTab();
    const refused = [
      analytics.recordMetric('load_ratio', Number.NaN),
      analytics.recordMetric('load_ratio', Number.POSITIVE_INFINITY),
      analytics.recordMetric('tasks_total', -1, counter),
      analytics.recordMetric('rpc_seconds', -1, { kind: 'histogram' }),
      analytics.recordMetric('load_ratio', 1, { at: noon + 25 * hour }),
      analytics.recordMetric('load_ratio', 1, { at: Number.NaN }),
      analytics.recordMetric('load_ratio', 1, { at: -5 }),
      analytics.recordMetric('load ratio', 1),
      analytics.recordMetric('load_ratio', 1, { labels: { 'a b': 1 } }),
    ];
    expect(refused.map((result) => (result.ok ? 'taken' : result.error.code))).toEqual(
      refused.map(() => 'invalid'),
    );
    expect(analytics.state().dropped).toBe(refused.length);
    expect(analytics.series()).toEqual([]);
  });

  it('of more series than may be is dropped and counted', async () => {
    const { analytics } = await openTab({ options: { maxSeries: 10 } });
    for (let i = 0; i < 1_000; i++) analytics.recordMetric('load_ratio', i, { labels: { i } });
    expect(analytics.state()).toMatchObject({ series: 10, dropped: 990 });
  });

  it('stays in order when the clock jumps, and what is old is kept while nobody knows how old', async () => {
    const { analytics, clock, compact } = await openTab();
    for (const jump of [0, 20 * hour, -21 * hour, hour]) {
      clock.jump(jump);
      analytics.recordMetric('load_ratio', jump / hour);
      clock.advance(10 * second);
    }
    expect(analytics.latest('load_ratio')).toEqual({ at: noon + 30 * second, value: 1 });
    clock.jump(300 * 24 * hour);
    await compact();
    clock.jump(-300 * 24 * hour);
    const { buckets } = unwrap(
      await analytics.query({
        key: 'load_ratio',
        from: noon - 2 * hour,
        to: noon + 21 * hour,
        maxBuckets: 100_000,
      }),
    );
    expect(buckets.map(({ last }) => last)).toEqual([-21, 0, 1, 20]);
  });

  it('is one past for who looks at windows: when the clock is set back, what lies after it is left out', async () => {
    const jumps = fc.array(fc.integer({ min: 2, max: 400 }), { minLength: 1, maxLength: 2 });
    await fc.assert(
      fc.asyncProperty(jumps, fc.constantFrom(2, 45, 200), async (back, runs) => {
        const { analytics, clock } = await openTab();
        clock.advance(55 * second);
        let past: number[] = [];
        let all = 0;
        const measure = (minutes: number) => {
          past = past.filter((at) => at <= clock.now());
          for (let each = 0; each < minutes * 6; each++) {
            const now = clock.now();
            past.push(now);
            all++;
            analytics.recordMetric('tasks_total', 1, counter);
            analytics.recordMetric('rpc_seconds', 0.1, { kind: 'histogram' });
            analytics.recordMetric('load_ratio', Math.floor((now - noon) / minute));
            clock.advance(10 * second);
          }
        };
        measure(runs);
        for (const minutes of back) {
          clock.jump(-minutes * minute); // to the end of a minute: minutes are whole
          measure(runs);
          const now = clock.now();
          for (const window of [1, 5, 25, 60, 360, 4_000].map((long) => long * minute)) {
            const from = Math.floor((now - window) / minute) * minute;
            const expected = past.filter((at) => from <= at).length;
            expect(analytics.increase('tasks_total', from, now + day)).toBe(expected);
            expect(analytics.increase('rpc_seconds', from, now + day)).toBe(expected);
            const values = analytics.values('load_ratio', from, now + day);
            const own = (at: number) => Math.floor((at - noon) / minute);
            expect(values.filter(({ at, value }) => value !== own(at))).toEqual([]);
          }
          expect(analytics.latest('load_ratio')?.at).toBe(past.at(-1));
          const { count = 0 } = analytics.distribution('rpc_seconds', 0, now + day) ?? {};
          expect(count).toBeLessThanOrEqual(past.length);
          // Of the hour to which the clock was set back, nothing is left if its minutes are not known any more.
          const lost = back.filter((minutes) => minutes > 120).length;
          expect(count).toBeGreaterThanOrEqual(past.length - lost * 360);
          expect(analytics.distribution('rpc_seconds', now - 60 * second, now + day)?.count).toBeGreaterThan(
            5,
          );
        }
        // Charts and files have all that was measured.
        expect(await sumOf(analytics, 'tasks_total', noon - 2 * day, noon + day, 10)).toBe(all);
      }),
      { numRuns: 10, seed: 3 },
    );
  });

  it('before the clock was set back is not found ahead by a tab that opens', async () => {
    const { analytics, clock, store } = await openTab();
    for (let each = 0; each < 360; each++) {
      analytics.recordMetric('tasks_total', 1, counter);
      analytics.recordMetric('rpc_seconds', 0.1, { kind: 'histogram' });
      clock.advance(10 * second);
    }
    clock.jump(-30 * minute);
    await analytics.flush();
    const { analytics: next } = await openTab({ store, clock });
    for (const key of ['tasks_total', 'rpc_seconds'])
      expect(next.increase(key, clock.now() + 2 * minute, clock.now() + day)).toBe(0);
    expect(next.increase('tasks_total', noon, clock.now())).toBe(180);
    expect(next.distribution('rpc_seconds', clock.now() + 2 * minute, clock.now() + day)?.count ?? 0).toBe(0);
  });

  it('after the clock was set back is kept, and what lies ahead goes first when there is too much', async () => {
    const raw = { maxAgeMs: 24 * hour, maxPoints: 10 };
    const { analytics, clock, compact, store } = await openTab({ options: { retention: { raw } } });
    const recordFor = async (count: number) => {
      for (let i = 0; i < count; i++) {
        analytics.recordMetric('load_ratio', i);
        clock.advance(10 * minute);
      }
      await compact();
    };
    const pointsSince = async (from: number) =>
      unwrap(await analytics.query({ key: 'load_ratio', from, to: from + 6 * hour, maxBuckets: 100_000 }))
        .buckets.length;
    const year = 365 * 24 * hour;
    clock.jump(year);
    await recordFor(20);
    clock.jump(-year);
    const back = clock.now();
    await recordFor(6);
    expect(await pointsSince(back)).toBe(6);
    await recordFor(6);
    expect(await pointsSince(back)).toBe(10);

    const chunks = async () => (await store.entries('metrics', 'chunk/raw/')).map(([key]) => key);
    const before = await chunks();
    const other = await openTab({ clock, store: createFullStore(store, () => true) });
    other.analytics.recordMetric('load_ratio', 1);
    await other.analytics.flush();
    const oldestAhead = `chunk/raw/${String((noon + year) / hour).padStart(12, '0')}`;
    expect(await chunks()).toEqual(before.filter((key) => key !== oldestAhead));
    expect(before).toContain(oldestAhead);
    expect(await pointsSince(back)).toBe(10);
  });

  it('from a registry is what changed since the last call', async () => {
    const { analytics, clock, store } = await openTab();
    const registry = createMetricsRegistry();
    const step = (tasks: number, calls: readonly number[]) => {
      registry.count('tasks_total', tasks);
      for (const call of calls) registry.observe('rpc_seconds', call);
      clock.advance(minute);
      analytics.sample(registry);
    };
    step(5, [1, 2]);
    await analytics.flush();
    const [[, written] = []] = await store.entries('metrics', 'seg/');
    expect(Object.keys((written as { rows: object[] }).rows[0] ?? {})).toEqual([
      'key',
      'name',
      'labels',
      'kind',
      'tier',
      'block',
    ]);
    step(0, []);
    step(2, [10]);
    const from = noon + minute;
    expect(analytics.values('tasks_total', from, clock.now() + 1).map(({ value }) => value * 60)).toEqual([
      30,
      0,
      2, // the first by its interval of ten seconds
    ]);
    expect(analytics.increase('tasks_total', from + minute, clock.now() + 1)).toBe(2);
    expect(analytics.values('rpc_seconds', from, clock.now() + 1).map(({ value }) => value)).toEqual([
      1.5, 10,
    ]);
    expect(analytics.distribution('rpc_seconds', from + minute, clock.now() + 1)?.count).toBe(1);
    // A registry that began anew: all that it counts is new.
    const reset = {
      ...registry,
      snapshot: () => registry.snapshot().map((one) => (one.kind === 'counter' ? { ...one, value: 1 } : one)),
    };
    let current = registry;
    const both = { ...registry, snapshot: () => current.snapshot() };
    analytics.sample(both);
    current = reset;
    clock.advance(minute);
    analytics.sample(both);
    expect(analytics.increase('tasks_total', clock.now(), clock.now() + 1)).toBe(1);
  });
});

describe('a range', () => {
  it('has at most as many buckets as asked for, from the tier that is fine enough, and gaps stay gaps', async () => {
    const { analytics, clock, compact } = await openTab();
    for (let i = 0; i < 6 * 60; i++) {
      if (i < 100 || i >= 200) analytics.recordMetric('load_ratio', i);
      clock.advance(30 * second);
    }
    await compact();
    for (const maxBuckets of [1, 7, 100, 360, 1_000, 10_000]) {
      const { buckets, stepMs } = unwrap(
        await analytics.query({ key: 'load_ratio', from: noon, to: noon + 3 * hour, maxBuckets }),
      );
      expect(buckets.length).toBeLessThanOrEqual(maxBuckets);
      expect(buckets.reduce((sum, { count }) => sum + count, 0)).toBe(260);
      const gap = buckets.some(({ at }) => at >= noon + 50 * minute && at + stepMs <= noon + 100 * minute);
      expect(gap).toBe(false);
    }
    const bad = await analytics.query({ key: 'load_ratio', from: noon, to: noon, maxBuckets: 10 });
    expect(bad.ok ? '' : bad.error.code).toBe('invalid');
    const none = await analytics.query({ key: 'nobody', from: 0, to: 1, maxBuckets: 10 });
    expect(none.ok ? '' : none.error.code).toBe('invalid');
  });

  it('is kept by the policy that was set last, also while another was written', async () => {
    const inner = createMemoryStore();
    let meanwhile = () => {};
    const store = {
      ...inner,
      async set(...[namespace, key, value, durability]: Parameters<typeof inner.set>) {
        await inner.set(namespace, key, value, durability);
        if (key === 'policy') meanwhile();
        meanwhile = () => {};
      },
    };
    const { analytics, clock } = await openTab({ store });
    meanwhile = () => void analytics.setRetentionPolicy({ hour: { maxAgeMs: 90 * day } });
    unwrap(analytics.setRetentionPolicy({ hour: { maxAgeMs: 60 * day } }));
    await analytics.flush();
    await analytics.flush();
    const { analytics: next } = await openTab({ store: inner, clock });
    expect(next.retentionPolicy().hour.maxAgeMs).toBe(90 * day);
  });

  it('further back than raw points are kept comes from minutes', async () => {
    const { analytics, clock, compact } = await openTab();
    unwrap(analytics.setRetentionPolicy({ raw: { maxAgeMs: hour, maxPoints: 50 } }));
    for (let i = 0; i < 4 * 60; i++) {
      analytics.recordMetric('tasks_total', 1, counter);
      clock.advance(minute);
    }
    await compact();
    const range = { key: 'tasks_total', from: noon, to: clock.now(), maxBuckets: 10_000 };
    expect(unwrap(await analytics.query(range))).toMatchObject({ stepMs: minute });
    expect(await sumOf(analytics, 'tasks_total', noon, clock.now(), 10_000)).toBe(240);
    expect(analytics.series()[0]?.points).toBeLessThanOrEqual(50);
    const bad = analytics.setRetentionPolicy({ hour: { maxAgeMs: hour } });
    expect(bad.ok ? '' : bad.error.code).toBe('invalid');
  });
});

describe('storage that does not work', () => {
  it('is full: nothing rejects, it is told, and what waits is written when there is room', async () => {
    let full = true;
    const { analytics, clock } = await openTab({ store: createFullStore(createMemoryStore(), () => full) });
    analytics.recordMetric('tasks_total', 1, counter);
    await analytics.flush();
    expect(analytics.state().problem).toContain('no room');
    clock.advance(minute);
    analytics.recordMetric('tasks_total', 2, counter);
    expect(await sumOf(analytics, 'tasks_total', noon, noon + hour, 10)).toBe(3);
    full = false;
    await analytics.flush();
    expect(analytics.state().problem).toBeUndefined();
    expect(await sumOf(analytics, 'tasks_total', noon, noon + hour, 10)).toBe(3);
  });

  it('is full: the oldest is let go for the newest', async () => {
    const inner = createMemoryStore();
    let room = true;
    const store = createFullStore(inner, () => !room);
    const { analytics, clock, compact } = await openTab({ store });
    for (let i = 0; i < 3; i++) {
      analytics.recordMetric('tasks_total', 1, counter);
      clock.advance(hour);
    }
    await compact();
    const before = (await inner.entries('metrics', 'chunk/raw/')).length;
    room = false;
    analytics.recordMetric('tasks_total', 1, counter);
    await analytics.flush();
    expect((await inner.entries('metrics', 'chunk/raw/')).length).toBe(before - 1);
    expect(await sumOf(analytics, 'tasks_total', noon, clock.now() + 1, 2)).toBe(4); // minutes and hours are all there
  });

  it('for long: what can only be held in memory is counted', async () => {
    const { analytics } = await openTab({
      store: createFullStore(createMemoryStore(), () => true),
      options: { maxPendingPoints: 100 },
    });
    for (let i = 0; i < 150; i++) analytics.recordMetric('load_ratio', i);
    expect(analytics.state().dropped).toBe(50);
    expect(analytics.latest('load_ratio')?.value).toBe(149);
  });

  it('has been written by a newer version: it is left as it is', async () => {
    const store = createMemoryStore();
    await store.set('metrics', 'meta', { v: 2 });
    await store.set('metrics', 'chunk/raw/000000000001', { v: 2, secret: 'shape' });
    const before = await store.entries('metrics');
    const { analytics, compact } = await openTab({ store });
    analytics.recordMetric('tasks_total', 1, counter);
    await compact();
    expect(analytics.increase('tasks_total', noon, noon + 1)).toBe(1);
    await analytics.clear();
    expect(analytics.state().problem).toContain('newer version');
    expect(await store.entries('metrics')).toEqual(before);
  });

  it('is not there at all: memory goes on', async () => {
    const broken = async () => {
      throw new Error('no IndexedDB here');
    };
    const store = { ...createMemoryStore(), get: broken, set: broken, entries: broken, deletePrefix: broken };
    const { analytics } = await openTab({ store });
    analytics.recordMetric('tasks_total', 1, counter);
    await analytics.flush();
    await analytics.clear();
    expect(analytics.state().problem).toContain('no IndexedDB');
    const asked = await analytics.query({ key: 'tasks_total', from: noon, to: noon + 1, maxBuckets: 1 });
    expect(asked.ok ? '' : asked.error.code).toMatch(/storage|invalid/);
    await analytics.close();
  });

  it('holds garbage: it is let go, and the rest is read', async () => {
    const store = createMemoryStore();
    await store.set('metrics', 'seg/x/000000000001', { v: 1, source: 3 });
    await store.set('metrics', 'head/raw/000000000001', 'nonsense');
    const { analytics, compact } = await openTab({ store });
    analytics.recordMetric('tasks_total', 1, counter);
    await compact();
    expect(await sumOf(analytics, 'tasks_total', noon, noon + hour, 10)).toBe(1);
    expect(await store.get('metrics', 'seg/x/000000000001')).toBeUndefined();
  });
});

describe('buckets', () => {
  const bucket = fc
    .record({ at: fc.integer({ min: 0, max: 200_000 }), value: fc.integer({ min: -1_000, max: 1_000 }) })
    .map(({ at, value }) => pointBucket(at, value));
  const settings = { seed: 20_260_921, numRuns: 200 };

  it('roll up to the same in whatever order and portions they come', () => {
    fc.assert(
      fc.property(fc.array(bucket), fc.nat(), (buckets, cut) => {
        const whole = rollUp(buckets, minute);
        const parts = [buckets.slice(cut % 7), buckets.slice(0, cut % 7)].flatMap((part) =>
          rollUp(part, minute),
        );
        expect(rollUp(parts, minute)).toEqual(whole);
      }),
      settings,
    );
  });

  it('come back from their bytes as they were; other bytes are refused, never thrown at', () => {
    fc.assert(
      fc.property(fc.array(bucket), fc.nat(255), fc.nat(), (buckets, byte, place) => {
        for (const [tier, step] of [
          ['raw', 1],
          ['minute', minute],
        ] as const) {
          const rolled = rollUp(buckets, step);
          const bytes = encodeBlock(tier, rolled);
          expect(unwrap(decodeBlock(tier, bytes))).toEqual(rolled);
          bytes[place % bytes.length] = byte;
          decodeBlock(tier, bytes);
          expect(decodeBlock(tier, bytes.subarray(0, place % bytes.length)).ok).toBe(false);
        }
      }),
      settings,
    );
  });

  it('of two accounts of one past count once, however often they are told', () => {
    fc.assert(
      fc.property(fc.array(bucket), fc.array(bucket), (own, told) => {
        for (const [tier, step] of [
          ['raw', 1],
          ['minute', minute],
        ] as const) {
          const [a, b] = [rollUp(own, step), rollUp(told, step)];
          const once = unite(a, b, tier);
          expect(unite(once, b, tier)).toEqual(once);
          expect(unite(a, a, tier)).toEqual(a);
        }
      }),
      settings,
    );
  });

  it('do not lose what is huge', () => {
    const huge = pointBucket(0, Number.MAX_VALUE);
    expect(mergeBuckets(huge, huge).sum).toBe(Number.MAX_VALUE);
  });
});

describe('what was added to a sketch', () => {
  it('merges to the sketch itself, look by look', () => {
    const samples = fc.array(fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true })), { maxLength: 6 });
    fc.assert(
      fc.property(samples, (looks) => {
        const tap = createSketchTap();
        const whole = createSketch();
        const merged = createSketch();
        for (const look of looks) {
          for (const value of look) whole.add(value);
          const added = tap(whole);
          expect(added?.count ?? 0).toBe(look.length);
          if (added) unwrap(merged.merge(added));
        }
        for (const q of [0.1, 0.5, 0.9]) {
          const expected = whole.quantile(q);
          if (expected === undefined) expect(merged.quantile(q)).toBeUndefined();
          else expect(merged.quantile(q)).toBeCloseTo(expected, 6);
        }
      }),
      { seed: 7, numRuns: 200 },
    );
  });
});
