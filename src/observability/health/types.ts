import type { Fault, Result } from '../../core/result.ts';

export type CheckState = 'ok' | 'warn' | 'bad' | 'unknown';

export type CheckReading = {
  readonly state: CheckState;
  /** What was found and, if not ok, what to do. */
  readonly message: string;
  readonly value?: number;
};

/** Thresholds of a measured value; the value at which it warns and at which it is bad, in the unit of the value. */
export type Thresholds = {
  readonly warn: number;
  readonly bad: number;
  readonly worse: 'above' | 'below';
};

export type RecoveryAction = {
  /** `restart-worker`, `rebuild-link`, `drop-cache`, `reconnect`, `degrade-runtime`. */
  readonly id: string;
  readonly title: string;
  /** Resolves when done; the check that is run afterwards says whether it helped. */
  run(signal: AbortSignal): Promise<Result<void, Fault<string>>>;
};

export type CheckSpec = {
  readonly id: string;
  readonly title: string;
  readonly component: string;
  /** Its own result means nothing while one of these is bad: it is `unknown` then, and nothing is done about it. */
  readonly dependsOn?: readonly string[];
  /** Share in the score. Default 1. */
  readonly weight?: number;
  /** Milliseconds between readings, default of the monitor if left out; and after which a reading has failed. */
  readonly everyMs?: number;
  readonly timeoutMs?: number;
  /** Readings in a row that it takes to get worse and to get well. Defaults 2 and 2. */
  readonly worsensAfter?: number;
  readonly recoversAfter?: number;
  readonly recovery?: readonly RecoveryAction[];
  measure(): CheckReading | Promise<CheckReading>;
};

export type CheckView = {
  readonly id: string;
  readonly title: string;
  readonly component: string;
  readonly state: CheckState;
  readonly message: string;
  readonly value: number | undefined;
  readonly since: number;
  readonly checkedAt: number;
  /** The dependency that hides it. */
  readonly because: string | undefined;
  /** Whether something is known that may mend it. */
  readonly mendable: boolean;
  readonly recovery:
    | { readonly phase: 'none' }
    | { readonly phase: 'running' | 'verifying'; readonly action: string; readonly since: number }
    | { readonly phase: 'cooling'; readonly action: string; readonly until: number }
    | { readonly phase: 'given-up'; readonly attempts: number; readonly until: number };
};

export type Incident = {
  readonly check: string;
  readonly startedAt: number;
  readonly endedAt: number | undefined;
  readonly actions: readonly { readonly id: string; readonly at: number; readonly helped: boolean }[];
  readonly message: string;
};

export type HealthReport = {
  readonly state: CheckState;
  /** 0 to 100: the weighted share of what is well (warn counts half, unknown is left out). */
  readonly score: number;
  readonly checks: readonly CheckView[];
  /** Newest first, the last 100. */
  readonly incidents: readonly Incident[];
  /** Mean time to recovery of ended incidents, ms; undefined before the first. */
  readonly mttrMs: number | undefined;
  readonly at: number;
};
