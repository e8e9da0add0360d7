import type { LogFields } from '../src/core/ports/telemetry.ts';
import {
  createMetricsRegistry,
  describeMetric,
  type MetricsRegistry,
  prometheusContentType,
  renderPrometheus,
  type Sketch,
  serverMetricDescriptions,
} from '../src/observability/index.ts';

export type ServerMetricName = keyof typeof serverMetricDescriptions;

/** What this process counts and measures, in Prometheus text format 0.0.4. Cardinality is bounded by the registry. */
export interface Metrics {
  /** `label`: the value of the one label that the catalogue gives this counter. */
  count(name: ServerMetricName, label?: string, by?: number): void;
  observe(name: ServerMetricName, seconds: number, labels?: LogFields): void;
  /** A gauge that is read when somebody looks. Returns what ends it. */
  gauge(name: ServerMetricName, read: () => number | undefined, labels?: LogFields): () => void;
  /** Called before somebody looks: for what is not told by itself. Returns what ends it. */
  onLook(update: () => void): () => void;
  /** For what has metrics of its own in the catalogue. */
  readonly registry: Pick<MetricsRegistry, 'count' | 'observe' | 'gauge' | 'value'>;
  render(): string;
  readonly contentType: string;
}

/**
 * Quantiles are those of the last 5 to 10 minutes, as with Prometheus' own clients: over days one bad minute would vanish among
 * the good ones. Sums and counts are since the start.
 */
const windowMs = 5 * 60_000;

export const createMetrics = (now: () => number = () => performance.now()): Metrics => {
  const total = createMetricsRegistry();
  const updates = new Set<() => void>();
  const recent = createRecent(now);
  // What has not happened yet is 0, and not nothing: a rate needs a first sample.
  for (const [name, { kind, labels }] of Object.entries(serverMetricDescriptions))
    if (kind === 'counter' && labels.length === 0) total.count(name, 0);

  const observe = (name: string, value: number, labels?: LogFields) => {
    total.observe(name, value, labels);
    recent.observe(name, value, labels);
  };
  // It counts itself, from the first look on.
  total.gauge('telemetry_series', 0);
  return {
    count(name, label = '', by = 1) {
      const key = serverMetricDescriptions[name].labels[0];
      if (key === undefined || label === '') total.count(name, by);
      else total.count(name, by, { [key]: label });
    },
    observe,
    gauge: (name, read, labels) => total.watch(name, read, labels),
    onLook(update) {
      updates.add(update);
      return () => void updates.delete(update);
    },
    registry: { count: total.count, observe, gauge: total.gauge, value: total.value },
    render() {
      for (const update of updates) update();
      for (const [reason, dropped] of Object.entries(total.dropped()))
        total.count('telemetry_dropped_total', dropped - total.value('telemetry_dropped_total', { reason }), {
          reason,
        });
      total.gauge('telemetry_series', total.snapshot().length);
      return renderPrometheus(total.snapshot(), describeMetric, recent.sketches());
    },
    contentType: prometheusContentType,
  };
};

/** The samples of this window and of the one before. */
const createRecent = (now: () => number) => {
  let current = createMetricsRegistry();
  let previous = createMetricsRegistry();
  let endsAt = now() + windowMs;
  const turn = () => {
    const at = now();
    if (at < endsAt) return;
    previous = at < endsAt + windowMs ? current : createMetricsRegistry();
    current = createMetricsRegistry();
    endsAt = at + windowMs;
  };
  return {
    observe(name: string, value: number, labels: LogFields | undefined) {
      turn();
      current.observe(name, value, labels);
    },
    sketches(): ReadonlyMap<string, Sketch> {
      turn();
      const byKey = new Map<string, Sketch>();
      for (const series of [...previous.snapshot(), ...current.snapshot()]) {
        if (series.kind !== 'histogram') continue;
        const before = byKey.get(series.key);
        if (before) before.merge(series.sketch);
        else byKey.set(series.key, series.sketch.copy());
      }
      return byKey;
    },
  };
};
