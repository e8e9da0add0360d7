import { err, ok, type Result } from '../../core/result.ts';
import type { Analytics, Bucket, SeriesRange } from '../../observability/index.ts';
import type { ChartQuery, ChartRange } from '../telemetryView.ts';

/** Two samples: a step of fewer would now and then have none. */
const leastStepMs = 10_000;

/**
 * Series on one axis of time: the coarsest step among them, so that no line claims more than was kept. Steps in which nothing was
 * measured of any line are left out.
 */
export const chartOf = async (
  analytics: Pick<Analytics, 'query'>,
  { keys, show, from, to, maxPoints }: ChartQuery,
): Promise<Result<ChartRange, string>> => {
  const ranges: SeriesRange[] = [];
  for (const key of keys) {
    const range = await analytics.query({ key, from, to, maxBuckets: maxPoints });
    if (!range.ok) return err(range.error.message);
    ranges.push(range.value);
  }
  const stepMs = Math.max(leastStepMs, ...ranges.map((range) => range.stepMs));
  const merged = ranges.map((range) => byStep(range.buckets, stepMs));
  const steps = [...new Set(merged.flatMap((buckets) => [...buckets.keys()]))]
    .filter((step) => step * stepMs + stepMs > from && step * stepMs < to)
    .sort((a, b) => a - b);
  const lines = ranges.map(({ key, kind }, line) => ({
    key,
    label: key,
    values: steps.map((step) => {
      const bucket = merged[line]?.get(step);
      return bucket ? drawnValue(bucket, show, kind, stepMs) : null;
    }),
  }));
  return ok({ time: steps.map((step) => (step * stepMs) / 1_000), lines, stepMs });
};

/** Buckets of a finer step put together. */
const byStep = (buckets: readonly Bucket[], stepMs: number): ReadonlyMap<number, Bucket> => {
  const merged = new Map<number, Bucket>();
  for (const bucket of buckets) {
    const step = Math.floor(bucket.at / stepMs);
    const other = merged.get(step);
    merged.set(step, other ? together(other, bucket) : bucket);
  }
  return merged;
};

const together = (earlier: Bucket, later: Bucket): Bucket => {
  const sketch = earlier.sketch?.copy();
  if (sketch && later.sketch) sketch.merge(later.sketch);
  const whole = sketch ?? later.sketch;
  return {
    at: earlier.at,
    count: earlier.count + later.count,
    sum: earlier.sum + later.sum,
    min: Math.min(earlier.min, later.min),
    max: Math.max(earlier.max, later.max),
    last: later.last,
    ...(whole ? { sketch: whole } : {}),
  };
};

const quantiles = { p50: 0.5, p95: 0.95, p99: 0.99 } as const;

const drawnValue = (
  bucket: Bucket,
  show: ChartQuery['show'],
  kind: SeriesRange['kind'],
  stepMs: number,
): number | null => {
  if (kind === 'counter') return bucket.sum / (stepMs / 1_000);
  if (kind === 'gauge') return show === 'mean' ? bucket.sum / bucket.count : bucket.last;
  if (show === 'rate') return bucket.count / (stepMs / 1_000);
  if (show === 'p50' || show === 'p95' || show === 'p99')
    return bucket.sketch?.quantile(quantiles[show]) ?? null;
  return bucket.count === 0 ? null : bucket.sum / bucket.count;
};
