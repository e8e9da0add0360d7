import type { HealthReport } from './types.ts';

/** Before anything was looked at. */
export const emptyReport: HealthReport = {
  state: 'unknown',
  score: 100,
  checks: [],
  incidents: [],
  mttrMs: undefined,
  at: 0,
};
