import { describe, expect, it } from 'vitest';
import { type HealthInput, healthChecks } from './pageHealth.ts';
import { wellPage as healthy } from './testDoubles.ts';

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
    ['isolation', 'warn', { sharedMemory: false }],
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
