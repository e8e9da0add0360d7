export * from './health.ts';
export * from './series.ts';
export * from './telemetry.ts';
