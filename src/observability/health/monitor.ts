import { type Milliseconds, milliseconds } from '../../core/brand.ts';
import { createStore, type Store, type Unsubscribe } from '../../core/events.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { Telemetry } from '../../core/ports/telemetry.ts';
import type { CancelTimer, Timers } from '../../core/ports/timers.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { breakerAt } from '../../resilience/index.ts';
import { createIncidentBook, type IncidentBook } from './incidents.ts';
import {
  type CheckEffect,
  type CheckEvent,
  type CheckMachine,
  type CheckRules,
  newCheck,
  stepCheck,
} from './machine.ts';
import { type CheckNow, reportOf } from './report.ts';
import type { CheckReading, CheckSpec, CheckView, HealthReport, Incident } from './types.ts';

export interface HealthMonitor {
  /** Refused by throwing, as the bug it is: an id that is taken, a dependency that is unknown. */
  registerCheck(spec: CheckSpec): Unsubscribe;
  /** Reads every check now, whatever its pace. */
  runHealthChecks(): Promise<HealthReport>;
  /** Its next action now, asked for by a person: whatever its breaker says. */
  recover(check: string): Promise<Result<void, string>>;
  readonly report: Store<HealthReport>;
  close(): void;
}

export type HealthOptions = {
  readonly everyMs?: number;
  readonly timeoutMs?: number;
  readonly actionTimeoutMs?: number;
  readonly verifyWithinMs?: number;
  readonly coolDownMs?: number;
};

const defaults = {
  everyMs: 5_000,
  timeoutMs: 3_000,
  actionTimeoutMs: 30_000,
  verifyWithinMs: 30_000,
  coolDownMs: 20_000,
};
/** Checks that are registered one after the other are read together. */
const shortestWaitMs = 100;

type Entry = {
  readonly spec: CheckSpec;
  readonly rules: CheckRules;
  machine: CheckMachine;
  /** The one that is under way. */
  reading: Promise<void> | undefined;
  dueAt: number;
  /** Of the action that runs. */
  acting: AbortController | undefined;
};

/**
 * Looks after components: reads their checks, shows what is well, and mends what can be mended, in the order of what
 * depends on what. Knows neither what a check measures nor what an action does. A reading that hangs or throws is `unknown`
 * and holds up no other.
 */
export const createHealthMonitor = (
  deps: {
    readonly clock: Clock;
    readonly timers: Timers;
    readonly telemetry: Telemetry;
    /** Where those that are over are held; without one, as long as the monitor lives. */
    readonly incidents?: IncidentBook;
  },
  options: HealthOptions = {},
): HealthMonitor => {
  const { clock, timers, telemetry } = deps;
  const settings = { ...defaults, ...options };
  const entries = new Map<string, Entry>();
  const incidents = deps.incidents ?? createIncidentBook();
  let closed = false;

  const now = () => clock.monotonic();
  const wall = (at: Milliseconds) => clock.now() - (clock.monotonic() - at);

  const hiddenBy = ({ spec }: Entry): string | undefined =>
    spec.dependsOn?.find((id) => entries.get(id)?.machine.shown === 'bad');

  const take = (entry: Entry, event: CheckEvent): void => {
    const before = entry.machine.shown;
    const [machine, effects] = stepCheck(entry.machine, event, entry.rules, now());
    entry.machine = machine;
    if (machine.shown !== before) tell(entry, before);
    for (const effect of effects) carryOut(entry, effect);
  };

  const tell = ({ spec, machine }: Entry, before: string) => {
    const level = machine.shown === 'bad' ? 'error' : machine.shown === 'warn' ? 'warn' : 'info';
    if (before === 'unknown' && machine.shown === 'ok') return;
    telemetry.log(level, 'health', `${spec.title}: ${machine.message}`, {
      check: spec.id,
      state: machine.shown,
    });
    telemetry.count('health_changes_total', 1, { check: spec.id, state: machine.shown });
  };

  const carryOut = (entry: Entry, effect: CheckEffect): void => {
    if (effect.t === 'act') return void act(entry, effect.action);
    const { spec } = entry;
    const endedAt = clock.now();
    const incident: Incident = {
      check: spec.id,
      startedAt: wall(effect.startedAt),
      endedAt,
      message: effect.message,
      actions: effect.tried.map(({ action, at, helped }) => ({
        id: spec.recovery?.[action]?.id ?? '',
        at: wall(at),
        helped,
      })),
    };
    incidents.add(incident);
    telemetry.observe('health_recovery_seconds', (now() - effect.startedAt) / 1_000, { check: spec.id });
  };

  const act = async (entry: Entry, index: number): Promise<void> => {
    const action = entry.spec.recovery?.[index];
    if (!action) return;
    const abort = new AbortController();
    entry.acting = abort;
    telemetry.log('warn', 'health', `${entry.spec.title}: ${action.title}`, {
      check: entry.spec.id,
      action: action.id,
    });
    const done = await withTimeout(timers, settings.actionTimeoutMs, async () => action.run(abort.signal));
    abort.abort();
    entry.acting = undefined;
    if (closed || entries.get(entry.spec.id) !== entry) return;
    const worked = done.t === 'value' && done.value.ok;
    telemetry.count('health_actions_total', 1, { action: action.id, outcome: worked ? 'done' : 'failed' });
    if (!worked)
      telemetry.log('warn', 'health', `${action.title}: ${whyNot(done)}`, { check: entry.spec.id });
    take(entry, { t: 'acted', ok: worked });
    await read(entry);
    show();
  };

  /** Whoever asks while it is read gets what comes of it: others that depend on it are judged by that. */
  const read = (entry: Entry): Promise<void> => {
    entry.reading ??= readOnce(entry).finally(() => {
      entry.reading = undefined;
    });
    return entry.reading;
  };
  const readOnce = async (entry: Entry): Promise<void> => {
    entry.dueAt = now() + (entry.spec.everyMs ?? settings.everyMs);
    const { title, timeoutMs = settings.timeoutMs } = entry.spec;
    const found = await withTimeout(timers, timeoutMs, async () => entry.spec.measure());
    if (closed || entries.get(entry.spec.id) !== entry) return;
    if (hiddenBy(entry) !== undefined) return take(entry, { t: 'hidden' });
    take(entry, { t: 'reading', reading: readingOf(found, title, timeoutMs) });
  };

  const checksNow = (): readonly CheckNow[] =>
    [...entries.values()].map((entry) => ({
      spec: entry.spec,
      machine: entry.machine,
      hiddenBy: hiddenBy(entry),
      givenUpUntil: openUntil(entry.machine, now()),
    }));

  const show = () => {
    const ended = incidents.ended.get();
    const next = reportOf(checksNow(), ended, { now: clock.now(), wall });
    const look = JSON.stringify(next.checks.map(still));
    if (look === shownAs && ended === shownEnded) return;
    shownAs = look;
    shownEnded = ended;
    report.set(next);
  };
  let shownAs = '';
  let shownEnded = incidents.ended.get();
  const report = createStore<HealthReport>(reportOf([], [], { now: clock.now(), wall }));

  /** Dependencies first: what hides another must be known before it. */
  const readAll = async (due: readonly Entry[]) => {
    for (const rank of byRank(due, entries)) await Promise.all(rank.map(read));
    show();
  };

  const pass = async () => {
    const due = [...entries.values()].filter(({ dueAt }) => dueAt <= now());
    if (due.length > 0) await readAll(due);
    waitForNext();
  };
  let stop: CancelTimer = () => {};
  const waitForNext = () => {
    stop();
    if (closed || entries.size === 0) return;
    const next = Math.min(...[...entries.values()].map(({ dueAt }) => dueAt));
    stop = timers.after(milliseconds(Math.max(shortestWaitMs, next - now())), () => void pass());
  };

  return {
    report,
    registerCheck(spec) {
      if (entries.has(spec.id)) throw new Error(`there is a check ${spec.id} already`);
      const missing = spec.dependsOn?.find((id) => !entries.has(id));
      // What it depends on comes first, so that there can be no circle.
      if (missing !== undefined)
        throw new Error(`${spec.id} depends on ${missing}, which is not registered yet`);
      const entry: Entry = {
        spec,
        machine: newCheck(now()),
        reading: undefined,
        dueAt: 0,
        acting: undefined,
        rules: {
          worsensAfter: spec.worsensAfter ?? 2,
          recoversAfter: spec.recoversAfter ?? 2,
          actions: spec.recovery?.length ?? 0,
          verifyWithinMs: settings.verifyWithinMs,
          coolDownMs: settings.coolDownMs,
        },
      };
      entries.set(spec.id, entry);
      waitForNext();
      return () => {
        if (entries.get(spec.id) !== entry) return;
        entry.acting?.abort();
        entries.delete(spec.id);
        waitForNext();
        show();
      };
    },
    async runHealthChecks() {
      await readAll([...entries.values()]);
      return report.get();
    },
    async recover(id) {
      const entry = entries.get(id);
      if (!entry) return err(`there is no check ${id}`);
      if (entry.rules.actions === 0) return err(`nothing is known that mends “${entry.spec.title}”`);
      if (entry.machine.recovery.phase === 'running') return err('it is being mended already: wait a moment');
      take(entry, { t: 'asked' });
      show();
      return ok(undefined);
    },
    close() {
      closed = true;
      stop();
      for (const { acting } of entries.values()) acting?.abort();
    },
  };
};

type Outcome<T> =
  | { readonly t: 'value'; readonly value: T }
  | { readonly t: 'thrown'; readonly cause: unknown }
  | { readonly t: 'late' };

const withTimeout = <T>(timers: Timers, ms: number, run: () => Promise<T>): Promise<Outcome<T>> =>
  new Promise((resolve) => {
    const cancel: CancelTimer = timers.after(milliseconds(ms), () => resolve({ t: 'late' }));
    run().then(
      (value) => {
        cancel();
        resolve({ t: 'value', value });
      },
      (cause: unknown) => {
        cancel();
        resolve({ t: 'thrown', cause });
      },
    );
  });

const readingOf = (found: Outcome<CheckReading>, title: string, timeoutMs: number): CheckReading => {
  if (found.t === 'value') return found.value;
  const message =
    found.t === 'late'
      ? `${title} did not answer within ${timeoutMs / 1_000} s.`
      : `${title} could not be looked at: ${messageOf(found.cause)}`;
  return { state: 'unknown', message };
};

const whyNot = (done: Outcome<Result<void, { readonly message: string }>>): string => {
  if (done.t === 'late') return 'it took too long';
  if (done.t === 'thrown') return messageOf(done.cause);
  return done.value.ok ? 'done' : done.value.error.message;
};

const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));

const openUntil = ({ breaker }: CheckMachine, now: Milliseconds): Milliseconds | undefined => {
  const at = breakerAt(breaker, now);
  return at.phase === 'open' ? at.until : undefined;
};

/** When it was looked at changes nothing that a person sees; nor do instants that are told in whole seconds. */
const still = ({ state, message, because, recovery, since }: CheckView) => [
  state,
  message,
  because,
  recovery.phase,
  Math.round(since / 1_000),
];

const byRank = (due: readonly Entry[], all: ReadonlyMap<string, Entry>): readonly (readonly Entry[])[] => {
  const rankOf = ({ spec }: Entry): number =>
    1 +
    Math.max(
      -1,
      ...(spec.dependsOn ?? []).map((id) => {
        const other = all.get(id);
        return other ? rankOf(other) : -1;
      }),
    );
  const ranks: Entry[][] = [];
  for (const entry of due) {
    const rank = rankOf(entry);
    ranks[rank] = [...(ranks[rank] ?? []), entry];
  }
  return ranks.filter((rank) => rank !== undefined);
};
