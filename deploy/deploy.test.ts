import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findProgram, type RunningPrometheus, startPrometheus } from '../scripts/lib/prometheus.mjs';
import { startServer } from '../server/server.ts';
import { testConfig } from '../server/testDoubles.ts';
import { describeMetric } from '../src/observability/metrics/catalogue.ts';
import { dashboards } from './grafana/dashboards.ts';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const rules = readFileSync(here('prometheus/alerts.yml'), 'utf8');
/** Of the test machines; elsewhere: apt-get install prometheus. */
const isInstalled = findProgram('prometheus') !== undefined && findProgram('promtool') !== undefined;

const queries = Object.entries(dashboards).flatMap(([name, { panels = [] }]) =>
  panels.flatMap((panel) =>
    ('targets' in panel ? (panel.targets ?? []) : []).map(({ expr }) => ({
      where: `${name}: ${panel.title}`,
      // What Grafana puts in before it asks.
      expr: String(expr).replaceAll('$__rate_interval', '1m').replace(/\$\w+/g, '.*'),
    })),
  ),
);

const recorded = [...rules.matchAll(/^ +- record: (\S+)$/gm)].map(([, name = '']) => name);
const alerts = [...rules.matchAll(/^ +- alert: (\S+)$/gm)].map(([, name = '']) => name);
const words = new Set(
  'sum by rate max min on and or group_right increase absent abs timestamp changes predict_linear min_over_time'.split(
    ' ',
  ),
);
/** Names in an expression that are none of the language's, of labels, or in quotes. */
const metricsIn = (expr: string): readonly string[] =>
  [
    ...expr
      .replace(/"[^"]*"/g, '""')
      .replace(/\{[^}]*\}|\[[^\]]*\]|\b(by|on|group_right) *\([^)]*\)/g, ' ')
      .matchAll(/[a-zA-Z_:][\w:]*/g),
  ]
    .map(([name]) => name)
    .filter((name) => !words.has(name));
const isKnown = (name: string): boolean =>
  name === 'up' || recorded.includes(name) || describeMetric(name) !== undefined || isPartOfSummary(name);
const isPartOfSummary = (name: string): boolean =>
  /_(sum|count)$/.test(name) && describeMetric(name.replace(/_(sum|count)$/, ''))?.kind === 'histogram';

describe('the dashboards', () => {
  it.each(Object.keys(dashboards))('%s.json is what its source makes', async (name) => {
    const text = `${JSON.stringify(dashboards[name], null, 2)}\n`;
    await expect(text).toMatchFileSnapshot(here(`grafana/dashboards/${name}.json`));
  });

  it('have ids of their own, and panels that do not overlap', () => {
    const all = Object.values(dashboards);
    expect(new Set(all.map(({ uid }) => uid)).size).toBe(all.length);
    for (const { panels = [], title } of all) {
      expect([title, new Set(panels.map(({ id }) => id)).size]).toEqual([title, panels.length]);
      const cells = panels.flatMap(({ gridPos }) => {
        const { x = 0, y = 0, w = 0, h = 0 } = gridPos ?? {};
        expect(x + w).toBeLessThanOrEqual(24);
        return Array.from({ length: w * h }, (_, i) => `${x + (i % w)} ${y + Math.floor(i / w)}`);
      });
      expect([title, new Set(cells).size]).toEqual([title, cells.length]);
    }
  });

  it('ask for metrics that are measured', () => {
    expect(queries.length).toBeGreaterThan(60);
    const unknown = queries.flatMap(({ where, expr }) =>
      metricsIn(expr)
        .filter((name) => !isKnown(name))
        .map((name) => `${where}: ${name}`),
    );
    expect(unknown).toEqual([]);
  });

  it('ask the data source that is provisioned, from the folder that is', async () => {
    const source = await readFile(here('grafana/provisioning/datasources/prometheus.yml'), 'utf8');
    expect(source).toContain('uid: aivillage-prometheus');
    expect(JSON.stringify(dashboards)).not.toMatch(/"uid":"(?!aivillage-)/);
    const provider = await readFile(here('grafana/provisioning/dashboards/aivillage.yml'), 'utf8');
    expect(provider).toMatch(/path: \S+\/dashboards\/aivillage\n/);
  });
});

describe('the rules', () => {
  it('ask for metrics that are measured', () => {
    const expressions = [...rules.matchAll(/expr: \|\n((?: {10,}.*\n)+)/g)].map(([, expr = '']) => expr);
    expect(expressions).toHaveLength(alerts.length + recorded.length);
    expect(expressions.flatMap(metricsIn).filter((name) => !isKnown(name))).toEqual([]);
  });

  it('say how bad it is, what it is, and where it is written what to do', async () => {
    const guide = await readFile(here('../docs/operating.md'), 'utf8');
    const anchors = new Set(
      [...guide.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
        heading
          .toLowerCase()
          .replace(/[^\w\- ]/g, '')
          .replaceAll(' ', '-'),
      ),
    );
    const blocks = rules.split(/^ +- (?:alert|record): /m).slice(1);
    const ofAlerts = blocks.filter((block) => block.startsWith('AIVillage'));
    expect(ofAlerts).toHaveLength(alerts.length);
    for (const block of ofAlerts) {
      expect(block).toMatch(/severity: (page|ticket)\n/);
      expect(block).toMatch(/summary: "\S.*"\n/);
      const anchor = /runbook_url: docs\/operating\.md#(\S+)/.exec(block)?.[1] ?? '';
      expect([block.split('\n')[0], anchors.has(anchor) ? 'written' : `no section ${anchor}`]).toEqual([
        block.split('\n')[0],
        'written',
      ]);
    }
  });

  it('are each tested for when they fire and for when they must not', async () => {
    const tests = await Promise.all(
      ['alerts', 'alerts.days'].map((name) => readFile(here(`prometheus/${name}.test.yml`), 'utf8')),
    );
    const expected = [
      ...tests
        .join('')
        .matchAll(/alertname="(\w+)",alertstate="firing"\}\) or vector\(0\)\n.*\n.*\n.*\n +value: (\d)/g),
    ].map(([, name, value]) => `${name} ${value}`);
    const missing = alerts.flatMap((name) =>
      [`${name} 0`, `${name} 1`].filter((one) => !expected.includes(one)),
    );
    expect(missing).toEqual([]);
  });
});

describe.skipIf(!isInstalled)(
  'Prometheus itself (skipped where it is not installed)',
  { timeout: 180_000 },
  () => {
    let prometheus: RunningPrometheus;
    beforeAll(async () => {
      // It only parses here: there is nothing at this address.
      prometheus = await startPrometheus({ target: 'http://127.0.0.1:9', everySeconds: 60 });
    }, 30_000);
    afterAll(() => prometheus?.close(), 30_000);

    it('can be tried with npm run observe, whose check runs the tests of the rules', async () => {
      const server = await startServer(testConfig, { log: () => {}, clientFolder: '/nonexistent' });
      const { code, said } = await observe('--check', '--url', `http://127.0.0.1:${server.port}`);
      await server.close();
      expect(said.split('\n').map((line) => line.replace(/http\S+/, '…'))).toEqual([
        'ok     configuration',
        'ok     rules',
        'ok     tests of the rules',
        'ok     Prometheus reads …',
        '',
      ]);
      expect(code).toBe(0);
    });

    it('is not started for what is no host', async () => {
      expect(await observe('--check', '--url', 'ftp://x')).toEqual({
        code: 1,
        said: expect.stringContaining('--url must be'),
      });
    });

    it('can read every query of the dashboards', async () => {
      for (const { where, expr } of queries) {
        const read = await prometheus.api('format_query', { query: expr }).catch(String);
        expect([where, read]).toEqual([where, expect.not.stringContaining('Error')]);
      }
      await expect(prometheus.api('format_query', { query: 'sum by (' })).rejects.toThrow('parse error');
    });
  },
);

const observe = (...args: readonly string[]) =>
  new Promise<{ readonly code: number | null; readonly said: string }>((resolve) => {
    const child = spawn(process.execPath, [here('../scripts/observe.mjs'), ...args], { stdio: 'pipe' });
    let said = '';
    const take = (part: Buffer) => {
      said += part.toString();
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    child.on('close', (code) => resolve({ code, said }));
  });
