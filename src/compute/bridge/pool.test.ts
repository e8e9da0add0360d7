import { describe, expect, it } from 'vitest';
import { milliseconds } from '../../core/brand.ts';
import { createEmitter } from '../../core/events.ts';
import { silentTelemetry } from '../../core/ports/telemetry.ts';
import { createTelemetry, createTracer } from '../../observability/index.ts';
import { createTestRandom } from '../../observability/traces/testDoubles.ts';
import type { SpanRecord } from '../../observability/traces/types.ts';
import type { PoolCallOptions } from '../contracts.ts';
import type { WorkerRan } from '../ports.ts';
import { createScriptedWorker, createVirtualTime, type ScriptedWorker, settle } from '../testDoubles.ts';
import { createWorkerPool, WorkerUnusable } from './pool.ts';

type Api = { work(name: string): Promise<string> };
type Pending = { name: string; answer(value: string): void; fail(error: Error): void; worker: number };

const patient: PoolCallOptions = { watchdog: milliseconds(10_000) };

const createRig = (size = 1) => {
  const time = createVirtualTime();
  const workers: ScriptedWorker<Api>[] = [];
  const started: Pending[] = [];
  const pool = createWorkerPool<Api>(
    {
      spawn() {
        const index = workers.length;
        const api: Api = {
          work: (name) =>
            new Promise((resolve, reject) => {
              started.push({ name, answer: resolve, fail: reject, worker: index });
            }),
        };
        const worker = createScriptedWorker(api);
        workers.push(worker);
        return worker;
      },
      timers: time.timers,
      clock: time.clock,
      telemetry: silentTelemetry,
    },
    { name: 'test', size, idleAfter: milliseconds(1000), abortGrace: milliseconds(200) },
  );
  const call = (name: string, options = patient) => pool.call((api) => api.work(name), options);
  return { time, workers, started, pool, call };
};

describe('the worker pool', () => {
  it('starts a worker with the first call and ends it when idle', async () => {
    const { time, workers, started, pool, call } = createRig();
    expect(workers).toHaveLength(0);
    const answer = call('a');
    started[0]!.answer('A');
    expect(await answer).toEqual({ ok: true, value: 'A' });
    await time.advance(999);
    expect(workers[0]!.terminated()).toBe(false);
    await time.advance(1);
    expect(workers[0]!.terminated()).toBe(true);
    expect(pool.load()).toEqual({ workers: 0, running: 0, waiting: 0 });
  });

  it('keeps one call in flight per worker and uses the same worker again', async () => {
    const { workers, started, pool, call } = createRig(2);
    for (const name of ['a', 'b', 'c']) void call(name);
    expect(pool.load()).toEqual({ workers: 2, running: 2, waiting: 1 });
    started[1]!.answer('B');
    await settle();
    expect(started.map(({ name, worker }) => `${name}${worker}`)).toEqual(['a0', 'b1', 'c1']);
    expect(workers).toHaveLength(2);
  });

  it('rejects the pending call of a worker that dies, and the next call gets a new worker', async () => {
    const { workers, started, call } = createRig();
    const first = call('a');
    const second = call('b');
    workers[0]!.die('out of memory');
    expect(await first).toMatchObject({ ok: false, error: { code: 'worker-crashed' } });
    expect(workers[0]!.terminated()).toBe(true);
    expect(started[1]).toMatchObject({ name: 'b', worker: 1 });
    started[1]!.answer('B');
    expect(await second).toEqual({ ok: true, value: 'B' });
  });

  it('replaces a worker without a sign of life, but not one that reports progress', async () => {
    const { time, workers, started, call } = createRig();
    const first = call('a', { watchdog: milliseconds(500) });
    await time.advance(400);
    workers[0]!.sign();
    await time.advance(400);
    expect(workers[0]!.terminated()).toBe(false);
    const second = call('b');
    await time.advance(100);
    expect(await first).toMatchObject({ ok: false, error: { code: 'worker-stuck' } });
    expect(workers[0]!.terminated()).toBe(true);
    expect(started[1]).toMatchObject({ name: 'b', worker: 1 });
    started[1]!.answer('B');
    expect((await second).ok).toBe(true);
  });

  it('drops a cancelled call that still waits', async () => {
    const { started, pool, call } = createRig();
    const first = call('a');
    const abort = new AbortController();
    const second = call('b', { ...patient, signal: abort.signal });
    abort.abort();
    expect(await second).toMatchObject({ error: { code: 'cancelled' } });
    started[0]!.answer('A');
    await first;
    await settle();
    expect(started.map(({ name }) => name)).toEqual(['a']);
    expect(pool.load().waiting).toBe(0);
  });

  it('refuses a call whose signal was aborted before', async () => {
    const { workers, call } = createRig();
    const answer = await call('a', { ...patient, signal: AbortSignal.abort() });
    expect(answer).toMatchObject({ error: { code: 'cancelled' } });
    expect(workers).toHaveLength(0);
  });

  it('answers a cancel at once and keeps a worker that stops within the grace', async () => {
    const { time, workers, started, call } = createRig();
    const abort = new AbortController();
    const first = call('a', { ...patient, signal: abort.signal });
    const second = call('b');
    abort.abort();
    expect(await first).toMatchObject({ error: { code: 'cancelled' } });
    expect(workers[0]!.aborted()).toBe(1);
    expect(started).toHaveLength(1);
    started[0]!.fail(new Error('stopped'));
    await time.advance(200);
    expect(workers[0]!.terminated()).toBe(false);
    expect(started[1]).toMatchObject({ name: 'b', worker: 0 });
    started[1]!.answer('B');
    expect(await second).toEqual({ ok: true, value: 'B' });
  });

  it('ends a worker that does not stop within the grace: the CPU is free again', async () => {
    const { time, workers, started, call } = createRig();
    const abort = new AbortController();
    void call('a', { ...patient, signal: abort.signal });
    void call('b');
    abort.abort();
    await time.advance(199);
    expect(workers[0]!.terminated()).toBe(false);
    await time.advance(1);
    expect(workers[0]!.terminated()).toBe(true);
    expect(started[1]).toMatchObject({ name: 'b', worker: 1 });
  });

  it('takes urgent calls before the rest, in order among themselves', async () => {
    const { started, call } = createRig();
    const urgent = { ...patient, urgent: true };
    void call('running');
    void call('x');
    void call('y');
    void call('own1', urgent);
    void call('own2', urgent);
    for (let index = 0; index < 5; index++) {
      started[index]!.answer('');
      await settle();
    }
    expect(started.map(({ name }) => name)).toEqual(['running', 'own1', 'own2', 'x', 'y']);
  });

  it('turns an exception of the worker into a typed failure and keeps the worker', async () => {
    const { workers, started, call } = createRig();
    const answer = call('a');
    started[0]!.fail(new Error('no such tensor'));
    expect(await answer).toEqual({ ok: false, error: { code: 'failed', message: 'no such tensor' } });
    expect(workers[0]!.terminated()).toBe(false);
  });

  it('replaces a worker that a call found broken', async () => {
    const { workers, started, call } = createRig();
    const answer = call('a');
    const next = call('b');
    started[0]!.fail(new WorkerUnusable('the graphics device was lost'));
    expect(await answer).toMatchObject({
      error: { code: 'failed', message: 'the graphics device was lost' },
    });
    expect(workers[0]!.terminated()).toBe(true);
    expect(started[1]).toMatchObject({ name: 'b', worker: 1 });
    started[1]!.answer('B');
    expect((await next).ok).toBe(true);
  });

  it('shrinks after the current calls, and grows at once', async () => {
    const { workers, started, pool, call } = createRig(2);
    void call('a');
    void call('b');
    void call('c');
    pool.resize(1);
    expect(pool.load()).toEqual({ workers: 2, running: 2, waiting: 1 });
    started[0]!.answer('A');
    await settle();
    expect(workers[0]!.terminated()).toBe(true);
    expect(started).toHaveLength(2);
    pool.resize(2);
    expect(started[2]).toMatchObject({ name: 'c', worker: 2 });
  });

  it('says why when a worker cannot even start, and goes on with the next call', async () => {
    const time = createVirtualTime();
    const pool = createWorkerPool<Api>(
      {
        spawn() {
          throw new Error('blocked by policy');
        },
        timers: time.timers,
        clock: time.clock,
        telemetry: silentTelemetry,
      },
      { name: 'test', size: 1, idleAfter: milliseconds(1), abortGrace: milliseconds(1) },
    );
    const answers = await Promise.all([1, 2].map(() => pool.call((api) => api.work('a'), patient)));
    for (const answer of answers) {
      expect(answer).toMatchObject({ error: { code: 'worker-crashed' } });
      if (!answer.ok) expect(answer.error.message).toContain('blocked by policy');
    }
  });

  it('settles everything on close and refuses what comes after', async () => {
    const { workers, pool, call } = createRig();
    const running = call('a');
    const queued = call('b');
    await pool.close();
    expect(await running).toMatchObject({ error: { code: 'closed' } });
    expect(await queued).toMatchObject({ error: { code: 'closed' } });
    expect(await call('c')).toMatchObject({ error: { code: 'closed' } });
    expect(workers[0]!.terminated()).toBe(true);
  });
});

describe('the trace of a call to a worker', () => {
  it('shows when it began, how it ended, and what the worker itself took', async () => {
    const time = createVirtualTime();
    const telemetry = createTelemetry({ clock: time.clock, random: createTestRandom(), createTracer });
    const spans: SpanRecord[] = [];
    telemetry.spans((span) => spans.push(span));
    const ran = createEmitter<WorkerRan>();
    const pool = createWorkerPool<Api>(
      {
        spawn: () => ({ ...createScriptedWorker<Api>({ work: async (name) => name }), ran: ran.subscribe }),
        timers: time.timers,
        clock: time.clock,
        telemetry,
      },
      { name: 'test', size: 1, idleAfter: milliseconds(1000), abortGrace: milliseconds(200) },
    );
    const root = telemetry.span('task');
    const options = { ...patient, trace: root.context };
    const work = async (api: Api) => {
      const answer = await api.work('a');
      await new Promise<void>((resolve) => time.timers.after(milliseconds(50), resolve));
      ran.emit({ method: 'work', ms: 30 });
      return answer;
    };
    const call = pool.call(work, options);
    const queued = pool.call(() => Promise.reject(new Error('it broke')), options);
    const untraced = pool.call((api) => api.work('b'), patient);
    await time.advance(50);
    await Promise.all([call, queued, untraced]);
    expect(spans.map(({ name, where, failure }) => [name, where, failure])).toEqual([
      ['work', 'worker', undefined],
      ['test', 'tab', undefined],
      ['test', 'tab', 'it broke'],
    ]);
    const [worker, first, second] = spans;
    expect(worker?.parentId).toBe(first?.context.spanId);
    expect((worker?.endedAt ?? 0) - (worker?.startedAt ?? 0)).toBe(30);
    expect(second?.events[0]?.at).toBe((second?.startedAt ?? 0) + 50);
    expect(second?.fields).toEqual({ outcome: 'failed' });
    const { metrics } = telemetry;
    expect(metrics.value('worker_call_seconds', { pool: 'test', outcome: 'ok' })).toBe(2);
    expect(metrics.value('worker_call_seconds', { pool: 'test', outcome: 'failed' })).toBe(1);
    expect(metrics.value('worker_busy_seconds_total', { pool: 'test' })).toBeCloseTo(0.05);
    await pool.close();
  });
});
