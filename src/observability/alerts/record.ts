import * as v from 'valibot';
import type { KeyValueStore } from '../../storage/port.ts';
import { type AlertsState, alertLimits, noAlerts, type Tracked } from './evaluate.ts';
import { type NoticeState, nothingTold } from './notices.ts';
import { alertSchema, asAlert, asNotification, notificationSchema } from './relay.ts';
import { conditionSchema, type RuleChange } from './ruleChanges.ts';
import { silenceLimits } from './silences.ts';
import type { Notification, Silence } from './types.ts';

/** What outlives a reload. Read back it is as strange as anything from outside: what doesn't fit is left out. */
export type AlertRecord = {
  readonly state: AlertsState;
  readonly notices: NoticeState;
  /** Told to nobody yet, by channel. */
  readonly waiting: Readonly<Record<string, readonly Notification[]>>;
};
/** What a person has set. Any tab may write it. */
export type AlertSettings = {
  readonly silences: readonly Silence[];
  readonly changes: ReadonlyMap<string, RuleChange>;
};

export const recordKeys = { record: 'record', settings: 'settings' } as const;

const version = 1;
const time = v.pipe(v.number(), v.finite());
const trackedSchema = v.object({
  view: alertSchema,
  heldAt: time,
  clearSince: v.optional(time),
  firings: v.pipe(v.array(time), v.maxLength(8)),
  earlier: v.optional(alertSchema),
});
const recordSchema = v.object({
  version: v.literal(version),
  tracked: v.pipe(v.array(trackedSchema), v.maxLength(alertLimits.alerts)),
  incidents: v.pipe(
    v.array(v.object({ rule: v.string(), from: time, to: time })),
    v.maxLength(alertLimits.incidentsKept),
  ),
  told: v.array(
    v.object({
      id: v.string(),
      group: v.string(),
      firedAt: time,
      severity: v.picklist(['page', 'ticket', 'info']),
      at: time,
    }),
  ),
  groups: v.array(v.tuple([v.string(), time])),
  waiting: v.record(v.string(), v.array(notificationSchema)),
});
const silenceSchema: v.GenericSchema<unknown, Silence> = v.object({
  id: v.string(),
  match: v.union([
    v.literal('all'),
    v.strictObject({ rule: v.string() }),
    v.strictObject({ group: v.string() }),
  ]),
  from: time,
  until: time,
  reason: v.string(),
});
const settingsSchema = v.object({
  version: v.literal(version),
  silences: v.pipe(v.array(silenceSchema), v.maxLength(silenceLimits.count)),
  changes: v.array(
    v.object({ rule: v.string(), enabled: v.boolean(), condition: v.optional(conditionSchema) }),
  ),
});

export const readRecord = async (store: KeyValueStore): Promise<AlertRecord | undefined> => {
  const parsed = v.safeParse(recordSchema, await store.get('alerts', recordKeys.record));
  if (!parsed.success) return undefined;
  // When it was last evaluated is not read: a tab that opens has slept until now.
  const { tracked, incidents, told, groups, waiting } = parsed.output;
  return {
    state: {
      ...noAlerts,
      incidents,
      tracked: new Map(tracked.map((each) => [each.view.id, asTracked(each)])),
    },
    notices: { told: new Map(told.map(({ id, ...each }) => [id, each])), groups: new Map(groups) },
    waiting: Object.fromEntries(
      Object.entries(waiting).map(([channel, notifications]) => [channel, notifications.map(asNotification)]),
    ),
  };
};

export const writeRecord = (store: KeyValueStore, { state, notices, waiting }: AlertRecord): Promise<void> =>
  store.set('alerts', recordKeys.record, {
    version,
    tracked: [...state.tracked.values()],
    incidents: state.incidents,
    told: [...notices.told].map(([id, each]) => ({ id, ...each })),
    groups: [...notices.groups],
    waiting,
  });

/** Whether a newer version of the page has written here: then nothing is written any more, it would be lost. */
export const isOfNewerVersion = async (store: KeyValueStore): Promise<boolean> => {
  const kept = await Promise.all(Object.values(recordKeys).map((key) => store.get('alerts', key)));
  return kept.some((each) => v.is(newerSchema, each));
};
const newerSchema = v.object({ version: v.pipe(v.number(), v.minValue(version + 1)) });

export const readSettings = async (store: KeyValueStore): Promise<AlertSettings | undefined> => {
  const parsed = v.safeParse(settingsSchema, await store.get('alerts', recordKeys.settings));
  if (!parsed.success) return undefined;
  const { silences, changes } = parsed.output;
  return {
    silences,
    changes: new Map(
      changes.map(({ rule, enabled, condition }) => [rule, { enabled, ...(condition ? { condition } : {}) }]),
    ),
  };
};
export const noSettings: AlertSettings = { silences: [], changes: new Map() };
export const noRecord: AlertRecord = { state: noAlerts, notices: nothingTold, waiting: {} };

export const writeSettings = (store: KeyValueStore, { silences, changes }: AlertSettings): Promise<void> =>
  store.set('alerts', recordKeys.settings, {
    version,
    silences,
    changes: [...changes].map(([rule, change]) => ({ rule, ...change })),
  });

const asTracked = (parsed: v.InferOutput<typeof trackedSchema>): Tracked => ({
  view: asAlert(parsed.view),
  heldAt: parsed.heldAt,
  clearSince: parsed.clearSince,
  firings: parsed.firings,
  earlier: parsed.earlier && asAlert(parsed.earlier),
});
