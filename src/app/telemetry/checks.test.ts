import { describe, expect, it } from 'vitest';
import { createVirtualTime } from '../../../tests/simulation/virtualTime.ts';
import { silentTelemetry } from '../../core/ports/telemetry.ts';
import { type CheckSpec, createHealthMonitor, type SignalReader } from '../../observability/index.ts';
import { type Measured, pageChecks, type Repairs } from './checks.ts';
import { wellPage as well } from './testDoubles.ts';

/** A page whose state a test changes, and what was done about it. */
const page = () => {
  const state = {
    input: well,
    memory: 0.2 as number | undefined,
    busy: 0.3 as number | undefined,
    ledger: { phase: 'open', reason: undefined as string | undefined },
    increases: {} as Readonly<Record<string, number>>,
    onGpu: false,
  };
  const done: string[] = [];
  const reader: Pick<SignalReader, 'keys' | 'increase'> = {
    keys: (name) => Object.keys(state.increases).filter((key) => key.startsWith(`${name}{`)),
    increase: (key) => state.increases[key] ?? 0,
  };
  const measured: Measured = {
    now: () => 0,
    reader: () => reader as SignalReader,
    memoryShare: () => state.memory,
    workersBusy: () => state.busy,
    ledger: () => state.ledger,
  };
  const repairs: Repairs = {
    reconnect: () => void done.push('reconnect'),
    rebuildLinks: () => void done.push('rebuild links'),
    restartWorkers: () => void done.push('restart workers'),
    leaveGpu(why) {
      done.push(`leave the GPU: ${why}`);
      return state.onGpu;
    },
    dropCaches: async () => void done.push('drop caches'),
  };
  const checks = pageChecks(() => state.input, measured, repairs);
  const find = (id: string): CheckSpec => {
    const found = checks.find((check) => check.id === id);
    if (!found) throw new Error(id);
    return found;
  };
  const read = async (id: string) => find(id).measure();
  return { state, done, checks, find, read };
};

const calls = (total: number, failed: number, outcome = 'silent') => ({
  'rpc_seconds{method="read",outcome="ok"}': total - failed,
  [`rpc_seconds{method="read",outcome="${outcome}"}`]: failed,
});
const tasks = (total: number, failed: number) => ({
  'inference_tasks_total{kind="ocr.detect",outcome="answered"}': total - failed,
  'inference_tasks_total{kind="ocr.detect",outcome="failed"}': failed,
});

describe('the thresholds', () => {
  it.each([
    ['cpu', 0.79, 'ok'],
    ['cpu', 0.8, 'warn'],
    ['cpu', 0.94, 'warn'],
    ['cpu', 0.95, 'bad'],
    ['cpu', undefined, 'unknown'],
    ['memory', 0.84, 'ok'],
    ['memory', 0.85, 'warn'],
    ['memory', 0.95, 'bad'],
    ['memory', undefined, 'unknown'],
  ] as const)('%s at %s is %s', async (id, share, expected) => {
    const { state, read } = page();
    if (id === 'cpu') state.busy = share;
    else state.memory = share;
    expect((await read(id)).state).toBe(expected);
  });

  it.each([
    [0, 0, 'ok'],
    [4, 4, 'ok'], // too few to say
    [100, 9, 'ok'],
    [100, 10, 'warn'],
    [100, 19, 'warn'],
    [100, 20, 'bad'],
  ] as const)('of %d calls %d that failed are %s', async (total, failed, expected) => {
    const { state, read } = page();
    state.increases = calls(total, failed);
    expect((await read('links')).state).toBe(expected);
  });

  it.each([
    [4, 4, 'ok'],
    [100, 9, 'ok'],
    [100, 10, 'warn'],
    [100, 21, 'bad'], // success below 0.8
  ] as const)('of %d tasks %d that failed are %s', async (total, failed, expected) => {
    const { state, read } = page();
    state.increases = tasks(total, failed);
    expect((await read('work')).state).toBe(expected);
  });

  it('do not count a peer that says no, nor a person who cancels', async () => {
    const { state, read } = page();
    for (const outcome of ['refused', 'overloaded', 'peer-lost', 'cancelled']) {
      state.increases = calls(100, 90, outcome);
      expect((await read('links')).state, outcome).toBe('ok');
    }
  });

  it.each([
    ['open', 'ok'],
    ['opening', 'unknown'],
    ['forked', 'bad'],
    ['none', 'unknown'],
  ])('a ledger that is %s is %s', async (phase, expected) => {
    const { state, read } = page();
    state.ledger = { phase, reason: undefined };
    expect((await read('ledger')).state).toBe(expected);
  });

  it('have words for whatever is not well', async () => {
    const { state, checks } = page();
    state.busy = 0.99;
    state.memory = 0.99;
    state.increases = { ...calls(100, 50), ...tasks(100, 50) };
    state.ledger = { phase: 'forked', reason: undefined };
    state.input = { ...well, engine: { phase: 'failed', error: undefined }, server: { phase: 'refused' } };
    for (const check of checks) {
      const { state: found, message } = await check.measure();
      if (found !== 'ok') expect(message.length, check.id).toBeGreaterThan(20);
    }
  });
});

/** The page under its monitor, in virtual time. */
const watched = () => {
  const world = page();
  const time = createVirtualTime();
  const monitor = createHealthMonitor({ ...time, telemetry: silentTelemetry });
  for (const check of world.checks) monitor.registerCheck(check);
  const pass = (seconds: number) => time.runUntil(() => false, seconds * 1_000);
  const view = (id: string) => monitor.report.get().checks.find((check) => check.id === id);
  return { ...world, monitor, pass, view };
};

describe('a page that is looked after', () => {
  it('is left alone while all is well', async () => {
    const { monitor, pass, done } = watched();
    await pass(120);
    expect(monitor.report.get()).toMatchObject({ state: 'ok', score: 100, incidents: [] });
    expect(done).toEqual([]);
  });

  it('starts the workers again when the engine has failed, and says that it helped', async () => {
    const { monitor, pass, done, state, view } = watched();
    await pass(20);
    state.input = { ...well, engine: { phase: 'failed', error: 'a worker died' } };
    await pass(12);
    expect(done).toEqual(['restart workers']);
    state.input = well;
    await pass(20);
    expect(view('engine')?.state).toBe('ok');
    const { incidents, mttrMs } = monitor.report.get();
    expect(incidents).toMatchObject([
      { check: 'engine', actions: [{ id: 'restart-worker', helped: true }], endedAt: expect.any(Number) },
    ]);
    expect(mttrMs).toBeLessThan(30_000);
  });

  it('sees an engine that fails, loads again and fails again', async () => {
    const { pass, done, state, view } = watched();
    await pass(20);
    for (const phase of ['failed', 'loading', 'failed', 'loading'] as const) {
      state.input = { ...well, engine: { phase, error: 'a damaged model' } };
      await pass(5);
    }
    expect(view('engine')?.state).toBe('bad');
    expect(done).toContain('restart workers');
    state.input = { ...well, engine: { phase: 'idle', error: undefined } };
    await pass(5);
    state.input = { ...well, engine: { phase: 'loading', error: undefined } };
    await pass(10);
    expect(view('engine')?.state).not.toBe('bad');
  });

  it('goes on without the GPU where new workers do not help', async () => {
    const { pass, done, state } = watched();
    state.onGpu = true;
    state.input = { ...well, engine: { phase: 'failed', error: 'the GPU is lost' } };
    await pass(120);
    expect(done.slice(0, 2)).toEqual(['restart workers', 'leave the GPU: it did not recover by itself']);
  });

  it('does not count as mended what could not be done', async () => {
    const { monitor, pass, state } = watched();
    state.input = { ...well, engine: { phase: 'failed', error: 'a damaged model' } };
    await pass(200);
    state.input = well;
    await pass(60);
    const [incident] = monitor.report.get().incidents;
    const degraded = incident?.actions.filter(({ id }) => id === 'degrade-runtime') ?? [];
    for (const { helped } of degraded) expect(helped).toBe(false);
  });

  it('makes links anew when calls fail, but not while the server is what is wrong', async () => {
    const { pass, done, state, view } = watched();
    state.increases = calls(100, 50);
    state.input = { ...well, server: { phase: 'refused', reason: 'reload this tab' } };
    await pass(60);
    expect(view('links')).toMatchObject({ because: 'server' });
    expect(done).not.toContain('rebuild links');
    expect(done).toContain('reconnect');
    state.input = well;
    await pass(60);
    expect(done).toContain('rebuild links');
  });

  it('lets caches go when memory or storage is short', async () => {
    const { pass, done, state } = watched();
    state.memory = 0.97;
    await pass(15);
    expect(done).toEqual(['drop caches']);
    state.memory = 0.2;
    await pass(60);
    state.input = { ...well, storage: { quota: 100, usage: 95 } };
    await pass(15);
    expect(done).toEqual(['drop caches', 'drop caches']);
  });

  it('blames a busy worker for nothing before half a minute is over', async () => {
    const { pass, state, view } = watched();
    await pass(20);
    state.busy = 0.99;
    await pass(20);
    expect(view('cpu')?.state).toBe('ok');
    await pass(20);
    expect(view('cpu')).toMatchObject({ state: 'bad', mendable: false });
    expect(view('engine')?.mendable).toBe(true);
  });
});
