import { utf8 } from '../../core/bytes.ts';
import { sha256Hex } from '../../core/hash.ts';
import { isWorse, worstOf } from './severity.ts';
import type { AlertView, Notification, Severity } from './types.ts';
import { sayTime } from './words.ts';

/** How long news wait for more of their group, how soon a group is told again, and when what still fires is repeated. */
export type NoticePolicy = {
  readonly bySeverity: Readonly<
    Record<Severity, { readonly waitMs: number; readonly intervalMs: number; readonly repeatMs: number }>
  >;
  /** Alerts that one notification lists. */
  readonly maxAlerts: number;
  /**
   * Groups about the swarm, not this device: their news have the same id in every tab. Those of other groups are told apart by
   * `origin`, a random name of this browser.
   */
  readonly swarmGroups: readonly string[];
  readonly origin: string;
};

export const defaultNoticePolicy: Omit<NoticePolicy, 'origin'> = {
  bySeverity: {
    // A page waits for nothing: an outage is told within the evaluation that finds it.
    page: { waitMs: 0, intervalMs: 60_000, repeatMs: 4 * 3_600_000 },
    ticket: { waitMs: 30_000, intervalMs: 300_000, repeatMs: 24 * 3_600_000 },
    info: { waitMs: 300_000, intervalMs: 1_800_000, repeatMs: 7 * 24 * 3_600_000 },
  },
  maxAlerts: 20,
  swarmGroups: ['host', 'ledger', 'mesh'],
};

/** What was told: of each alert its episode and how grave it was then, and when each group was told last. */
export type NoticeState = {
  readonly told: ReadonlyMap<
    string,
    { readonly group: string; readonly firedAt: number; readonly severity: Severity; readonly at: number }
  >;
  readonly groups: ReadonlyMap<string, number>;
};
export const nothingTold: NoticeState = { told: new Map(), groups: new Map() };

/**
 * What is to be told now of these alerts: news, repeats and, only of what was told, resolutions, one notification for each
 * group and kind. Silenced alerts are not told, and are news when their silence ends. Pure: doesn't know by which channels.
 */
export const notify = (
  state: NoticeState,
  alerts: readonly AlertView[],
  now: number,
  policy: NoticePolicy,
): readonly [NoticeState, readonly Notification[]] => {
  const told = new Map(state.told);
  for (const { id, firedAt } of alerts) {
    const before = told.get(id);
    // The clock was set back since, and what fires was dated anew with it: it is the same episode.
    if (before && before.firedAt > now && firedAt !== undefined)
      told.set(id, { ...before, firedAt, at: Math.min(before.at, now) });
  }
  const groups = new Map(state.groups);
  const notifications: Notification[] = [];
  for (const [group, members] of byGroup(alerts)) {
    const lastAt = Math.min(groups.get(group) ?? Number.NEGATIVE_INFINITY, now);
    const news = newsOf(members, told, now, policy, lastAt);
    const over = resolvedOf(members, told, now, policy);
    if (news.length > 0) notifications.push(compose('firing', group, news, now, policy));
    if (over.length > 0) notifications.push(compose('resolved', group, over, now, policy));
    if (news.length > 0) groups.set(group, now);
    for (const { id, firedAt = now, severity } of news) told.set(id, { group, firedAt, severity, at: now });
  }
  forget(told, groups, alerts, now, policy);
  return [{ told, groups }, notifications];
};

/**
 * What another tab told, as told of what was found here: each tab finds the same alert at an instant of its own. What it told
 * and nobody heard the end of is the episode that fires here, or that is over here.
 */
export const asFoundHere = (state: NoticeState, alerts: readonly AlertView[]): NoticeState => {
  const told = new Map(state.told);
  for (const { id, firedAt } of alerts) {
    const before = told.get(id);
    if (before && firedAt !== undefined) told.set(id, { ...before, firedAt });
  }
  return { ...state, told };
};

const byGroup = (alerts: readonly AlertView[]): ReadonlyMap<string, readonly AlertView[]> => {
  const groups = new Map<string, AlertView[]>();
  for (const alert of alerts) {
    if (alert.state === 'pending') continue;
    const members = groups.get(alert.group);
    if (members) members.push(alert);
    else groups.set(alert.group, [alert]);
  }
  return groups;
};

/** All that is untold of a group, as soon as one of it is due; and what is due again. */
const newsOf = (
  members: readonly AlertView[],
  told: NoticeState['told'],
  now: number,
  { bySeverity }: NoticePolicy,
  lastAt: number,
): readonly AlertView[] => {
  const firing = members.filter(
    ({ state, silencedUntil }) => state === 'firing' && silencedUntil === undefined,
  );
  const untold = firing.filter(({ id, firedAt, severity }) => {
    const before = told.get(id);
    return !before || before.firedAt !== firedAt || isWorse(severity, before.severity);
  });
  const due = untold.some(({ firedAt = now, severity }) => {
    const { waitMs, intervalMs } = bySeverity[severity];
    return now >= Math.max(Math.min(firedAt, now) + waitMs, lastAt + intervalMs);
  });
  const again = firing.filter(({ id, severity }) => {
    const before = told.get(id);
    return (
      before && !untold.some((each) => each.id === id) && now - before.at >= bySeverity[severity].repeatMs
    );
  });
  return due ? [...untold, ...again] : again;
};

const resolvedOf = (
  members: readonly AlertView[],
  told: Map<string, { readonly firedAt: number }>,
  now: number,
  { bySeverity }: NoticePolicy,
): readonly AlertView[] => {
  const over = members.filter(
    ({ id, state, firedAt, silencedUntil }) =>
      state === 'resolved' && silencedUntil === undefined && told.get(id)?.firedAt === firedAt,
  );
  const due = over.some(
    ({ resolvedAt = now }) => now - Math.min(resolvedAt, now) >= bySeverity.ticket.waitMs,
  );
  if (!due) return [];
  for (const { id } of over) told.delete(id);
  return over;
};

/** What is gone, or was resolved in silence, was told for the last time. Nothing stays dated in the future. */
const forget = (
  told: Map<string, NoticeState['told'] extends ReadonlyMap<string, infer Told> ? Told : never>,
  groups: Map<string, number>,
  alerts: readonly AlertView[],
  now: number,
  { bySeverity }: NoticePolicy,
): void => {
  const byId = new Map(alerts.map((alert) => [alert.id, alert]));
  for (const [id, each] of told) {
    const alert = byId.get(id);
    const over =
      alert?.state === 'resolved' && (alert.silencedUntil !== undefined || alert.firedAt !== each.firedAt);
    if (!alert || over) told.delete(id);
    else if (each.at > now) told.set(id, { ...each, at: now });
  }
  for (const [group, at] of groups) {
    if (now - at > bySeverity.info.intervalMs) groups.delete(group);
    else if (at > now) groups.set(group, now);
  }
};

const compose = (
  kind: Notification['kind'],
  group: string,
  alerts: readonly AlertView[],
  now: number,
  policy: NoticePolicy,
): Notification => {
  const severity = worstOf(alerts.map((alert) => alert.severity));
  const sorted = alerts.toSorted((a, b) =>
    isWorse(a.severity, b.severity) ? -1 : isWorse(b.severity, a.severity) ? 1 : a.startedAt - b.startedAt,
  );
  const listed = sorted.slice(0, policy.maxAlerts);
  const [first] = listed;
  const more = alerts.length > 1 ? ` and ${alerts.length - 1} more` : '';
  const title = `${kind === 'resolved' ? 'Resolved: ' : ''}${first?.title ?? group}${more}`;
  const left = alerts.length - listed.length;
  return {
    id: newsId(kind, group, severity, alerts, policy),
    group,
    kind,
    severity,
    title,
    text: [...listed.map((alert) => lineOf(alert, now)), ...(left > 0 ? [`… and ${left} more`] : [])].join(
      '\n',
    ),
    alerts: listed,
    at: now,
  };
};

const lineOf = (
  { title, message, advice, state, firedAt = 0, resolvedAt = 0 }: AlertView,
  now: number,
): string =>
  state === 'resolved'
    ? `${title}: over after ${sayTime(Math.max(0, resolvedAt - firedAt))}.`
    : `${title}: ${message}${now - firedAt > 120_000 ? ` (for ${sayTime(now - firedAt)})` : ''}. ${advice}`;

const newsId = (
  kind: Notification['kind'],
  group: string,
  severity: Severity,
  alerts: readonly AlertView[],
  { swarmGroups, origin }: NoticePolicy,
): string => {
  const ids = alerts.map(({ id }) => id).sort();
  const whose = swarmGroups.includes(group) ? '' : origin;
  return sha256Hex(utf8(JSON.stringify([kind, group, severity, whose, ids]))).slice(0, 32);
};
