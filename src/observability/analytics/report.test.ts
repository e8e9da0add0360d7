import { describe, expect, it } from 'vitest';
import { unwrap } from '../../core/result.ts';
import { csvCell } from './csv.ts';
import { coverageOf, type Report } from './report/measure.ts';
import { noon, openTab } from './testDoubles.ts';

const second = 1_000;
const hostile = '<script>alert(1)</script>|"=1+1';

const openHour = async () => {
  const tab = await openTab();
  for (let i = 0; i < 360; i++) {
    tab.analytics.recordMetric('load_ratio', i / 360);
    if (i < 90 || i >= 180)
      tab.analytics.recordMetric('tasks_total', 20, { kind: 'counter', labels: { who: hostile } });
    tab.analytics.recordMetric('rpc_seconds', 1 + (i % 100), { kind: 'histogram' });
    if (i % 10 === 0) tab.analytics.recordMetric('load_ratio', Number.NaN);
    tab.clock.advance(10 * second);
  }
  return tab;
};
const textOf = async (format: 'json' | 'summary' | 'detailed' | 'markdown' | 'html') => {
  const { analytics } = await openHour();
  const file = unwrap(await analytics.generateAnalyticsReport({ format, from: noon, to: noon + 3_600_000 }));
  return new TextDecoder().decode(file.bytes);
};

describe('a report', () => {
  it('tells of every series what was measured, how it goes, and how good the data is', async () => {
    const report = JSON.parse(await textOf('json')) as Report;
    const of = (name: string) => report.series.find((series) => series.name === name);
    expect(of('load_ratio')).toMatchObject({
      count: 360,
      min: 0,
      tier: 'raw',
      trend: { direction: 'rising' },
    });
    expect(of('load_ratio')?.p50).toBeCloseTo(0.5, 2);
    expect(of('load_ratio')?.trend?.slopePerHour).toBeCloseTo(1, 2);
    expect(of('load_ratio')?.quality).toMatchObject({
      completeness: 1,
      ordering: 1,
      timelinessMs: 10 * second,
    });
    expect(of('load_ratio')?.quality.validity).toBeCloseTo(360 / 396);
    expect(of('tasks_total')).toMatchObject({
      count: 20 * 270,
      unit: 'per second',
      max: 2,
      trend: { direction: 'none' },
    });
    expect(of('tasks_total')?.quality.completeness).toBeCloseTo(0.75, 1);
    expect(of('tasks_total')?.shape.filter((value) => value === null).length).toBeGreaterThan(9);
    expect(of('rpc_seconds')?.p95).toBeCloseTo(95, -1);
    expect(report.retention.raw.maxPoints).toBe(10_000);
  });

  it('is told in words', async () => {
    expect(await textOf('summary')).toMatch(/Significant trends: \n {2}load_ratio: rising, 1 per hour/);
    expect(await textOf('detailed')).toContain(
      'complete 100 %, valid 90.9 %, in order 100 %, newest 10 s old',
    );
  });

  it('escapes what labels may hold, and needs nothing from elsewhere', async () => {
    const html = await textOf('html');
    expect(html).not.toMatch(/<script|https?:|url\(|src=/);
    expect(html.match(/<svg/g)).toHaveLength(3);
    expect(await textOf('markdown')).not.toContain('<script');
  });
});

describe('CSV', () => {
  it('has a line per point, quoted as RFC 4180 says, and no cell is a formula', async () => {
    const { analytics } = await openHour();
    const keys = analytics.series().map(({ key }) => key);
    const { bytes } = unwrap(await analytics.exportCsv(keys, noon, noon + 3_600_000));
    const lines = new TextDecoder().decode(bytes).split('\r\n');
    expect(lines).toHaveLength(1 + 360 + 270 + 60 + 1);
    expect(lines[1]).toBe('load_ratio,gauge,raw,2026-09-21T12:00:00.000Z,1789992000000,1,0,0,0,0,,,');
    expect(csvCell('=1+1')).toBe("'=1+1");
    expect(csvCell('a "b", c')).toBe('"a ""b"", c"');
    expect(csvCell('-1\r\n')).toBe('"\'-1\r\n"');
    expect((await analytics.exportCsv(['nobody'], 0, 1)).ok).toBe(false);
  });
});

describe('completeness', () => {
  it('does not mind a clock that trembles, and sees what is missing', () => {
    const trembling = Array.from({ length: 100 }, (_, i) => i * 10_000 + (i % 3) * 400);
    expect(coverageOf(trembling, 1_000_000, 10_000)).toBeGreaterThan(0.99);
    expect(coverageOf([0, 10_000, 90_000], 100_000, 10_000)).toBeCloseTo(0.3);
    expect(coverageOf([], 1, 1)).toBe(0);
  });
});
