export * from './certificates.ts';
export * from './ids.ts';
export * from './keeper.ts';
export * from './recoveryKey.ts';
export * from './roomLink.ts';
export type * from './types.ts';
