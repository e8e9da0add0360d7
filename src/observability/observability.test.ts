import { describe, expect, it } from 'vitest';
import { type HealthInput, healthChecks } from './health.ts';
import { appendSample, emptySeries } from './series.ts';
import { createTelemetry } from './telemetry.ts';

const clock = { now: () => 5 as never, monotonic: () => 5 as never };

describe('telemetry', () => {
  it('keeps the newest entries only', () => {
    const telemetry = createTelemetry({ clock }, { keptEntries: 3, minimumLevel: 'debug' });
    for (let i = 0; i < 10; i++) telemetry.log('info', 'test', `entry ${i}`);
    expect(telemetry.entries.get().map(({ message }) => message)).toEqual(['entry 7', 'entry 8', 'entry 9']);
  });

  it('hides room links and recovery keys wherever they appear', () => {
    const telemetry = createTelemetry({ clock });
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
    const telemetry = createTelemetry({ clock });
    telemetry.log('warn', 'test', secret, { field: secret });
    expect(JSON.stringify(telemetry.entries.get())).not.toContain('AAAAA');
  });

  it('leaves ids readable: they are no secrets, and logs are useless without them', () => {
    const telemetry = createTelemetry({ clock });
    const id = 'kC0rSw5YhBzQ2k0eG8uSgYjT1cHqk4m9n3fJxQw7LrA';
    telemetry.log('info', 'test', `peer ${id} came`, { id });
    expect(telemetry.entries.get()[0]).toMatchObject({ message: `peer ${id} came`, fields: { id } });
  });

  it('keeps the beginning of a stranger’s long message', () => {
    const telemetry = createTelemetry({ clock });
    telemetry.log('warn', 'test', 'x'.repeat(100_000), { reason: 'y'.repeat(100_000) });
    expect(JSON.stringify(telemetry.entries.get()).length).toBeLessThan(3_000);
  });

  it('keeps one entry where one is asked for', () => {
    const telemetry = createTelemetry({ clock }, { keptEntries: 1, minimumLevel: 'debug' });
    telemetry.log('info', 'test', 'older');
    telemetry.log('info', 'test', 'newer');
    expect(telemetry.entries.get().map(({ message }) => message)).toEqual(['newer']);
  });

  it('sums up observations', () => {
    const telemetry = createTelemetry({ clock });
    for (const seconds of [1, 2, 6]) telemetry.observe('rpc_seconds', seconds, { method: 'm' });
    expect(telemetry.observation('rpc_seconds{method="m"}')).toEqual({ count: 3, sum: 9, last: 6 });
    expect(telemetry.observation('rpc_seconds')).toBeUndefined();
  });

  it('drops what is below its level', () => {
    const telemetry = createTelemetry({ clock }, { keptEntries: 5, minimumLevel: 'warn' });
    telemetry.log('info', 'test', 'chatter');
    expect(telemetry.entries.get()).toEqual([]);
  });

  it('counts per label, and never without bound', () => {
    const telemetry = createTelemetry({ clock });
    telemetry.count('tasks', 2, { kind: 'a' });
    telemetry.count('tasks', 1, { kind: 'a' });
    for (let i = 0; i < 2_000; i++) telemetry.count(`name ${i}`);
    expect(telemetry.counter('tasks{kind="a"}')).toBe(3);
    expect(telemetry.counter('name 1999')).toBe(0);
  });
});

describe('series', () => {
  it('keeps all columns on one axis and as long as asked', () => {
    let series = emptySeries(['a', 'b']);
    for (let i = 0; i < 5; i++) series = appendSample(series, i, { a: i, b: null }, 3);
    expect(series).toEqual({ time: [2, 3, 4], columns: { a: [2, 3, 4], b: [null, null, null] } });
  });
});

const healthy: HealthInput = {
  server: { phase: 'joined' },
  networkWanted: true,
  peers: 2,
  openPeers: 1,
  engine: { phase: 'ready', error: undefined },
  durable: true,
  storage: { quota: 100, usage: 10 },
  crossOriginIsolated: true,
  cores: 8,
  install: { offlineReady: true, problem: undefined },
  longestTaskMs: 30,
};
const stateOf = (input: HealthInput, id: string) =>
  healthChecks(input).find((check) => check.id === id)?.state;

describe('health', () => {
  it('is well when everything is', () => {
    expect(new Set(healthChecks(healthy).map(({ state }) => state))).toEqual(new Set(['ok']));
  });

  it.each<[string, string, Partial<HealthInput>]>([
    ['server', 'warn', { server: { phase: 'waiting', reason: 'the server is restarting' } }],
    ['server', 'bad', { server: { phase: 'refused', reason: 'reload' } }],
    ['swarm', 'warn', { peers: 0, openPeers: 0 }],
    ['swarm', 'ok', { peers: 0, openPeers: 0, networkWanted: false }],
    ['engine', 'bad', { engine: { phase: 'failed', error: 'a model is damaged' } }],
    ['storage', 'warn', { durable: false }],
    ['storage', 'warn', { storage: { quota: 100, usage: 85 } }],
    ['storage', 'bad', { storage: { quota: 100, usage: 95 } }],
    ['storage', 'unknown', { storage: undefined }],
    ['isolation', 'warn', { crossOriginIsolated: false }],
    ['install', 'warn', { install: { offlineReady: false, problem: 'certificate' } }],
    ['main-thread', 'warn', { longestTaskMs: 400 }],
  ])('%s is %s', (id, state, change) => {
    expect(stateOf({ ...healthy, ...change }, id)).toBe(state);
  });

  it('says what to do whenever something is not well', () => {
    const broken = healthChecks({
      ...healthy,
      server: { phase: 'waiting', reason: 'away' },
      peers: 0,
      openPeers: 0,
    });
    for (const check of broken.filter(({ state }) => state !== 'ok'))
      expect(check.message.length).toBeGreaterThan(20);
  });
});
