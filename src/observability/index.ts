export * from './alerts/index.ts';
export * from './health.ts';
export * from './metrics/index.ts';
export * from './series.ts';
export * from './statistics/index.ts';
export * from './telemetry.ts';
