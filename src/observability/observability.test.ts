import { describe, expect, it } from 'vitest';
import { silentSpan } from '../core/ports/telemetry.ts';
import { createMemoryStore } from '../storage/index.ts';
import { createTelemetry } from './telemetry.ts';
import { createTestClock, createTestRandom } from './traces/testDoubles.ts';
import { createTracer } from './traces/tracer.ts';

const deps = { clock: createTestClock().clock, random: createTestRandom(), createTracer };

describe('telemetry', () => {
  it('keeps the newest entries only', () => {
    const telemetry = createTelemetry(deps, { logs: { keptEntries: 3, levels: { default: 'debug' } } });
    for (let i = 0; i < 10; i++) telemetry.log('info', 'test', `entry ${i}`);
    expect(telemetry.entries.get().map(({ message }) => message)).toEqual(['entry 7', 'entry 8', 'entry 9']);
  });

  it('hides room links and recovery keys wherever they appear', () => {
    const telemetry = createTelemetry(deps);
    telemetry.log('info', 'test', 'opened https://h/#room=AAAAAAAAAAAAAAAAAAAAAA', {
      key: 'av1-AAAAA-BBBBB-CCCCC-DDDDD-EEEEE',
    });
    const text = JSON.stringify(telemetry.entries.get());
    expect(text).not.toMatch(/AAAAA/);
    expect(text).toContain('room=[hidden]');
  });

  it.each([
    ['a link', 'see https://h.example/?a=1#room=AAAAAAAAAAAAAAAAAAAAAA now'],
    ['a link in a query', 'url=https%3A%2F%2Fh%2F%23room%3DAAAAAAAAAAAAAAAAAAAAAA'],
    ['a recovery key', `av1${'-AAAAA'.repeat(11)}`],
    ['a recovery key as typed', `AV1${' AAAAA'.repeat(11)}`],
    ['a recovery key in one word', `av1${'A'.repeat(55)}`],
  ])('hides %s', (_what, secret) => {
    const telemetry = createTelemetry(deps);
    telemetry.log('warn', 'test', secret, { field: secret });
    expect(JSON.stringify(telemetry.entries.get())).not.toContain('AAAAA');
  });

  it('leaves ids readable: they are no secrets, and logs are useless without them', () => {
    const telemetry = createTelemetry(deps);
    const id = 'kC0rSw5YhBzQ2k0eG8uSgYjT1cHqk4m9n3fJxQw7LrA';
    telemetry.log('info', 'test', `peer ${id} came`, { id });
    expect(telemetry.entries.get()[0]).toMatchObject({ message: `peer ${id} came`, fields: { id } });
  });

  it('keeps the beginning of a stranger’s long message', () => {
    const telemetry = createTelemetry(deps);
    telemetry.log('warn', 'test', 'x'.repeat(100_000), { reason: 'y'.repeat(100_000) });
    expect(JSON.stringify(telemetry.entries.get()).length).toBeLessThan(3_000);
  });

  it('keeps one entry where one is asked for', () => {
    const telemetry = createTelemetry(deps, { logs: { keptEntries: 1 } });
    telemetry.log('info', 'test', 'older');
    telemetry.log('info', 'test', 'newer');
    expect(telemetry.entries.get().map(({ message }) => message)).toEqual(['newer']);
  });

  it('sums up observations', () => {
    const telemetry = createTelemetry(deps);
    for (const seconds of [1, 2, 6]) telemetry.observe('rpc_seconds', seconds, { method: 'm' });
    expect(telemetry.metrics.value('rpc_seconds', { method: 'm' })).toBe(3);
  });

  it('drops what is below its level', () => {
    const telemetry = createTelemetry(deps, { logs: { levels: { default: 'warn' } } });
    telemetry.log('info', 'test', 'chatter');
    expect(telemetry.entries.get()).toEqual([]);
    // What is not kept is counted all the same.
    expect(telemetry.metrics.value('log_entries_total', { level: 'info', component: 'test' })).toBe(1);
  });

  it('counts per label, and never without bound', () => {
    const telemetry = createTelemetry(deps);
    telemetry.count('tasks_total', 2, { kind: 'a' });
    telemetry.count('tasks_total', 1, { kind: 'a' });
    for (let i = 0; i < 2_000; i++) telemetry.count(`name_${i}`);
    expect(telemetry.metrics.value('tasks_total', { kind: 'a' })).toBe(3);
    expect(telemetry.metrics.value('name_1999')).toBe(0);
    expect(telemetry.dropped()['metrics.cardinality']).toBeGreaterThan(1_000);
  });

  it('keeps nothing of a part that is off, and goes on when it is on again', () => {
    const telemetry = createTelemetry(deps);
    telemetry.span('before').end();
    telemetry.setParts({ metrics: false, traces: false, logs: false });
    telemetry.count('c_total');
    telemetry.log('error', 'test', 'words');
    const span = telemetry.span('s');
    span.end('failed');
    expect(span).toBe(silentSpan);
    expect(telemetry.metrics.snapshot()).toEqual([]);
    expect(telemetry.entries.get()).toEqual([]);
    expect(telemetry.traces.traces.get()).toEqual([]);
    telemetry.setParts({ metrics: true, traces: true, logs: true });
    telemetry.count('c_total');
    telemetry.log('error', 'test', 'words');
    telemetry.span('s').end();
    expect(telemetry.metrics.value('c_total')).toBe(1);
    expect(telemetry.entries.get()).toHaveLength(1);
    expect(telemetry.traces.traces.get()).toHaveLength(1);
  });

  it('outlives its tab, beside another one', async () => {
    const store = createMemoryStore();
    const time = createTestClock();
    const open = async (tab: string, seed: number) => {
      const telemetry = createTelemetry({ clock: time.clock, random: createTestRandom(seed), createTracer });
      await telemetry.keepIn({ store, timers: time.timers, tab });
      return telemetry;
    };
    const [first, beside] = await Promise.all([open('a', 1), open('b', 99)]);
    for (const [telemetry, name] of [
      [first, 'first'],
      [beside, 'beside'],
    ] as const) {
      telemetry.log('warn', 'test', `${name} spoke`);
      telemetry.span('job', { fields: { job: name } }).end();
      time.advance(1_000);
      await telemetry.flush();
    }
    const query = { level: 'info', limit: 10 } as const;
    expect((await first.logs.search(query)).map(({ message }) => message)).toEqual([
      'first spoke',
      'beside spoke',
    ]);
    const later = await open('c', 7);
    expect((await later.logs.search(query)).map(({ message }) => message)).toEqual([
      'first spoke',
      'beside spoke',
    ]);
    expect(later.traces.traces.get().map(({ job }) => job)).toEqual(['beside', 'first']);
    const id = await later.traces.traceOfJob('first');
    expect(await later.traces.spansOf(id ?? '')).toHaveLength(1);
  });
});
