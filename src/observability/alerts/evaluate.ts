import type { SignalReader } from '../analytics/types.ts';
import type { HealthReport } from '../health/types.ts';
import { createBaselines } from './anomaly.ts';
import { judge, type Signals, type Verdict } from './conditions.ts';
import { createSeriesFinder } from './selector.ts';
import { worseOf } from './severity.ts';
import type { AlertRule, AlertState, AlertView, Silence } from './types.ts';

export const alertLimits = {
  /** Alerts that are kept; of one rule; and for how long resolved ones are. */
  alerts: 500,
  perRule: 20,
  resolvedKeptMs: 86_400_000,
  /** A longer time between two evaluations is a sleep, or a clock that was set. */
  gapMs: 90_000,
  /** What happens so soon after a start or a sleep is not counted against the service. */
  settleMs: 60_000,
  sleepsKept: 32,
  /** Outages that were told and are over; failures so long before they were found belong to them. */
  incidentsKept: 64,
  incidentLeadMs: 3_600_000,
  incidentKeptMs: 3 * 86_400_000,
  /** A firing alert of which nothing is measured any more ends after so long. */
  staleMs: 1_800_000,
  /** An alert that comes back this often within this time has to stay away for longer each time, up to a limit. */
  flaps: 2,
  flapWindowMs: 7_200_000,
  maxResolveMs: 3_600_000,
} as const;

/** An alert and what its next step depends on. */
export type Tracked = {
  readonly view: AlertView;
  /** When its condition was last seen to hold. */
  readonly heldAt: number;
  readonly clearSince: number | undefined;
  /** When it fired, the last few times. */
  readonly firings: readonly number[];
  /** As it was resolved before it came back: what it is again if that comes to nothing. */
  readonly earlier: AlertView | undefined;
};

export type AlertsState = {
  readonly tracked: ReadonlyMap<string, Tracked>;
  readonly evaluatedAt: number | undefined;
  readonly awakeSince: number;
  /** See `Signals`. */
  readonly settling: Signals['settling'];
  readonly incidents: Signals['incidents'];
  /** Alerts there was no room for at the last evaluation. */
  readonly untracked: number;
};

export const noAlerts: AlertsState = {
  tracked: new Map(),
  evaluatedAt: undefined,
  awakeSince: 0,
  settling: [],
  incidents: [],
  untracked: 0,
};

export type AlertChange = {
  readonly alert: AlertView;
  readonly from: AlertState | undefined;
  /** `undefined`: it was pending and came to nothing, or was resolved long ago. */
  readonly to: AlertState | undefined;
};

/** Saves work from one evaluation to the next; with a new one each the results are the same. */
export type EvaluationMemory = Pick<Signals, 'finder' | 'baselines'>;
export const createEvaluationMemory = (): EvaluationMemory => ({
  finder: createSeriesFinder(),
  baselines: createBaselines(),
});

/**
 * One evaluation of all rules. Pure: doesn't know who is told nor when the next one is. A gap since the last one (sleep, a
 * closed tab, a clock that was set forward or back) fires nothing and resolves nothing by itself: what has to hold for a while
 * has to hold for it again, seen.
 */
export const evaluate = (
  state: AlertsState,
  rules: readonly AlertRule[],
  reader: SignalReader,
  health: HealthReport | undefined,
  silences: readonly Silence[],
  time: number,
  memory: EvaluationMemory = createEvaluationMemory(),
): readonly [AlertsState, readonly AlertChange[]] => {
  const awake = wakeUp(state, time);
  const now = awake.evaluatedAt ?? time;
  const restarted = awake.awakeSince === now;
  const judged = new Map<string, readonly [AlertRule, Verdict]>();
  for (const rule of rules) {
    if (!rule.enabled) continue;
    for (const verdict of judge(rule, { reader, health, ...memory, ...awake, now }))
      judged.set(idOf(rule, verdict.series), [rule, verdict]);
  }
  const next = new Map<string, Tracked>();
  const keep = (tracked: Tracked | undefined) => void (tracked && next.set(tracked.view.id, tracked));
  for (const [id, known] of state.tracked) {
    const before = restarted ? restart(known, now) : known;
    const rule = rules.find((each) => each.id === known.view.rule);
    const [, verdict] = judged.get(id) ?? [];
    if (!rule?.enabled) keep(resolve(before, now, 'the rule is switched off'));
    else keep(step(before, rule, verdict ?? { ...notMeasured, series: known.view.series }, now));
  }
  const untracked = admit(judged, next, now);
  const tracked = withSilences(next, silences, now);
  const changes = changesBetween(state.tracked, tracked);
  return [{ ...awake, incidents: incidentsAfter(awake, changes, now), tracked, untracked }, changes];
};

const incidentsAfter = (
  { incidents }: AlertsState,
  changes: readonly AlertChange[],
  now: number,
): AlertsState['incidents'] => {
  const ended = changes.flatMap(({ alert: { rule, severity, firedAt = now }, to }) =>
    to === 'resolved' && severity === 'page'
      ? [{ rule, from: firedAt - alertLimits.incidentLeadMs, to: now }]
      : [],
  );
  const isRecent = (incident: { readonly to: number }) =>
    incident.to <= now && now - incident.to < alertLimits.incidentKeptMs;
  if (ended.length === 0 && incidents.every(isRecent)) return incidents;
  return [...incidents.filter(isRecent), ...ended].slice(-alertLimits.incidentsKept);
};

/** Begins to track what holds and was not known, as far as there is room; returns how many there was none for. */
const admit = (
  judged: ReadonlyMap<string, readonly [AlertRule, Verdict]>,
  next: Map<string, Tracked>,
  now: number,
): number => {
  const ownByRule = new Map<string, number>();
  for (const { view } of next.values()) ownByRule.set(view.rule, (ownByRule.get(view.rule) ?? 0) + 1);
  let untracked = 0;
  for (const [id, [rule, verdict]] of judged) {
    if (verdict.state !== 'holds' || next.has(id)) continue;
    const own = ownByRule.get(rule.id) ?? 0;
    if (own >= alertLimits.perRule || !makeRoom(next)) {
      untracked++;
      continue;
    }
    ownByRule.set(rule.id, own + 1);
    next.set(id, begin(rule, verdict, now, undefined));
  }
  return untracked;
};

/** What is resolved goes first; what is open never goes for what is new. */
const makeRoom = (next: Map<string, Tracked>): boolean => {
  if (next.size < alertLimits.alerts) return true;
  for (const [id, { view }] of next) if (view.state === 'resolved') return next.delete(id);
  return false;
};

/** Where time stands after what may have been a sleep or a change of the clock. */
const wakeUp = (state: AlertsState, time: number): AlertsState => {
  const { evaluatedAt: last } = state;
  const back = last !== undefined && time < last - alertLimits.gapMs;
  // A correction by less is waited out: time stands still here until it is over.
  const now = last !== undefined && !back ? Math.max(time, last) : time;
  if (last !== undefined && !back && now - last <= alertLimits.gapMs) return { ...state, evaluatedAt: now };
  // It woke at some moment since it was last looked at.
  const from = back ? now : (last ?? now - alertLimits.gapMs);
  const settling = [...upTo(now, state.settling), { from, to: now + alertLimits.settleMs }];
  return {
    ...state,
    evaluatedAt: now,
    awakeSince: now,
    incidents: upTo(now, state.incidents),
    settling: settling.slice(-alertLimits.sleepsKept),
  };
};

/** After a clock was set back there is nothing later, as in what is read. */
const upTo = <Each extends { readonly from: number; readonly to: number }>(
  now: number,
  spans: readonly Each[],
): readonly Each[] =>
  spans.filter(({ from }) => from < now).map((span) => ({ ...span, to: Math.min(span.to, now) }));

/** What has to last begins again; nothing is dated in the future. */
const restart = ({ view, heldAt, clearSince, firings, earlier }: Tracked, now: number): Tracked => ({
  view: {
    ...view,
    startedAt: view.state === 'pending' ? now : Math.min(view.startedAt, now),
    firedAt: view.firedAt === undefined ? undefined : Math.min(view.firedAt, now),
    resolvedAt: view.resolvedAt === undefined ? undefined : Math.min(view.resolvedAt, now),
  },
  heldAt: view.state === 'resolved' ? Math.min(heldAt, now) : now,
  clearSince: clearSince === undefined ? undefined : now,
  firings: firings.map((at) => Math.min(at, now)),
  earlier,
});

const notMeasured = { state: 'unknown', severity: 'info', message: 'nothing is measured any more' } as const;

/** One alert by one verdict. Undefined: nothing is left to keep. */
const step = (before: Tracked, rule: AlertRule, verdict: Verdict, now: number): Tracked | undefined => {
  const { state } = before.view;
  if (state === 'resolved') {
    if (verdict.state === 'holds') return begin(rule, verdict, now, before);
    return now - (before.view.resolvedAt ?? now) > alertLimits.resolvedKeptMs ? undefined : before;
  }
  if (verdict.state === 'holds') return hold(before, rule, verdict, now);
  if (state === 'pending') {
    const over = verdict.state === 'clear' || now - before.heldAt > rule.resolveAfterMs;
    return over ? comeToNothing(before) : before;
  }
  if (verdict.state === 'unknown') {
    const stale = now - before.heldAt >= Math.max(alertLimits.staleMs, rule.resolveAfterMs);
    return stale ? resolve(before, now, notMeasured.message) : before;
  }
  const clearSince = before.clearSince ?? now;
  if (now - clearSince < resolveAfter(before, rule, now)) return { ...before, clearSince };
  return resolve(before, now, verdict.message);
};

const begin = (rule: AlertRule, verdict: Verdict, now: number, earlier: Tracked | undefined): Tracked => {
  const view: AlertView = {
    id: idOf(rule, verdict.series),
    rule: rule.id,
    title: rule.title,
    severity: verdict.severity,
    group: rule.group,
    state: 'pending',
    startedAt: now,
    firedAt: undefined,
    resolvedAt: undefined,
    message: verdict.message,
    advice: rule.advice,
    runbook: rule.runbook,
    series: verdict.series,
    silencedUntil: undefined,
    seen: false,
  };
  const tracked = {
    view,
    heldAt: now,
    clearSince: undefined,
    firings: earlier?.firings ?? [],
    earlier: earlier?.view,
  };
  return hold(tracked, rule, verdict, now);
};

/** While it fires it doesn't get better, only worse: else each change of the reason would be news. */
const hold = (before: Tracked, rule: AlertRule, verdict: Verdict, now: number): Tracked => {
  const { view } = before;
  const fires = view.state === 'pending' && now - view.startedAt >= rule.forMs;
  const firing = fires || view.state === 'firing';
  return {
    view: {
      ...view,
      state: firing ? 'firing' : 'pending',
      severity: view.state === 'firing' ? worseOf(view.severity, verdict.severity) : verdict.severity,
      firedAt: fires ? now : view.firedAt,
      message: verdict.message,
    },
    heldAt: now,
    clearSince: undefined,
    earlier: firing ? undefined : before.earlier,
    firings: fires ? [...before.firings, now].slice(-8) : before.firings,
  };
};

const resolve = (before: Tracked, now: number, why: string): Tracked | undefined => {
  const { view } = before;
  if (view.state === 'pending') return comeToNothing(before);
  if (view.state === 'resolved') return before;
  return {
    ...before,
    clearSince: undefined,
    view: { ...view, state: 'resolved', resolvedAt: now, message: why },
  };
};

const comeToNothing = (before: Tracked): Tracked | undefined =>
  before.earlier && { ...before, view: before.earlier, earlier: undefined };

/** Doubled for each time beyond the first ones that it fired lately. */
const resolveAfter = ({ firings }: Tracked, rule: AlertRule, now: number): number => {
  const lately = firings.filter((at) => now - at < alertLimits.flapWindowMs).length;
  const damped = rule.resolveAfterMs * 2 ** Math.max(0, lately - alertLimits.flaps);
  return Math.max(rule.resolveAfterMs, Math.min(damped, alertLimits.maxResolveMs));
};

const idOf = (rule: AlertRule, series: string | undefined): string =>
  series === undefined ? rule.id : `${rule.id}|${series}`;

/** Until when an alert is silenced, of all silences that are on now. */
export const silencedUntil = (
  { rule, group }: Pick<AlertView, 'rule' | 'group'>,
  silences: readonly Silence[],
  now: number,
): number | undefined => {
  const on = silences.filter(
    ({ match, from, until }) =>
      from <= now &&
      now < until &&
      (match === 'all' || ('rule' in match ? match.rule === rule : match.group === group)),
  );
  return on.length === 0 ? undefined : Math.max(...on.map(({ until }) => until));
};

const withSilences = (
  tracked: ReadonlyMap<string, Tracked>,
  silences: readonly Silence[],
  now: number,
): ReadonlyMap<string, Tracked> => {
  const next = new Map<string, Tracked>();
  for (const [id, each] of tracked) {
    const until = silencedUntil(each.view, silences, now);
    const same = until === each.view.silencedUntil;
    next.set(id, same ? each : { ...each, view: { ...each.view, silencedUntil: until } });
  }
  return next;
};

const changesBetween = (
  before: ReadonlyMap<string, Tracked>,
  after: ReadonlyMap<string, Tracked>,
): readonly AlertChange[] => {
  const changes: AlertChange[] = [];
  for (const [id, { view }] of after) {
    const from = before.get(id)?.view.state;
    if (from !== view.state) changes.push({ alert: view, from, to: view.state });
  }
  for (const [id, { view }] of before)
    if (!after.has(id)) changes.push({ alert: view, from: view.state, to: undefined });
  return changes;
};
