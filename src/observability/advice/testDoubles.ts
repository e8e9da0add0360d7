import type { SignalReader } from '../analytics/types.ts';
import type { HealthReport } from '../health/types.ts';
import type { LogEntry } from '../logs/types.ts';
import { seriesKey } from '../metrics/labels.ts';
import { createSketch } from '../metrics/sketch.ts';
import type { Labels } from '../metrics/types.ts';

type Event = { readonly at: number; readonly value: number; readonly samples: readonly number[] };

/** What a test says was measured, each at an instant. */
export interface Recording extends SignalReader {
  count(name: string, by: number, labels?: Labels, at?: number): Recording;
  observe(name: string, samples: readonly number[], labels?: Labels, at?: number): Recording;
  gauge(name: string, points: readonly { readonly at: number; readonly value: number }[]): Recording;
}

export const createRecording = (now: number): Recording => {
  const eventsByKey = new Map<string, Event[]>();
  const add = (name: string, labels: Labels, event: Event) => {
    const key = seriesKey(name, labels);
    eventsByKey.set(key, [...(eventsByKey.get(key) ?? []), event]);
    return recording;
  };
  const within = (key: string, from: number, to: number) =>
    (eventsByKey.get(key) ?? []).filter(({ at }) => at >= from && at < to);
  const recording: Recording = {
    count: (name, by, labels = {}, at = now - 1) => add(name, labels, { at, value: by, samples: [] }),
    observe: (name, samples, labels = {}, at = now - 1) =>
      add(name, labels, { at, value: samples.length, samples }),
    gauge(name, points) {
      for (const { at, value } of points) add(name, {}, { at, value, samples: [] });
      return recording;
    },
    keys: (name) => [...eventsByKey.keys()].filter((key) => key === name || key.startsWith(`${name}{`)),
    latest: (key) => eventsByKey.get(key)?.at(-1),
    increase: (key, from, to) => within(key, from, to).reduce((sum, { value }) => sum + value, 0),
    values: within,
    distribution(key, from, to) {
      const samples = within(key, from, to).flatMap((event) => event.samples);
      if (samples.length === 0) return undefined;
      const sketch = createSketch();
      for (const sample of samples) sketch.add(sample);
      return sketch;
    },
  };
  return recording;
};

export const reportWith = (incidents: HealthReport['incidents'], at: number): HealthReport => ({
  state: 'ok',
  score: 100,
  checks: [],
  incidents,
  mttrMs: undefined,
  at,
});

export const entry = (sequence: number, change: Partial<LogEntry>): LogEntry => ({
  sequence,
  at: sequence,
  level: 'error',
  component: 'mesh',
  message: 'something failed',
  fields: {},
  traceId: undefined,
  spanId: undefined,
  ...change,
});
