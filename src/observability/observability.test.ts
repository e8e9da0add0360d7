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
