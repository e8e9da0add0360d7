export * from './catalogue.ts';
export * from './prometheus.ts';
export * from './registry.ts';
export * from './sketch.ts';
export type * from './types.ts';
