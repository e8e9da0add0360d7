import { describe, expect, it } from 'vitest';
import { ok } from '../../core/result.ts';
import { type Bucket, createSketch, type SeriesRange } from '../../observability/index.ts';
import { chartOf } from './charts.ts';

const bucket = (at: number, values: readonly number[]): Bucket => {
  const sketch = createSketch();
  for (const value of values) sketch.add(value);
  return {
    at,
    count: values.length,
    sum: values.reduce((total, value) => total + value, 0),
    min: Math.min(...values),
    max: Math.max(...values),
    last: values.at(-1) ?? 0,
    sketch,
  };
};
const chart = (ranges: readonly SeriesRange[], show: 'rate' | 'p95' | 'value' | 'mean', to = 40_000) =>
  chartOf(
    {
      query: async ({ key }) => {
        const range = ranges.find((one) => one.key === key);
        return range ? ok(range) : ok({ key, kind: 'gauge', stepMs: 1, buckets: [] });
      },
    },
    { keys: ranges.map(({ key }) => key), show, from: 0, to, maxPoints: 100 },
  );

describe('a chart', () => {
  it('draws counters per second and leaves a gap where nothing was measured', async () => {
    const series: SeriesRange = {
      key: 'jobs_total',
      kind: 'counter',
      stepMs: 10_000,
      buckets: [bucket(0, [20]), bucket(30_000, [5])],
    };
    const drawn = await chart([series], 'rate');
    expect(drawn.ok && drawn.value.time).toEqual([0, 30]);
    expect(drawn.ok && drawn.value.lines[0]?.values).toEqual([2, 0.5]);
  });

  it('puts what was kept finer into the coarsest step of all lines', async () => {
    const fine: SeriesRange = {
      key: 'fine',
      kind: 'gauge',
      stepMs: 10_000,
      buckets: [bucket(0, [1]), bucket(10_000, [3])],
    };
    const coarse: SeriesRange = {
      key: 'coarse',
      kind: 'gauge',
      stepMs: 20_000,
      buckets: [bucket(20_000, [9])],
    };
    const drawn = await chart([fine, coarse], 'mean');
    expect(drawn.ok && drawn.value.lines.map(({ values }) => values)).toEqual([
      [2, null],
      [null, 9],
    ]);
  });

  it('draws a quantile of all samples of a step, not a mean of quantiles', async () => {
    const latency: SeriesRange = {
      key: 'rpc_seconds',
      kind: 'histogram',
      stepMs: 20_000,
      buckets: [
        bucket(
          0,
          Array.from({ length: 100 }, (_, index) => index + 1),
        ),
      ],
    };
    const drawn = await chart([latency], 'p95', 20_000);
    const [value] = (drawn.ok && drawn.value.lines[0]?.values) || [];
    expect(value).toBeGreaterThan(94);
    expect(value).toBeLessThan(96.5);
  });
});
