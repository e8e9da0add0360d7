import { describe, expect, it } from 'vitest';
import type { SpanContext } from '../../core/ports/telemetry.ts';
import { silentSpan } from '../../core/ports/telemetry.ts';
import { createTestClock, createTestRandom } from './testDoubles.ts';
import { createTracer, type TracerOptions } from './tracer.ts';
import type { SpanRecord } from './types.ts';

const createRig = (options: Partial<TracerOptions> = {}) => {
  const time = createTestClock();
  const kept: SpanRecord[] = [];
  const foreign: SpanRecord[] = [];
  const tracer = createTracer(
    {
      clock: time.clock,
      random: createTestRandom(3),
      keep: (record, isForeign) => (isForeign ? foreign : kept).push(record),
    },
    options,
  );
  return { time, tracer, kept, foreign, names: () => kept.map(({ name }) => name) };
};
const stranger: SpanContext = { traceId: 'ab'.repeat(16), spanId: 'cd'.repeat(8), sampled: true };

describe('the tracer', () => {
  it('gives a child its parent’s trace, and its own time by our clock', () => {
    const { time, tracer, kept } = createRig();
    const job = tracer.span('job', { fields: { job: 'j', pages: 2, missing: undefined } });
    time.advance(10);
    const task = tracer.span('task', { parent: job.context, kind: 'client' });
    time.advance(5.25);
    task.event('sent', { bytes: 7 });
    task.end();
    job.end();
    expect(kept).toHaveLength(2);
    const [child, root] = kept;
    expect(child).toMatchObject({
      parentId: job.context.spanId,
      kind: 'client',
      where: 'tab',
      startedAt: 1_700_000_000_010,
      events: [{ at: 1_700_000_000_015.25, name: 'sent', fields: { bytes: 7 } }],
      failure: undefined,
    });
    expect(child?.endedAt).toBeCloseTo(1_700_000_000_015.25, 3);
    expect(child?.context.traceId).toBe(root?.context.traceId);
    expect(root).toMatchObject({ parentId: undefined, fields: { job: 'j', pages: 2 } });
  });

  it('never repeats an id, and makes none of zeros', () => {
    const { tracer } = createRig();
    const ids = Array.from({ length: 200 }, () => tracer.span('s').context);
    expect(new Set(ids.map(({ spanId }) => spanId)).size).toBe(200);
    expect(new Set(ids.map(({ traceId }) => traceId)).size).toBe(200);
    const zero = createTracer({
      clock: createTestClock().clock,
      random: { bytes: (length) => new Uint8Array(length), next: () => 0 },
      keep() {},
    });
    expect(zero.span('s').context.traceId).toBe('1'.padStart(32, '0'));
  });

  it('keeps one clock for a trace, whatever the device’s does', () => {
    const { time, tracer, kept } = createRig();
    const root = tracer.span('root');
    time.jump(-3_600_000);
    time.advance(20);
    tracer.span('child', { parent: root.context }).end();
    time.jump(7_200_000);
    root.end();
    expect(kept.map(({ startedAt, endedAt }) => [startedAt - 1.7e12, (endedAt ?? 0) - 1.7e12])).toEqual([
      [20, 20],
      [0, 20],
    ]);
  });

  it('ignores what comes after the end', () => {
    const { tracer, kept } = createRig();
    const span = tracer.span('s');
    span.end();
    span.end('again');
    span.set({ late: 1 });
    span.event('late');
    expect(kept).toEqual([expect.objectContaining({ fields: {}, events: [], failure: undefined })]);
  });

  it('begins a trace of its own where the parent is silence', () => {
    const { tracer, kept } = createRig();
    tracer.span('s', { parent: silentSpan.context }).end();
    expect(kept[0]?.parentId).toBeUndefined();
    expect(kept[0]?.context.traceId).not.toMatch(/^0+$/);
  });

  it('tells what a worker says of its time afterwards', () => {
    const { time, tracer, kept } = createRig();
    time.advance(100);
    tracer.span('detect', { where: 'worker', agoMs: 40 }).end();
    expect(kept[0]).toMatchObject({ where: 'worker', startedAt: 1_700_000_000_060 });
    expect(kept[0]?.endedAt).toBe(1_700_000_000_100);
  });

  it('chooses by the trace, so the whole of it or nothing', () => {
    const { tracer, kept } = createRig({ sampling: 0.5 });
    for (let i = 0; i < 400; i++) {
      const root = tracer.span('root');
      tracer.span('child', { parent: root.context }).end();
      root.end();
    }
    expect(kept.length).toBeGreaterThan(300);
    expect(kept.length).toBeLessThan(500);
    const spans = new Map<string, number>();
    for (const { context } of kept) spans.set(context.traceId, (spans.get(context.traceId) ?? 0) + 1);
    expect([...spans.values()].every((count) => count === 2)).toBe(true);
    expect(kept.every(({ context }) => context.sampled)).toBe(true);
  });

  it('keeps a trace that nobody chose if something in it fails, with what came before and after', () => {
    const { tracer, names } = createRig({ sampling: 0 });
    const well = tracer.span('well');
    tracer.span('also well', { parent: well.context }).end();
    well.end();
    const root = tracer.span('root');
    tracer.span('before', { parent: root.context }).end();
    tracer.span('breaks', { parent: root.context }).end('it broke');
    tracer.span('after', { parent: root.context }).end();
    root.end();
    expect(names()).toEqual(['before', 'breaks', 'after', 'root']);
  });

  it('follows the flag of a trace that began elsewhere, and says that it did', () => {
    const { tracer, kept, foreign } = createRig({ sampling: 0 });
    const served = tracer.span('serve', { parent: stranger, kind: 'server' });
    tracer.span('work', { parent: served.context }).end();
    served.end();
    tracer.span('serve', { parent: { ...stranger, traceId: 'ef'.repeat(16), sampled: false } }).end();
    expect(foreign.map(({ name }) => name)).toEqual(['work', 'serve']);
    expect(foreign[1]).toMatchObject({ parentId: stranger.spanId, context: { traceId: stranger.traceId } });
    expect(kept).toEqual([]);
  });

  it('bounds the spans of a trace, but keeps the one that says what it was', () => {
    const { tracer, names } = createRig({ maxSpansPerTrace: 5 });
    const root = tracer.span('root');
    for (let i = 0; i < 20; i++) tracer.span(`child ${i}`, { parent: root.context }).end();
    root.end();
    expect(names()).toHaveLength(6);
    expect(names().at(-1)).toBe('root');
    expect(tracer.dropped()).toMatchObject({ limit: 15 });
  });

  it('bounds the spans of a moment: a storm of calls must not cost more than a job', () => {
    const { time, tracer, names } = createRig({ burst: 10, perSecond: 2 });
    const root = tracer.span('root');
    const storm = (calls: number) => {
      for (let i = 0; i < calls; i++) tracer.span('call', { parent: root.context }).end();
    };
    storm(50);
    expect(names()).toHaveLength(10);
    time.advance(3_000);
    storm(50);
    expect(names()).toHaveLength(16);
    expect(tracer.dropped()).toMatchObject({ rate: 84, limit: 0 });
    tracer.span('call', { parent: root.context }).end('it failed');
    root.end();
    expect(names().at(-1)).toBe('root');
    // Another trace begins all the same.
    tracer.span('other').end();
    expect(names().at(-1)).toBe('other');
  });

  it('takes the time from whoever has just looked, unless it is none', () => {
    const { time, tracer, kept } = createRig({ burst: 3, perSecond: 1 });
    const now = time.clock.monotonic();
    time.advance(500);
    const root = tracer.span('root');
    for (const at of [now, Number.NaN, Number.POSITIVE_INFINITY])
      tracer.span('child', { parent: root.context, now: at as typeof now }).end();
    const began = kept.map(({ startedAt }) => startedAt - time.clock.now());
    expect(began).toEqual([-500, 0, 0]);
    // None of them has filled the bucket for ever.
    tracer.span('child', { parent: root.context }).end();
    expect(tracer.dropped()).toMatchObject({ rate: 1 });
  });

  it('bounds what others ask of it too, and puts what has no room below its parent', () => {
    const { tracer, foreign } = createRig({ maxSpansPerTrace: 5 });
    for (let i = 0; i < 20; i++) tracer.span('serve', { parent: stranger, kind: 'server' }).end();
    expect(foreign).toHaveLength(6);
    const beyond = tracer.span('serve', { parent: stranger, kind: 'server' });
    beyond.set({ n: 1 });
    beyond.event('e');
    expect(beyond.context).toEqual(stranger);
    beyond.end();
    expect(foreign).toHaveLength(6);
    expect(tracer.running()).toEqual([]);
  });

  it('keeps a trace that nobody chose if what fails in it has no room itself', () => {
    const { tracer, names } = createRig({ sampling: 0, maxSpansPerTrace: 2 });
    const root = tracer.span('root');
    for (const name of ['one', 'two']) tracer.span(name, { parent: root.context }).end();
    tracer.span('three', { parent: root.context }).end('it broke');
    expect(names()).toEqual([]);
    root.end();
    expect(names()).toEqual(['one', 'two', 'root']);
  });

  it('bounds fields, events and lengths', () => {
    const { tracer, kept } = createRig({ maxFields: 3, maxEvents: 2 });
    const span = tracer.span('x'.repeat(10_000));
    span.set(Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`f${i}`, 'y'.repeat(5_000)])));
    for (let i = 0; i < 5; i++) span.event(`event ${i}`);
    span.end('z'.repeat(50_000));
    expect(Object.keys(kept[0]?.fields ?? {})).toHaveLength(3);
    expect(kept[0]?.events.map(({ name }) => name)).toEqual(['event 3', 'event 4']);
    expect(JSON.stringify(kept[0]).length).toBeLessThan(6_000);
    expect(tracer.dropped()).toMatchObject({ event: 3, field: 1 });
  });

  it('hides secrets in names, fields, events and failures', () => {
    const { tracer, kept } = createRig();
    const secret = 'https://h/#room=AAAAAAAAAAAAAAAAAAAAAA';
    const span = tracer.span(secret, { fields: { [secret]: secret } });
    span.event(secret, { key: secret });
    span.end(secret);
    expect(JSON.stringify(kept)).not.toContain('AAAA');
    expect(JSON.stringify(kept)).toContain('[hidden]');
  });

  it('takes any number: a clock that says nothing, or times before it began', () => {
    const { tracer, kept } = createRig();
    tracer.span('s', { agoMs: Number.NaN, fields: { n: Number.NaN, i: Number.POSITIVE_INFINITY } }).end();
    tracer.span('s', { agoMs: -5 }).end();
    expect(kept[0]?.fields).toEqual({ n: 'NaN', i: 'Infinity' });
    expect(kept.every(({ startedAt }) => startedAt === 1_700_000_000_000)).toBe(true);
  });

  it('shows what still runs, and forgets the oldest of too many that never end', () => {
    const { tracer } = createRig({ maxRunning: 3 });
    const first = tracer.span('first');
    for (let i = 0; i < 3; i++) tracer.span(`later ${i}`);
    expect(tracer.running().map(({ name }) => name)).toEqual(['later 0', 'later 1', 'later 2']);
    expect(tracer.running()[0]).toMatchObject({ endedAt: undefined });
    expect(tracer.dropped()).toMatchObject({ running: 1 });
    first.end();
  });

  it('forgets the oldest traces of many that nobody chose, and never ours for strangers’', () => {
    const { time, tracer, kept } = createRig({ sampling: 0, maxTraces: 10, maxPending: 10 });
    const root = tracer.span('root');
    tracer.span('before', { parent: root.context }).end();
    for (let i = 0; i < 1_000; i++) {
      const traceId = i.toString(16).padStart(32, 'a');
      tracer.span('theirs', { parent: { ...stranger, traceId, sampled: false } }).end();
    }
    time.advance(1_000);
    root.end('it broke');
    expect(kept.map(({ name }) => name)).toEqual(['before', 'root']);
  });

  it('still knows a long trace as its own, and as failed, after minutes of silence', () => {
    const { time, tracer, kept, foreign } = createRig({ sampling: 0, forgetAfterMs: 1_000 });
    const root = tracer.span('root');
    tracer.span('breaks', { parent: root.context }).end('it broke');
    time.advance(60_000);
    for (let i = 0; i < 5; i++) tracer.span('other').end();
    tracer.span('late', { parent: root.context }).end();
    root.end();
    expect(kept.map(({ name }) => name)).toEqual(['breaks', 'late', 'root']);
    expect(foreign).toEqual([]);
  });
});
