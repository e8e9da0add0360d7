export * from './backoff.ts';
export * from './breaker.ts';
