import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  findProgram,
  promtool,
  type RunningPrometheus,
  startPrometheus,
} from '../../scripts/lib/prometheus.mjs';
import { describeMetric } from '../../src/observability/metrics/catalogue.ts';
import { createMetrics } from '../metrics.ts';
import { type RunningServer, startServer } from '../server.ts';
import { testConfig } from '../testDoubles.ts';

/** Of the test machines; elsewhere: apt-get install prometheus. */
const isInstalled = findProgram('prometheus') !== undefined && findProgram('promtool') !== undefined;

let folder: string;
let server: RunningServer;
const get = (path: string) => fetch(`http://127.0.0.1:${server.port}${path}`);
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'aivillage-watched-'));
  const ledger = { kind: 'embedded', epochSeconds: 600 } as const;
  server = await startServer(
    { ...testConfig, dataFolder: folder, ledger },
    { log: () => {}, clientFolder: folder },
  );
}, 30_000);
afterAll(async () => {
  await server?.close();
  await rm(folder, { recursive: true });
});

const families = (text: string): ReadonlyMap<string, string> =>
  new Map([...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type = '']) => [name, type]));

describe('a host that is watched', () => {
  it('says how it is to whoever asks', async () => {
    const health = await get('/healthz');
    expect([health.status, health.headers.get('content-type')]).toEqual([
      200,
      'application/json; charset=utf-8',
    ]);
    expect(await health.json()).toMatchObject({ status: 'ok', bus: 'none', score: expect.any(Number) });
    await expect
      .poll(async () =>
        ((await (await get('/healthz')).json()) as { checks: { id: string }[] }).checks.map(({ id }) => id),
      )
      .toEqual([
        'event-loop',
        'memory',
        'heap',
        'disk',
        'sockets',
        'client',
        'keeper',
        'keepers',
        'draining',
      ]);
    const ready = await get('/readyz');
    expect([ready.status, await ready.json()]).toEqual([
      503,
      { ready: false, client: false, draining: false, bus: 'none', keeper: 'ok' },
    ]);
    expect(await (await get('/healthz')).text()).not.toContain(folder);
  });

  it('describes whatever it measures', async () => {
    await get('/nothing');
    const text = await (await get('/metrics')).text();
    expect(families(text).size).toBeGreaterThan(60);
    expect(Number(/^telemetry_series (\d+)$/m.exec(text)?.[1])).toBeGreaterThan(60);
    for (const [name, type] of families(text)) {
      const kind = describeMetric(name)?.kind;
      expect([name, type]).toEqual([name, kind === 'histogram' ? 'summary' : kind]);
    }
    expect(text).toMatch(
      /http_request_duration_seconds_count\{class="4xx",method="GET",route="other"\} [1-9]/,
    );
  });

  it('gives no series to what strangers make up', async () => {
    const seriesOf = async () =>
      (await (await get('/metrics')).text()).match(/^http_request_duration_seconds_count\{/gm)?.length ?? 0;
    await fetch(`http://127.0.0.1:${server.port}/x`, { method: 'PROPFIND' });
    const before = await seriesOf();
    for (let i = 0; i < 50; i++) await get(`/made-up-${i}`);
    await fetch(`http://127.0.0.1:${server.port}/y`, { method: 'PURGE' });
    expect(await seriesOf()).toBeLessThanOrEqual(before + 1); // that of /metrics itself
  });
});

describe.skipIf(!isInstalled)('Prometheus (skipped where it is not installed)', { timeout: 60_000 }, () => {
  let prometheus: RunningPrometheus;
  beforeAll(async () => {
    prometheus = await startPrometheus({ target: `http://127.0.0.1:${server.port}` });
    await prometheus.untilScraped();
  }, 60_000);
  afterAll(() => prometheus?.close(), 30_000);

  const valuesOf = async (query: string) =>
    (
      (await prometheus.api('query', { query })) as {
        result: { metric: Record<string, string>; value: [number, string] }[];
      }
    ).result;

  it('reads a host, and every family can be asked for', async () => {
    const text = await (await get('/metrics')).text();
    await expect.poll(async () => (await valuesOf('up'))[0]?.value[1], { timeout: 10_000 }).toBe('1');
    for (const [name, type] of families(text)) {
      const query = type === 'summary' ? `${name}_count` : name;
      await expect
        .poll(async () => [name, (await valuesOf(query)).length > 0], { timeout: 10_000 })
        .toEqual([name, true]);
    }
    expect((await valuesOf('aivillage_ledger_height'))[0]?.value[1]).toBe('0');
  });

  it('knows their types and descriptions', async () => {
    const metadata = (await prometheus.api('metadata')) as Record<string, { type: string; help: string }[]>;
    expect(metadata['http_request_duration_seconds']?.[0]).toMatchObject({
      type: 'summary',
      help: describeMetric('http_request_duration_seconds')?.help,
    });
  });

  it('has loaded the rules, none of which is broken', async () => {
    type Group = { rules: { name: string; health: string; lastError?: string }[] };
    const rules = async () =>
      ((await prometheus.api('rules')) as { groups: Group[] }).groups.flatMap((group) => group.rules);
    await expect
      .poll(async () => (await rules()).every(({ health }) => health === 'ok'), { timeout: 20_000 })
      .toBe(true);
    expect((await rules()).length).toBeGreaterThan(30);
  });

  it('takes every line, whatever is in a label', async () => {
    const metrics = createMetrics();
    const hostile = [
      '"',
      '\\',
      '\n',
      'a"} 1\nfake_total 7',
      '\u0000',
      '\ud800',
      '\u2028',
      '{}',
      '#',
      '',
      '😀',
    ];
    for (const value of hostile) {
      metrics.registry.count('aivillage_signaling_refused_total', 1, { code: value });
      metrics.observe('http_request_duration_seconds', 1, { class: value, method: value, route: value });
      metrics.registry.gauge('nodejs_active_resources', 1, { type: value });
    }
    // It goes on to lint, whose opinions (a summary's own _count) are no errors of reading.
    const { output } = await promtool(['check', 'metrics'], metrics.render());
    expect(output).not.toMatch(/error while linting|parsing error|invalid/);
    expect(metrics.render()).not.toMatch(/^fake_total/m);
    const broken = await promtool(['check', 'metrics'], 'a{b="c} 1\n');
    expect([broken.ok, broken.output]).toEqual([
      false,
      expect.stringMatching(/error while linting|parsing error/),
    ]);
    const whole = await promtool(['check', 'metrics'], await (await get('/metrics')).text());
    expect(whole.output).not.toMatch(/error while linting|parsing error|no help text|counter metrics should/);
  });
});
