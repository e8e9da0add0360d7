export * from './flood.ts';
export * from './logBook.ts';
export { matches, parseLogEntry, toJsonLines } from './query.ts';
export type * from './types.ts';
