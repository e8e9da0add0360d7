import type { HealthReport } from '../../health/types.ts';
import type { Signals } from '../signals.ts';
import type { Recommendation } from '../types.ts';

/** Concludes something from what was measured, or nothing: below its minimum of evidence it is silent. */
export type Rule = (signals: Signals, health: HealthReport | undefined) => readonly Recommendation[];

export const hour = 3_600_000;
/** What most rules look at. */
export const recent = 6 * hour;
export const inRecent = 'in the last 6 hours';
export const inHour = 'in the last hour';

/** A quarter at the minimum of what a rule needs, all of it at four times as much. */
export const confidenceOf = (found: number, needed: number): number => Math.min(1, found / (4 * needed));
