import { describe, expect, it } from 'vitest';
import { createVirtualTime } from '../../../tests/simulation/virtualTime.ts';
import { silentTelemetry } from '../../core/ports/telemetry.ts';
import { err, fault, ok } from '../../core/result.ts';
import { createHealthMonitor } from './monitor.ts';
import type { CheckReading, CheckSpec } from './types.ts';

const well: CheckReading = { state: 'ok', message: 'fine' };
const ill: CheckReading = { state: 'bad', message: 'broken' };

const monitored = () => {
  const time = createVirtualTime();
  const monitor = createHealthMonitor({ clock: time.clock, timers: time.timers, telemetry: silentTelemetry });
  const pass = (seconds: number) => time.runUntil(() => false, seconds * 1_000);
  const check = (spec: Partial<CheckSpec> & Pick<CheckSpec, 'id' | 'measure'>) =>
    monitor.registerCheck({ title: spec.id, component: 'test', ...spec });
  const view = (id: string) => monitor.report.get().checks.find((one) => one.id === id);
  return { monitor, pass, check, view };
};

describe('the health monitor', () => {
  it('mends a component and measures how long it took', async () => {
    const { monitor, pass, check, view } = monitored();
    let broken = false;
    check({
      id: 'engine',
      measure: () => (broken ? ill : well),
      recovery: [
        {
          id: 'restart-worker',
          title: 'Start the worker again',
          async run() {
            broken = false;
            return ok(undefined);
          },
        },
      ],
    });
    await pass(10);
    expect(monitor.report.get()).toMatchObject({ state: 'ok', score: 100 });
    broken = true;
    await pass(30);
    expect(view('engine')?.state).toBe('ok');
    const [incident] = monitor.report.get().incidents;
    expect(incident?.actions).toEqual([{ id: 'restart-worker', at: expect.any(Number), helped: true }]);
    expect(monitor.report.get().mttrMs).toBeGreaterThan(0);
    expect(monitor.report.get().mttrMs).toBeLessThan(30_000);
  });

  it('does not blame what only suffers from something else', async () => {
    const { monitor, pass, check, view } = monitored();
    const acted: string[] = [];
    const action = (id: string) => ({ id, title: id, run: async () => ok(void acted.push(id)) });
    check({ id: 'server', measure: () => ill });
    check({ id: 'links', measure: () => ill, dependsOn: ['server'], recovery: [action('rebuild-link')] });
    await pass(60);
    expect(view('links')).toMatchObject({ state: 'unknown', because: 'server' });
    expect(acted).toEqual([]);
    expect(monitor.report.get().incidents.map((one) => one.check)).toEqual(['server']);
  });

  it('is held up by no reading that hangs or throws', async () => {
    const { pass, check, view } = monitored();
    check({ id: 'hangs', measure: () => new Promise<CheckReading>(() => {}) });
    check({
      id: 'throws',
      measure() {
        throw new Error('no such API');
      },
    });
    check({ id: 'fine', measure: () => well });
    await pass(20);
    expect(view('fine')?.state).toBe('ok');
    expect(view('hangs')).toMatchObject({ state: 'unknown', message: 'hangs did not answer within 3 s.' });
    expect(view('throws')?.message).toContain('no such API');
  });

  it('gives who asks while a check is read what comes of it', async () => {
    const { monitor, pass, check } = monitored();
    let release = (_: CheckReading) => {};
    check({
      id: 'slow',
      measure: () =>
        new Promise((resolve) => {
          release = resolve;
        }),
    });
    await pass(1);
    const asked = monitor.runHealthChecks();
    release(well);
    expect((await asked).checks[0]).toMatchObject({ id: 'slow', state: 'ok', message: 'fine' });
  });

  it('says what was tried and that it has given up', async () => {
    const { pass, check, view, monitor } = monitored();
    check({
      id: 'gpu',
      measure: () => ill,
      recovery: [{ id: 'reset', title: 'Reset', run: async () => err(fault('failed', 'no')) }],
    });
    await pass(600);
    expect(view('gpu')?.recovery).toMatchObject({ phase: 'given-up', attempts: 3 });
    expect(monitor.report.get().incidents[0]?.actions.map(({ helped }) => helped)).toEqual([
      false,
      false,
      false,
    ]);
    expect((await monitor.recover('gpu')).ok).toBe(true);
    expect(await monitor.recover('nothing')).toMatchObject({ ok: false });
  });

  it('ends an action that takes too long', async () => {
    const { pass, check, view } = monitored();
    let aborted = false;
    check({
      id: 'cache',
      measure: () => ill,
      recovery: [
        {
          id: 'drop',
          title: 'Drop',
          run: (signal) =>
            new Promise(() => {
              signal.addEventListener('abort', () => {
                aborted = true;
              });
            }),
        },
      ],
    });
    await pass(45);
    expect(aborted).toBe(true);
    expect(view('cache')?.recovery.phase).toBe('cooling');
  });

  it('weighs what is well', async () => {
    const { pass, check, monitor } = monitored();
    check({ id: 'a', weight: 3, measure: () => well });
    check({ id: 'b', measure: () => ({ state: 'warn', message: 'so so' }) });
    check({ id: 'c', measure: () => ({ state: 'unknown', message: '?' }) });
    await pass(20);
    expect(monitor.report.get().score).toBe(Math.round((100 * 3.5) / 4));
  });

  it('refuses two checks of one name, and a dependency that is not there', () => {
    const { check } = monitored();
    check({ id: 'a', measure: () => well });
    expect(() => check({ id: 'a', measure: () => well })).toThrow('already');
    expect(() => check({ id: 'b', measure: () => well, dependsOn: ['z'] })).toThrow('not registered');
  });
});
