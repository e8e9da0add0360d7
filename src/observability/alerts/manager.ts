import { milliseconds } from '../../core/brand.ts';
import { toHex } from '../../core/bytes.ts';
import { createStore, type Store } from '../../core/events.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { Locks } from '../../core/ports/locks.ts';
import type { Random } from '../../core/ports/random.ts';
import type { Telemetry } from '../../core/ports/telemetry.ts';
import type { Timers } from '../../core/ports/timers.ts';
import { err, ok, type Result } from '../../core/result.ts';
import type { KeyValueStore } from '../../storage/port.ts';
import type { SignalReader } from '../analytics/types.ts';
import type { HealthReport } from '../health/types.ts';
import { type AlertChange, createEvaluationMemory, evaluate } from './evaluate.ts';
import { createKeeping } from './keeping.ts';
import { asFoundHere, defaultNoticePolicy, type NoticePolicy, notify } from './notices.ts';
import {
  type Channel,
  createOutbox,
  defaultOutboxOptions,
  type Outbox,
  type OutboxOptions,
  type OutboxState,
  tryOnce,
} from './outbox.ts';
import { type AlertRecord, type AlertSettings, noRecord, noSettings } from './record.ts';
import { applyChanges, checkChange, type RuleChange, type RuleFault } from './ruleChanges.ts';
import { defaultRules } from './rules.ts';
import { addSilence, type SilenceFault } from './silences.ts';
import type { AlertRule, AlertView, Notification, Silence } from './types.ts';

export type AlertManagerDeps = {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Pick<Random, 'bytes'>;
  readonly locks: Locks;
  readonly reader: SignalReader;
  readonly health: () => HealthReport | undefined;
  /** Whether anything is measured now: else silence would be taken for news. Always, if left out. */
  readonly measures?: () => boolean;
  readonly store: KeyValueStore;
  readonly channels: readonly Channel[];
  readonly telemetry: Telemetry;
};
export type AlertManagerOptions = {
  readonly rules?: readonly AlertRule[];
  readonly everyMs?: number;
  readonly outbox?: OutboxOptions;
  readonly notices?: Omit<NoticePolicy, 'origin'>;
  /** A random name of this browser, the same after a reload. */
  readonly origin: string;
};

/** How telling goes, for the person to see. */
export type AlertDelivery = {
  /** This tab tells; else another one of this browser does. */
  readonly tells: boolean;
  readonly channels: readonly OutboxState[];
  /** Alerts there was no room for. */
  readonly untracked: number;
  /** Why nothing is kept over a reload. */
  readonly problem: string | undefined;
};

export interface AlertManager {
  /** Firing first, then pending, then resolved; newest first. */
  readonly alerts: Store<readonly AlertView[]>;
  readonly rules: Store<readonly AlertRule[]>;
  readonly silences: Store<readonly Silence[]>;
  readonly delivery: Store<AlertDelivery>;
  silence(silence: Omit<Silence, 'id'>): Promise<Result<void, SilenceFault>>;
  endSilence(id: string): Promise<void>;
  markSeen(): void;
  setRule(id: string, change: RuleChange): Promise<Result<void, RuleFault>>;
  /** A test notification through every channel, past limits and queues; says what each answered. */
  testChannels(): Promise<readonly { readonly channel: string; readonly outcome: string }[]>;
  close(): void;
}

/** Two tabs of one browser would tell everything twice. */
const tellingLock = 'aivillage-alerts-tell';

/**
 * Watches: evaluates all rules every ten seconds, keeps what it found, and tells it by channels. Evaluating waits for
 * nothing: neither a disk nor a channel nor another tab. Doesn't know what is measured, nor how a channel tells.
 */
export const createAlertManager = (deps: AlertManagerDeps, options: AlertManagerOptions): AlertManager => {
  const { clock, timers, telemetry } = deps;
  const allRules = options.rules ?? defaultRules;
  const policy: NoticePolicy = { ...(options.notices ?? defaultNoticePolicy), origin: options.origin };
  const outboxOptions = options.outbox ?? defaultOutboxOptions;
  const memory = createEvaluationMemory();
  const keeping = createKeeping(deps, () => refreshDelivery());
  let record: AlertRecord = noRecord;
  let settings: AlertSettings = noSettings;
  let loaded = false;
  let closed = false;
  let releaseLock: (() => void) | undefined;

  const alerts = createStore<readonly AlertView[]>([]);
  const rules = createStore(allRules);
  const silences = createStore<readonly Silence[]>([]);
  const outboxes: readonly Outbox[] = deps.channels.map((channel) =>
    createOutbox(
      {
        clock,
        timers,
        channel,
        onChange: () => {
          keep();
          refreshDelivery();
        },
        onLost: (_notification, reason) => {
          telemetry.count('alerts_not_told_total', 1, { channel: channel.id });
          telemetry.log('warn', 'alerts', 'could not tell an alert', { channel: channel.id, reason });
        },
      },
      outboxOptions,
    ),
  );
  const deliveryNow = (): AlertDelivery => ({
    tells: releaseLock !== undefined,
    channels: outboxes.map((outbox) => outbox.state()),
    untracked: record.state.untracked,
    problem: keeping.problem(),
  });
  const delivery = createStore<AlertDelivery>(deliveryNow());
  function refreshDelivery(): void {
    if (!closed) delivery.set(deliveryNow());
  }

  const keep = () => {
    if (!releaseLock || closed) return;
    const waiting = Object.fromEntries(
      outboxes.map((outbox) => [outbox.state().channel, outbox.waiting()] as const),
    );
    record = { ...record, waiting };
    keeping.write(() => record);
  };

  const tell = (views: readonly AlertView[], now: number): boolean => {
    const [notices, notifications] = notify(record.notices, views, now, policy);
    record = { ...record, notices };
    for (const notification of notifications)
      for (const [index, outbox] of outboxes.entries())
        if (deps.channels[index]?.wants?.(notification) ?? true) outbox.push(notification);
    return notifications.length > 0;
  };

  const tick = () => {
    if (deps.measures?.() === false) return;
    const { state } = record;
    const now = clock.now();
    const [next, changes] = evaluate(
      state,
      rules.get(),
      deps.reader,
      deps.health(),
      settings.silences,
      now,
      memory,
    );
    record = { ...record, state: next };
    const views = inOrder(record);
    const told = releaseLock !== undefined && tell(views, now);
    if (changes.length > 0 || told) keep();
    if (!sameViews(views, alerts.get())) alerts.set(views);
    report(telemetry, changes, views);
    refreshDelivery();
    void becomeTeller();
    void refreshSettings();
  };

  /** What was told before, by whichever tab, isn't told again; what was not told yet is. */
  const becomeTeller = async () => {
    if (releaseLock || !loaded) return;
    const release = await deps.locks.tryAcquire(tellingLock).catch(() => undefined);
    if (!release) return;
    if (closed || releaseLock) return release();
    const before = await keeping.readRecord(record);
    if (closed || releaseLock) return release();
    releaseLock = release;
    record = { ...record, notices: asFoundHere(before.notices, inOrder(record)) };
    for (const outbox of outboxes)
      for (const notification of before.waiting[outbox.state().channel] ?? []) outbox.push(notification);
    refreshDelivery();
  };

  const applySettings = (next: AlertSettings) => {
    settings = next;
    rules.set(applyChanges(allRules, next.changes));
    silences.set(next.silences);
  };
  const refreshSettings = async () => {
    if (!loaded) return;
    const next = await keeping.readSettings(() => settings);
    if (!closed && next !== settings && JSON.stringify(flat(next)) !== JSON.stringify(flat(settings)))
      applySettings(next);
  };
  const change = <Refusal>(
    make: (current: AlertSettings) => Result<AlertSettings, Refusal>,
  ): Promise<Result<void, Refusal>> =>
    keeping.changeSettings(
      () => settings,
      (current) => {
        const made = make(current);
        if (!made.ok) return made;
        if (!closed) applySettings(made.value);
        return made;
      },
    );

  /** What this tab has found before its disk answered stays; an alert of the disk has slept until now. */
  const load = async () => {
    const [kept, set] = await Promise.all([
      keeping.readRecord(noRecord),
      keeping.readSettings(() => settings),
    ]);
    if (closed) return;
    const tracked = new Map([...kept.state.tracked, ...record.state.tracked]);
    record = {
      ...kept,
      state: { ...record.state, incidents: kept.state.incidents, tracked, evaluatedAt: undefined },
    };
    applySettings(set);
    alerts.set(inOrder(record));
    loaded = true;
    await becomeTeller();
  };

  const stop = timers.every(milliseconds(options.everyMs ?? 10_000), tick);
  void load();

  return {
    alerts,
    rules,
    silences,
    delivery,
    silence: (silence) =>
      change((current) => {
        const id = toHex(deps.random.bytes(8));
        const added = addSilence(current.silences, { ...silence, id }, clock.now());
        return added.ok ? ok({ ...current, silences: added.value }) : added;
      }),
    async endSilence(id) {
      await change((current) =>
        ok({ ...current, silences: current.silences.filter((each) => each.id !== id) }),
      );
    },
    markSeen() {
      const tracked = [...record.state.tracked].map(
        ([id, each]) => [id, { ...each, view: { ...each.view, seen: true } }] as const,
      );
      record = { ...record, state: { ...record.state, tracked: new Map(tracked) } };
      alerts.set(inOrder(record));
      keep();
    },
    setRule: (id, wanted) =>
      change<RuleFault>((current) => {
        const checked = checkChange(allRules, id, wanted);
        if (!checked.ok) return err(checked.error);
        return ok({ ...current, changes: new Map([...current.changes, [id, checked.value]]) });
      }),
    testChannels: () =>
      Promise.all(
        deps.channels.map(async (channel) => {
          const stopTest = new AbortController();
          const result = await tryOnce(
            { timers, channel },
            testOf(clock.now()),
            stopTest,
            outboxOptions.timeoutMs,
          );
          return { channel: channel.id, outcome: result.ok ? 'told' : result.error.message };
        }),
      ),
    close() {
      if (closed) return;
      keep();
      closed = true;
      stop();
      for (const outbox of outboxes) outbox.close();
      releaseLock?.();
    },
  };
};

const testOf = (at: number): Notification => ({
  id: `test-${at}`,
  group: 'test',
  kind: 'firing',
  severity: 'info',
  title: 'Test of alerts',
  text: 'Somebody tries whether alerts arrive here. They do; nothing is wrong.',
  alerts: [],
  at,
});

const ranks = { firing: 0, pending: 1, resolved: 2 } as const;
const inOrder = ({ state }: AlertRecord): readonly AlertView[] =>
  [...state.tracked.values()]
    .map(({ view }) => view)
    .sort((a, b) => ranks[a.state] - ranks[b.state] || b.startedAt - a.startedAt);

const sameViews = (a: readonly AlertView[], b: readonly AlertView[]): boolean =>
  a.length === b.length && a.every((view, at) => view === b[at]);

const flat = ({ silences, changes }: AlertSettings) => [silences, [...changes]];

const report = (telemetry: Telemetry, changes: readonly AlertChange[], views: readonly AlertView[]): void => {
  for (const { alert, to } of changes) {
    const { rule, severity, message } = alert;
    if (to === 'firing') telemetry.count('alerts_fired_total', 1, { rule, severity });
    if (to === 'firing' || to === 'resolved')
      telemetry.log(to === 'firing' ? 'warn' : 'info', 'alerts', `${to}: ${alert.title}`, {
        rule,
        severity,
        message,
      });
  }
  telemetry.gauge('alerts_firing', views.filter(({ state }) => state === 'firing').length);
};
