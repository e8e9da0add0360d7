export * from './catalogue.ts';
export { parseSeriesKey, seriesKey } from './labels.ts';
export * from './prometheus.ts';
export * from './registry.ts';
export { serverMetricDescriptions } from './serverCatalogue.ts';
export * from './sketch.ts';
export type * from './types.ts';
