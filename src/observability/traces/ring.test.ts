import { describe, expect, it } from 'vitest';
import { createSpanRing } from './ring.ts';
import { spanOf } from './testDoubles.ts';

describe('the ring of spans', () => {
  it('lists the newest traces first, each by its root', () => {
    const ring = createSpanRing();
    ring.add(spanOf(2, { trace: 1, of: 1, startedAt: 5, endedAt: 9, failure: 'no' }), false);
    ring.add(spanOf(1, { trace: 1, name: 'job', startedAt: 1, endedAt: 11 }), false);
    ring.add(spanOf(3, { trace: 2, name: 'other', startedAt: 50, endedAt: 51 }), false);
    expect(ring.traces.get().map(({ name, spans, failures }) => [name, spans, failures])).toEqual([
      ['other', 1, 0],
      ['job', 2, 1],
    ]);
    expect(ring.traces.get()).toBe(ring.traces.get());
  });

  it('forgets whole traces, of which nothing was heard for longest', async () => {
    const ring = createSpanRing({ maxTraces: 3 });
    for (const trace of [1, 2, 3]) ring.add(spanOf(trace, { trace }), false);
    ring.add(spanOf(9, { trace: 1 }), false);
    ring.add(spanOf(4, { trace: 4 }), false);
    expect(new Set(ring.traces.get().map(({ traceId }) => Number.parseInt(traceId, 16)))).toEqual(
      new Set([1, 3, 4]),
    );
    expect(await ring.spansOf('2'.padStart(32, '0'))).toEqual([]);
  });

  it('lets no number of strangers’ traces push out ours', () => {
    const ring = createSpanRing({ maxTraces: 20, maxForeignTraces: 5 });
    ring.add(spanOf(1, { name: 'ours' }), false);
    for (let trace = 2; trace < 500; trace++) ring.add(spanOf(trace, { trace, of: 1 }), true);
    expect(ring.traces.get()).toHaveLength(6);
    expect(ring.traces.get().some(({ name }) => name === 'ours')).toBe(true);
  });

  it('holds no more spans than it may, be they all of one trace', async () => {
    const ring = createSpanRing({ maxSpans: 10 });
    for (let i = 1; i <= 25; i++) ring.add(spanOf(i), false);
    const held = await ring.spansOf(spanOf(1).context.traceId);
    expect(held.map(({ name }) => name)).toEqual(Array.from({ length: 10 }, (_, i) => `span ${16 + i}`));
    expect(ring.traces.get()[0]?.spans).toBe(10);
  });

  it('finds the newest trace of a job', async () => {
    const ring = createSpanRing();
    ring.add(spanOf(1, { trace: 1, startedAt: 10, fields: { job: 'j' } }), false);
    ring.add(spanOf(2, { trace: 2, startedAt: 90, fields: { job: 'j' } }), false);
    expect(await ring.traceOfJob('j')).toBe(spanOf(2, { trace: 2 }).context.traceId);
    expect(await ring.traceOfJob('k')).toBeUndefined();
    ring.clear();
    expect(ring.traces.get()).toEqual([]);
  });
});
