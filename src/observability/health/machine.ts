import { type Milliseconds, milliseconds } from '../../core/brand.ts';
import { type Breaker, breakerAfterFailure, breakerAt, closedBreaker } from '../../resilience/index.ts';
import type { CheckReading, CheckState } from './types.ts';

/**
 * One check over time, pure. What is shown changes only after several readings in a row (hysteresis); what is shown as bad, and
 * has something that could mend it, is mended: one action, then a look whether it helped, then a pause before the next.
 * Actions that do not help open a breaker, so that a thing that can't be mended is not restarted for ever.
 */
export type CheckMachine = {
  readonly shown: CheckState;
  readonly message: string;
  readonly value: number | undefined;
  readonly since: Milliseconds;
  readonly checkedAt: Milliseconds;
  /** Readings in a row that say something else than what is shown: worse, or better. */
  readonly streak: { readonly towards: 'worse' | 'better'; readonly length: number };
  readonly recovery: RecoveryPhase;
  readonly breaker: Breaker;
  /** Actions tried since it was last well: the next one is the next of its list, then the first again. */
  readonly attempts: number;
  /** From the first bad reading; `told` once it was shown: a single bad reading is none. */
  readonly incident:
    | { readonly startedAt: Milliseconds; readonly told: boolean; readonly tried: readonly Tried[] }
    | undefined;
};

export type Tried = { readonly action: number; readonly at: Milliseconds; readonly helped: boolean };
export type RecoveryPhase =
  | { readonly phase: 'none' }
  | { readonly phase: 'running'; readonly action: number; readonly since: Milliseconds }
  /** Done: the readings after `from` say whether it helped, by `until` at the latest. */
  | {
      readonly phase: 'verifying';
      readonly action: number;
      readonly since: Milliseconds;
      readonly until: Milliseconds;
    }
  | { readonly phase: 'cooling'; readonly action: number; readonly until: Milliseconds };

export type CheckRules = {
  readonly worsensAfter: number;
  readonly recoversAfter: number;
  readonly actions: number;
  /** How long after an action a check may take to be well again. */
  readonly verifyWithinMs: number;
  readonly coolDownMs: number;
};

export type CheckEvent =
  | { readonly t: 'reading'; readonly reading: CheckReading }
  /** A dependency is bad: what is read says nothing about this one, and nothing is done. */
  | { readonly t: 'hidden' }
  | { readonly t: 'acted'; readonly ok: boolean }
  /** A person asked for it: no breaker and no pause. */
  | { readonly t: 'asked' };
export type CheckEffect =
  | { readonly t: 'act'; readonly action: number }
  | {
      readonly t: 'ended';
      readonly startedAt: Milliseconds;
      readonly tried: readonly Tried[];
      readonly message: string;
    };

/** Three actions without effect in a row, then a quarter of an hour, then twice as long, up to four hours. */
export const recoveryBreaker = {
  threshold: 3,
  openFor: milliseconds(15 * 60_000),
  maxOpenFor: milliseconds(4 * 3_600_000),
};

export const newCheck = (now: Milliseconds): CheckMachine => ({
  shown: 'unknown',
  message: 'Not looked at yet.',
  value: undefined,
  since: now,
  checkedAt: now,
  streak: { towards: 'better', length: 0 },
  recovery: { phase: 'none' },
  breaker: closedBreaker,
  attempts: 0,
  incident: undefined,
});

export const stepCheck = (
  check: CheckMachine,
  event: CheckEvent,
  rules: CheckRules,
  now: Milliseconds,
): readonly [CheckMachine, readonly CheckEffect[]] => {
  switch (event.t) {
    case 'reading':
      return judge(read(check, event.reading, rules, now), rules, now);
    case 'hidden':
      return [{ ...check, streak: { towards: 'better', length: 0 } }, []];
    case 'acted':
      return judge(acted(check, event.ok, rules, now), rules, now);
    case 'asked':
      return check.recovery.phase === 'running' || rules.actions === 0 ? [check, []] : act(check, rules, now);
    default:
      return event satisfies never;
  }
};

const gravity: Readonly<Record<CheckState, number>> = { ok: 0, unknown: 1, warn: 2, bad: 3 };

const read = (
  check: CheckMachine,
  { state, message, value }: CheckReading,
  rules: CheckRules,
  now: Milliseconds,
): CheckMachine => {
  const base = { ...check, value, checkedAt: now, incident: incidentAfter(check, state, now) };
  if (state === check.shown) return { ...base, message, streak: { towards: 'better', length: 0 } };
  const towards = gravity[state] > gravity[check.shown] ? 'worse' : 'better';
  const length = check.streak.towards === towards ? check.streak.length + 1 : 1;
  const first = check.shown === 'unknown' && state !== 'bad';
  const needed = first ? 1 : towards === 'worse' ? rules.worsensAfter : rules.recoversAfter;
  const streak = { towards, length } as const;
  if (length < needed) return { ...base, streak };
  const incident = base.incident && { ...base.incident, told: base.incident.told || state === 'bad' };
  return { ...base, shown: state, message, since: now, incident, streak: { towards: 'better', length: 0 } };
};

/** A bad reading begins one; it lasts while it is shown, or while nobody can say. */
const incidentAfter = (
  check: CheckMachine,
  state: CheckState,
  now: Milliseconds,
): CheckMachine['incident'] => {
  if (state === 'bad') return check.incident ?? { startedAt: now, told: false, tried: [] };
  return check.shown === 'bad' || check.shown === 'unknown' ? check.incident : undefined;
};

const acted = (check: CheckMachine, ok: boolean, rules: CheckRules, now: Milliseconds): CheckMachine => {
  if (check.recovery.phase !== 'running') return check;
  const { action } = check.recovery;
  if (!ok) return failed(check, action, rules, now);
  const until = milliseconds(now + rules.verifyWithinMs);
  return { ...check, recovery: { phase: 'verifying', action, since: now, until } };
};

/** What follows from where it stands now: the end of an incident, the end of waiting, or the next action. */
const judge = (
  check: CheckMachine,
  rules: CheckRules,
  now: Milliseconds,
): readonly [CheckMachine, readonly CheckEffect[]] => {
  if (check.shown !== 'bad') return ended(check);
  const { recovery } = check;
  if (recovery.phase === 'running') return [check, []];
  if (recovery.phase === 'verifying') {
    if (now < recovery.until) return [check, []];
    return judge(failed(check, recovery.action, rules, now), rules, now);
  }
  if (recovery.phase === 'cooling' && now < recovery.until) return [check, []];
  if (rules.actions === 0 || breakerAt(check.breaker, now).phase === 'open') return [check, []];
  return act(check, rules, now);
};

const act = (
  check: CheckMachine,
  rules: CheckRules,
  now: Milliseconds,
): readonly [CheckMachine, readonly CheckEffect[]] => {
  const action = check.attempts % rules.actions;
  const recovery = { phase: 'running', action, since: now } as const;
  return [{ ...check, attempts: check.attempts + 1, recovery }, [{ t: 'act', action }]];
};

const failed = (check: CheckMachine, action: number, rules: CheckRules, now: Milliseconds): CheckMachine => ({
  ...check,
  breaker: breakerAfterFailure(check.breaker, now, recoveryBreaker),
  recovery: { phase: 'cooling', action, until: milliseconds(now + rules.coolDownMs) },
  incident: check.incident && {
    ...check.incident,
    tried: [...check.incident.tried, { action, at: now, helped: false }],
  },
});

const ended = (check: CheckMachine): readonly [CheckMachine, readonly CheckEffect[]] => {
  const { incident, recovery } = check;
  // Whoever does not answer is not well yet.
  if (check.shown === 'unknown') return [check, []];
  const helped = recovery.phase === 'verifying';
  const well: CheckMachine = {
    ...check,
    recovery: recovery.phase === 'running' ? recovery : { phase: 'none' },
    breaker: closedBreaker,
    attempts: 0,
  };
  if (!incident?.told) return [well, []];
  const tried = helped
    ? [...incident.tried, { action: recovery.action, at: recovery.since, helped: true }]
    : incident.tried;
  return [
    { ...well, incident: undefined },
    [{ t: 'ended', startedAt: incident.startedAt, tried, message: check.message }],
  ];
};
