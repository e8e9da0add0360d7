import type { MetricDescription } from './types.ts';

type Unit = MetricDescription['unit'];

export const counter = (
  help: string,
  labels: readonly string[] = [],
  unit: Unit = 'count',
): MetricDescription => ({
  kind: 'counter',
  help,
  unit,
  labels,
});

export const gauge = (
  help: string,
  unit: Unit = 'count',
  labels: readonly string[] = [],
): MetricDescription => ({
  kind: 'gauge',
  help,
  unit,
  labels,
});

export const duration = (help: string, labels: readonly string[] = []): MetricDescription => ({
  kind: 'histogram',
  help,
  unit: 'seconds',
  labels,
});
