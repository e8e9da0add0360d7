export * from './registry.ts';
export * from './sketch.ts';
export type * from './types.ts';
