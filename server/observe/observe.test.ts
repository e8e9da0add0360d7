import { collectDefaultMetrics, Registry } from 'prom-client';
import { afterEach, describe, expect, it } from 'vitest';
import { createStore } from '../../src/core/events.ts';
import type { Clock } from '../../src/core/ports/clock.ts';
import { createNodeTimers } from '../../src/platform/node/index.ts';
import { createVirtualTime } from '../../tests/simulation/virtualTime.ts';
import type { BusState } from '../bus.ts';
import { createMetrics } from '../metrics.ts';
import { watchDisk } from './disk.ts';
import { createServerHealth, type HealthSources, healthSummary } from './health.ts';
import { routeOf } from './httpTiming.ts';
import { maxOpenFiles, memoryLimit } from './limits.ts';
import { watchProcess } from './process.ts';
import { programVersion } from './version.ts';

const missing = () => {
  throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
};
const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

describe('metrics', () => {
  it('tell quantiles of the last minutes, and sums since the start', () => {
    let now = 0;
    const metrics = createMetrics(() => now);
    const line = (what: string) =>
      new RegExp(`^aivillage_bus_confirm_seconds${what.replace(/[{}]/g, '\\$&')} (\\S+)$`, 'm').exec(
        metrics.render(),
      )?.[1];
    for (let i = 0; i < 3; i++) metrics.observe('aivillage_bus_confirm_seconds', 8);
    expect(Number(line('{quantile="0.99"}'))).toBeCloseTo(8, 0);
    now = 6 * 60_000;
    metrics.observe('aivillage_bus_confirm_seconds', 1);
    expect(Number(line('{quantile="0.99"}'))).toBeGreaterThan(1);
    now = 12 * 60_000;
    metrics.observe('aivillage_bus_confirm_seconds', 1);
    expect(Number(line('{quantile="0.99"}'))).toBeCloseTo(1, 1);
    expect([line('_sum'), line('_count')]).toEqual(['26', '5']);
    now = 60 * 60_000;
    expect([line('{quantile="0.5"}'), line('_count')]).toEqual(['NaN', '5']);
  });

  it('count from 0, and what was not taken, too', () => {
    const metrics = createMetrics();
    expect(metrics.render()).toContain('\naivillage_signaling_dropped_total 0\n');
    for (let i = 0; i < 3_000; i++) metrics.count('aivillage_signaling_refused_total', `code ${i}`);
    metrics.observe('aivillage_bus_confirm_seconds', -1);
    const text = metrics.render();
    expect(text.match(/^aivillage_signaling_refused_total/gm)).toHaveLength(101);
    expect(text).toContain('telemetry_dropped_total{reason="cardinality"} 2900');
    expect(metrics.render()).toContain('telemetry_dropped_total{reason="negative"} 1');
  });
});

describe('the process', () => {
  it('is measured under the names and types that prom-client has', async () => {
    const metrics = createMetrics();
    ends.push(watchProcess(metrics, createNodeTimers({ holdsProcess: false }), '1.2.3').close);
    const theirs = new Registry();
    collectDefaultMetrics({ register: theirs });
    // A gauge that ends in _total, what only a debugger asks for, and what is per space of the heap.
    const left =
      /_handles|_requests|_resources_total|heap_space|virtual|process_heap|lag_(min|stddev)|lag_seconds/;
    const typesOf = (text: string) =>
      new Map([...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type]) => [name, type]));
    const pauses = () => {
      Array.from({ length: 300_000 }, (_, i) => ({ i }));
      return metrics.render();
    };
    await expect.poll(pauses).toContain('nodejs_gc_duration_seconds_count');
    const ours = typesOf(metrics.render());
    const wanted = [...typesOf(await theirs.metrics())].filter(([name]) => !left.test(name));
    expect(wanted.length).toBeGreaterThan(15);
    for (const [name, type] of wanted)
      expect([name, ours.get(name)]).toEqual([name, type === 'histogram' ? 'summary' : type]);
    expect(metrics.render()).toMatch(/aivillage_build_info\{node="v\d+\.\d+\.\d+",version="1\.2\.3"\} 1/);
  });

  it('spends processor time that never goes back', () => {
    const metrics = createMetrics();
    ends.push(watchProcess(metrics, createNodeTimers({ holdsProcess: false }), '').close);
    const seconds = () => Number(/^process_cpu_seconds_total (\S+)$/m.exec(metrics.render())?.[1]);
    const first = seconds();
    for (let i = 0, end = performance.now() + 20; performance.now() < end; i++) Math.sqrt(i);
    expect(seconds()).toBeGreaterThan(first);
    expect(seconds()).toBeLessThan(process.cpuUsage().user / 1e6 + process.cpuUsage().system / 1e6 + 0.1);
  });

  it('knows its limits from where it runs', () => {
    const v2 = (path: string) => (path.endsWith('memory.max') ? '1048576\n' : missing());
    const v1 = (path: string) => (path.endsWith('limit_in_bytes') ? '9223372036854771712\n' : missing());
    expect(memoryLimit(v2, 2 ** 30)).toBe(1_048_576);
    expect(memoryLimit(() => 'max\n', 2 ** 30)).toBe(2 ** 30);
    expect(memoryLimit(v1, 2 ** 30)).toBe(2 ** 30);
    expect(memoryLimit(missing, 2 ** 30)).toBe(2 ** 30);
    expect(
      maxOpenFiles(() => 'Max open files            1024                 4096                 files\n'),
    ).toBe(1_024);
    expect(maxOpenFiles(missing)).toBeUndefined();
  });

  it('knows its version', () => {
    expect(programVersion()).toMatch(/^\d+\.\d+\.\d+/);
    expect(programVersion('file:///nowhere/at/all/x.js')).toBe('unknown');
  });
});

describe('the route of a request', () => {
  const site = {
    isPage: (path: string) => path === '/metrics',
    isFile: (path: string) => ['/assets/a.js', '/models/m.onnx', '/sw.js', '/models'].includes(path),
  };
  it.each([
    ['/metrics', '/metrics'],
    ['/', 'page'],
    ['/sw.js', 'page'],
    ['/models', 'page'],
    ['/assets/a.js', 'assets'],
    ['/models/m.onnx', 'models'],
    ['/assets/none.js', 'other'],
    ['/constructor', 'other'],
    [undefined, 'unreadable'],
  ])('%s is %s', (path, route) => {
    expect(routeOf(path, site)).toBe(route);
  });
});

describe('the disk', () => {
  it('is that of the folder, or of the nearest that is there', async () => {
    const asked: string[] = [];
    const read = async (path: string) => {
      asked.push(path);
      return path === '/data' ? { size: 100, free: 7 } : missing();
    };
    const metrics = createMetrics();
    const disk = watchDisk(metrics, createNodeTimers({ holdsProcess: false }), '/data/a/b', read);
    ends.push(disk.close);
    expect(await disk.refresh()).toEqual({ size: 100, free: 7 });
    expect(asked).toEqual(['/data/a/b', '/data/a', '/data']);
    expect(metrics.render()).toContain('\naivillage_data_disk_free_bytes 7\n');
  });

  it('is not told where the system does not say', async () => {
    const metrics = createMetrics();
    const disk = watchDisk(metrics, createNodeTimers({ holdsProcess: false }), '/x', async () => missing());
    ends.push(disk.close);
    expect(await disk.refresh()).toBeUndefined();
    expect(metrics.render()).not.toContain('aivillage_data_disk');
  });
});

const healthOf = (sources: Partial<HealthSources>) => {
  const time = createVirtualTime();
  const metrics = createMetrics();
  const logged: string[] = [];
  const clock: Clock = time.clock;
  const health = createServerHealth(
    { clock, timers: time.timers, metrics, log: (level, message) => void logged.push(`${level} ${message}`) },
    { lag: () => 0.02, memory: () => ({ used: 10, limit: 100 }), isDraining: () => false, ...sources },
  );
  ends.push(health.close);
  const pass = (seconds: number) => time.runUntil(() => false, seconds * 1_000);
  const check = (id: string) => health.report.get().checks.find((one) => one.id === id);
  return { health, metrics, logged, pass, check };
};
const keeperDouble = () => ({
  at: 5,
  waiting: 0,
  why: undefined as { readonly message: string } | undefined,
  reached: 3,
});
const sourceOf = (keeper: ReturnType<typeof keeperDouble>) => ({
  height: () => keeper.at,
  pending: () => keeper.waiting,
  fault: () => keeper.why,
  others: () => ({ reached: keeper.reached, all: 3 }),
});

describe('the health of a server', () => {
  it('is well, as a report and as numbers', async () => {
    const { health, metrics, pass } = healthOf({ hasClient: true });
    await pass(20);
    expect(healthSummary(health.report.get())).toMatchObject({ state: 'ok', score: 100 });
    expect(metrics.render()).toContain('aivillage_health_score 100');
    expect(metrics.render()).toContain('aivillage_health_state{check="event-loop"} 0');
  });

  it.each([
    ['event-loop', { lag: (): number => 0.3 }, 'warn'],
    ['event-loop', { lag: (): number => 1.5 }, 'bad'],
    ['event-loop', { lag: (): number => Number.NaN }, 'unknown'],
    ['memory', { memory: () => ({ used: 86, limit: 100 }) }, 'warn'],
    ['memory', { memory: () => ({ used: 96, limit: 100 }) }, 'bad'],
    ['client', { hasClient: false }, 'bad'],
    ['sockets', { sockets: { open: () => 1_900, most: 2_000 } }, 'bad'],
    ['draining', { isDraining: () => true }, 'warn'],
  ] as const)('shows %s with %j as it is', async (id, sources, state) => {
    const { pass, check } = healthOf(sources);
    await pass(30);
    expect(check(id)?.state).toBe(state);
  });

  it('warns of a bus that is away, and is well again with it', async () => {
    const state = createStore<BusState>('away');
    const { pass, check, logged } = healthOf({ bus: { state } });
    await pass(20);
    expect(check('bus')?.state).toBe('warn');
    state.set('connected');
    await pass(20);
    expect(check('bus')?.state).toBe('ok');
    expect(logged[0]).toMatch(/^warn Bus: The bus is away/);
  });

  it('finds a full disk', async () => {
    const disk = { now: () => undefined, refresh: async () => ({ size: 100, free: 5 }), close() {} };
    const { pass, check } = healthOf({ disk });
    await pass(20);
    expect(check('disk')).toMatchObject({ state: 'bad', message: expect.stringContaining('95 %') });
  });

  it('waits for a keeper whose round is slow, and not for one that stands while operations wait', async () => {
    const keeper = keeperDouble();
    const { pass, check, metrics } = healthOf({ keeper: sourceOf(keeper) });
    await pass(600);
    expect(check('keeper')?.state).toBe('ok');
    keeper.waiting = 3;
    await pass(60);
    keeper.at++;
    await pass(100);
    expect(check('keeper')?.state).toBe('ok');
    await pass(60);
    expect(check('keeper')).toMatchObject({
      state: 'bad',
      message: expect.stringContaining('3 operations wait'),
    });
    expect(metrics.render()).toContain('aivillage_health_state{check="keeper"} 2');
    keeper.at++;
    await pass(20);
    expect(check('keeper')?.state).toBe('ok');
    keeper.why = { message: 'its data is an old copy' };
    await pass(20);
    expect(check('keeper')?.message).toContain('old copy');
  });

  it('tells a keeper that lost one of the others from one without a quorum', async () => {
    const keeper = keeperDouble();
    const { pass, check } = healthOf({ keeper: sourceOf(keeper) });
    keeper.reached = 2;
    await pass(20);
    expect(check('keepers')?.state).toBe('warn');
    keeper.reached = 1;
    await pass(20);
    expect(check('keepers')?.state).toBe('bad');
  });
});
