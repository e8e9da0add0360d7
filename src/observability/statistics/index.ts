export * from './deviation.ts';
export * from './ewma.ts';
export * from './forecast.ts';
export * from './lttb.ts';
export * from './quantiles.ts';
export * from './seasonal.ts';
export * from './trend.ts';
export type * from './types.ts';
