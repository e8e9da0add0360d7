export * from './advice/advise.ts';
export type * from './advice/types.ts';
export * from './alerts/conditions.ts';
export * from './alerts/evaluate.ts';
export * from './alerts/formats.ts';
export * from './alerts/manager.ts';
export * from './alerts/notices.ts';
export * from './alerts/outbox.ts';
export * from './alerts/relay.ts';
export * from './alerts/rules.ts';
export type * from './alerts/types.ts';
export * from './analytics/analytics.ts';
export {
  checkRow,
  type FileContent,
  type FileHead,
  type FileRow,
  fileHead,
  formatName,
  headSchema,
  lostOf,
} from './analytics/files/content.ts';
export type { Gzip, SqliteCodec } from './analytics/files/files.ts';
export { defaultRetention } from './analytics/retention.ts';
export type * from './analytics/types.ts';
export * from './health/emptyReport.ts';
export { createIncidentBook, parseIncident } from './health/incidents.ts';
export * from './health/machine.ts';
export * from './health/monitor.ts';
export * from './health/report.ts';
export type * from './health/types.ts';
export * from './journal.ts';
export * from './logs/flood.ts';
export * from './logs/logBook.ts';
export { matches, parseLogEntry, toJsonLines } from './logs/query.ts';
export type * from './logs/types.ts';
export * from './metrics/catalogue.ts';
export * from './metrics/prometheus.ts';
export * from './metrics/registry.ts';
export { serverMetricDescriptions } from './metrics/serverCatalogue.ts';
export * from './metrics/sketch.ts';
export type * from './metrics/types.ts';
export * from './telemetry.ts';
export * from './traces/exporter.ts';
export * from './traces/otlp.ts';
export * from './traces/otlpJson.ts';
export * from './traces/records.ts';
export * from './traces/ring.ts';
export * from './traces/summaries.ts';
export * from './traces/traceparent.ts';
export * from './traces/tracer.ts';
export type * from './traces/types.ts';
export * from './traces/waterfall.ts';
