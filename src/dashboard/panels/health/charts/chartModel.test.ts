import { describe, expect, it } from 'vitest';
import { createFixtureTelemetryCommands, fixtureTelemetry } from '../../../telemetryDoubles.ts';
import {
  addedCharts,
  boundsOf,
  chartOfMetric,
  defaultCharts,
  formatOf,
  pan,
  partsOf,
  searchSeries,
  select,
  zoomOut,
} from './chartModel.ts';

const models = fixtureTelemetry('well', 1_000_000_000_000);
const series = models.series.get();
const { describe: describeMetric } = createFixtureTelemetryCommands(models, () => {});
const now = 1_000_000;

describe('the window', () => {
  const fixed = (from: number, to: number) => ({ kind: 'fixed', from, to }) as const;
  const live = (spanMs: number) => ({ kind: 'live', spanMs }) as const;
  it('ends now while it is live', () =>
    expect(boundsOf(live(400), now)).toEqual({ from: now - 400, to: now }));
  it('goes back from live, and is live again where it reaches now', () => {
    const back = pan(live(1_000), now, -0.5);
    expect(back).toEqual(fixed(now - 1_500, now - 500));
    expect(pan(back, now, 0.5)).toEqual(live(1_000));
  });
  it('zooms out around its middle and not into the future', () => {
    expect(zoomOut(fixed(1_000, 2_000), now)).toEqual(fixed(500, 2_500));
    expect(zoomOut(fixed(now - 1_000, now), now)).toEqual(fixed(now - 2_000, now));
    expect(zoomOut(live(600), now)).toEqual(live(1_200));
  });
  it('takes what was dragged over, in either direction, and never less than can be seen', () => {
    expect(select(900_000, 800_000, now)).toEqual(fixed(800_000, 900_000));
    expect(select(900_000, 2_000_000, now)).toEqual(fixed(900_000, now));
    expect(select(900_000, 900_001, now)).toEqual(fixed(890_001, 900_001));
  });
});

describe('charts', () => {
  it('of the good set are of what is measured, each once', () => {
    const titles = defaultCharts(series, describeMetric).map(({ title }) => title);
    expect(titles).toEqual([
      'Jobs',
      'Tasks',
      'Calls to other devices',
      'Traffic',
      'Links',
      'Memory',
      'Smoothness of this page',
      'Ledger',
    ]);
    expect(defaultCharts([], describeMetric)).toEqual([]);
  });

  it('of the good set find what the app measures, under its names', () => {
    const names = [
      'inference_jobs_total',
      'inference_job_seconds',
      'inference_tasks_total',
      'rpc_seconds',
      'mesh_bytes_total',
      'mesh_rtt_seconds',
      'mesh_links_by_way',
      'memory_bytes',
      'main_thread_lag_seconds',
      'ledger_height',
    ];
    const others = ['storage_bytes', 'cache_bytes_total', 'inference_jobs_running', 'ledger_submit_seconds'];
    const measured = [...names, ...others].map((name) => ({
      key: name,
      name,
      labels: {},
      kind: 'gauge' as const,
      from: 0,
      to: 1,
      points: 1,
    }));
    expect(defaultCharts(measured, () => undefined).map(({ id }) => id)).toEqual(names);
  });

  it('of added series are one for each metric, without what is gone', () => {
    const added = ['rpc_seconds{method="ping"}', 'memory_bytes', 'rpc_seconds{method="read"}', 'gone'];
    const charts = addedCharts(added, series, describeMetric);
    expect(charts.map(({ id, series: own }) => [id, own.length])).toEqual([
      ['rpc_seconds', 2],
      ['memory_bytes', 1],
    ]);
  });

  it('show rates of counters, values of gauges and percentiles of histograms', () => {
    const parts = (name: string) => partsOf(chartOfMetric(name, series, describeMetric), 'percentiles');
    expect(parts('link_bytes_total')).toEqual([
      { key: 'link_bytes_total{direction="in"}', show: 'rate', label: 'in' },
      { key: 'link_bytes_total{direction="out"}', show: 'rate', label: 'out' },
    ]);
    expect(parts('memory_bytes')).toEqual([{ key: 'memory_bytes', show: 'value', label: 'memory_bytes' }]);
    expect(
      parts('rpc_seconds')
        .map(({ label }) => label)
        .slice(0, 3),
    ).toEqual(['read p50', 'read p95', 'read p99']);
    expect(partsOf(chartOfMetric('rpc_seconds', series, describeMetric), 'mean')).toHaveLength(3);
  });

  it('write their unit', () => {
    const format = (name: string) => formatOf(chartOfMetric(name, series, describeMetric), 'p95');
    expect(format('link_bytes_total')(1_230_000)).toBe('1.23 MB/s');
    expect(format('rpc_seconds')(0.042)).toBe('42 ms');
    expect(format('storage_used_ratio')(0.83)).toBe('83 %');
  });
});

describe('the search for series', () => {
  const found = (text: string) => searchSeries(series, text, describeMetric).map(({ name }) => name);
  it('looks into names, labels and descriptions, every word', () => {
    expect(found('PING')).toEqual(['rpc_seconds']);
    expect(found('call device')).toEqual(['rpc_seconds']);
    expect(found('nothing of this')).toEqual([]);
    expect(found('')).toHaveLength(12);
  });
});
