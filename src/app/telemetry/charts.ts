import { err, ok, type Result } from '../../core/result.ts';
import type { Analytics, Bucket, SeriesRange } from '../../observability/index.ts';
import type { ChartQuery, ChartRange } from '../telemetryView.ts';

/** Series on one axis of time: the coarsest step among them, so that no line claims more than was kept. */
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
  const stepMs = Math.max(1, ...ranges.map((range) => range.stepMs));
  const start = Math.floor(from / stepMs);
  const steps = Math.max(0, Math.ceil(to / stepMs) - start);
  const time = Array.from({ length: steps }, (_, index) => ((start + index) * stepMs) / 1_000);
  const lines = ranges.map((range) => {
    const values: (number | null)[] = new Array(steps).fill(null);
    for (const [index, bucket] of byStep(range.buckets, stepMs, start)) {
      if (index >= 0 && index < steps) values[index] = drawnValue(bucket, show, range.kind, stepMs);
    }
    return { key: range.key, label: range.key, values };
  });
  return ok({ time, lines, stepMs });
};

/** Buckets of a finer step put together. */
const byStep = (buckets: readonly Bucket[], stepMs: number, start: number): ReadonlyMap<number, Bucket> => {
  const merged = new Map<number, Bucket>();
  for (const bucket of buckets) {
    const index = Math.floor(bucket.at / stepMs) - start;
    const other = merged.get(index);
    merged.set(index, other ? together(other, bucket) : bucket);
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
