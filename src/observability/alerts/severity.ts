import type { Severity } from './types.ts';

const rank: Readonly<Record<Severity, number>> = { page: 2, ticket: 1, info: 0 };

export const isWorse = (a: Severity, b: Severity): boolean => rank[a] > rank[b];
export const worseOf = (a: Severity, b: Severity): Severity => (isWorse(a, b) ? a : b);
export const worstOf = (severities: readonly Severity[]): Severity =>
  severities.reduce<Severity>(worseOf, 'info');
