export * from './advise.ts';
export { defaultObjectives, type Objective } from './levels.ts';
export type * from './types.ts';
