export * from './health.ts';
export * from './journal.ts';
export * from './logs/index.ts';
export * from './metrics/index.ts';
export * from './series.ts';
export * from './statistics/index.ts';
export * from './telemetry.ts';
export * from './traces/index.ts';
