import type { Milliseconds } from '../../core/brand.ts';
import type { CheckMachine } from './machine.ts';
import type { CheckSpec, CheckState, CheckView, HealthReport, Incident } from './types.ts';

export type CheckNow = {
  readonly spec: CheckSpec;
  readonly machine: CheckMachine;
  readonly hiddenBy: string | undefined;
  /** Its actions did not help: none is tried before this. */
  readonly givenUpUntil: Milliseconds | undefined;
};

type Times = { readonly now: number; readonly wall: (at: Milliseconds) => number };

/** What a person is shown: pure, from the machines as they stand. */
export const reportOf = (
  checks: readonly CheckNow[],
  ended: readonly Incident[],
  times: Times,
): HealthReport => {
  const views = checks.map((check) => viewOf(check, times));
  const open = checks.flatMap((check) => openIncident(check, times));
  return {
    state: worstOf(views),
    score: scoreOf(checks, views),
    checks: views,
    incidents: [...open, ...ended],
    mttrMs: mttrOf(ended),
    at: times.now,
  };
};

const viewOf = ({ spec, machine, hiddenBy, givenUpUntil }: CheckNow, { wall }: Times): CheckView => ({
  id: spec.id,
  title: spec.title,
  component: spec.component,
  state: hiddenBy === undefined ? machine.shown : 'unknown',
  message: hiddenBy === undefined ? machine.message : 'Something it depends on is not well.',
  value: machine.value,
  since: wall(machine.since),
  checkedAt: wall(machine.checkedAt),
  because: hiddenBy,
  mendable: (spec.recovery?.length ?? 0) > 0,
  recovery: recoveryView({ spec, machine, givenUpUntil }, wall),
});

const recoveryView = (
  { spec, machine, givenUpUntil }: Omit<CheckNow, 'hiddenBy'>,
  wall: Times['wall'],
): CheckView['recovery'] => {
  const { recovery } = machine;
  const title = (action: number) => spec.recovery?.[action]?.title ?? '';
  if (recovery.phase === 'running' || recovery.phase === 'verifying')
    return { phase: recovery.phase, action: title(recovery.action), since: wall(recovery.since) };
  if (machine.shown !== 'bad') return { phase: 'none' };
  if (givenUpUntil !== undefined)
    return { phase: 'given-up', attempts: machine.attempts, until: wall(givenUpUntil) };
  if (recovery.phase === 'cooling')
    return { phase: 'cooling', action: title(recovery.action), until: wall(recovery.until) };
  return { phase: 'none' };
};

const openIncident = ({ spec, machine }: CheckNow, { wall }: Times): readonly Incident[] => {
  if (machine.shown !== 'bad' || !machine.incident) return [];
  const actions = machine.incident.tried.map(({ action, at, helped }) => ({
    id: spec.recovery?.[action]?.id ?? '',
    at: wall(at),
    helped,
  }));
  return [
    {
      check: spec.id,
      startedAt: wall(machine.incident.startedAt),
      endedAt: undefined,
      actions,
      message: machine.message,
    },
  ];
};

const order: readonly CheckState[] = ['bad', 'warn', 'ok'];
const worstOf = (views: readonly CheckView[]): CheckState =>
  order.find((state) => views.some((view) => view.state === state)) ?? 'unknown';

const share: Readonly<Record<Exclude<CheckState, 'unknown'>, number>> = { ok: 1, warn: 0.5, bad: 0 };

const scoreOf = (checks: readonly CheckNow[], views: readonly CheckView[]): number => {
  let total = 0;
  let good = 0;
  for (const [index, { state }] of views.entries()) {
    if (state === 'unknown') continue;
    const weight = checks[index]?.spec.weight ?? 1;
    total += weight;
    good += weight * share[state];
  }
  return total === 0 ? 100 : Math.round((100 * good) / total);
};

const mttrOf = (ended: readonly Incident[]): number | undefined => {
  const times = ended.flatMap(({ startedAt, endedAt }) =>
    endedAt === undefined ? [] : [endedAt - startedAt],
  );
  return times.length === 0 ? undefined : times.reduce((sum, ms) => sum + ms, 0) / times.length;
};

/** A value against its thresholds: the state, in the words of whoever knows the unit. */
export const stateOfValue = (
  value: number,
  { warn, bad, worse }: { readonly warn: number; readonly bad: number; readonly worse: 'above' | 'below' },
): CheckState => {
  if (!Number.isFinite(value)) return 'unknown';
  const beyond = (limit: number) => (worse === 'above' ? value >= limit : value <= limit);
  if (beyond(bad)) return 'bad';
  return beyond(warn) ? 'warn' : 'ok';
};
