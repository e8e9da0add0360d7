import * as v from 'valibot';
import { err, type Fault, fault, type Result } from '../../core/result.ts';
import { parseWith } from '../../core/schema.ts';
import type { Channel, ChannelFault } from './outbox.ts';
import type { Notification } from './types.ts';

/** What a tab posts to its host, so that the host tells it by webhook, Slack or e-mail: `POST /telemetry/alerts`, JSON. */
export type RelayMessage = {
  readonly version: 1;
  /** Whose news these are: the id of the room, which is a hash. The same news of one swarm are told once. */
  readonly swarm: string;
  readonly notification: Notification;
};
export const relayPath = '/telemetry/alerts';
export const relayLimits = { bytes: 65_536, alerts: 20, text: 8_000, line: 300, sentence: 1_000 } as const;

const line = v.pipe(v.string(), v.maxLength(relayLimits.line));
const sentence = v.pipe(v.string(), v.maxLength(relayLimits.sentence));
const name = v.pipe(v.string(), v.regex(/^[\w.|:-]{1,128}$/, 'must be a short name'));
const time = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(8_640_000_000_000_000));
const severity = v.picklist(['page', 'ticket', 'info']);
/** A stranger's link must not come to an operator as ours. */
const runbook = v.pipe(v.string(), v.regex(/^docs\/runbook\.md#[a-z0-9-]{1,64}$/, 'must be a section of the runbook'));

/** Of an alert, as stored and as sent. */
export const alertSchema = v.strictObject({
  id: sentence,
  rule: name,
  title: line,
  severity,
  group: name,
  state: v.picklist(['pending', 'firing', 'resolved']),
  startedAt: time,
  firedAt: v.optional(time),
  resolvedAt: v.optional(time),
  message: sentence,
  advice: sentence,
  runbook,
  series: v.optional(sentence),
  silencedUntil: v.optional(time),
  seen: v.boolean(),
});

export const notificationSchema = v.strictObject({
  id: name,
  group: name,
  kind: v.picklist(['firing', 'resolved']),
  severity,
  title: line,
  text: v.pipe(v.string(), v.maxLength(relayLimits.text)),
  alerts: v.pipe(v.array(alertSchema), v.maxLength(relayLimits.alerts)),
  at: time,
});

const messageSchema = v.strictObject({
  version: v.literal(1),
  swarm: v.pipe(v.string(), v.regex(/^[\w-]{0,64}$/, 'must be the id of a room')),
  notification: notificationSchema,
});

export const readRelayMessage = (body: Uint8Array): Result<RelayMessage, Fault<'malformed' | 'too-large'>> => {
  if (body.byteLength > relayLimits.bytes)
    return err(fault('too-large', `${body.byteLength} bytes, at most ${relayLimits.bytes} are read`));
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    return err(fault('malformed', 'this is not JSON'));
  }
  const parsed = parseWith(messageSchema, json);
  if (!parsed.ok) return err(fault('malformed', parsed.error.message));
  return { ok: true, value: { ...parsed.value, notification: asNotification(parsed.value.notification) } };
};

/** JSON leaves out what is undefined; inside it is there again. */
export const asNotification = (parsed: v.InferOutput<typeof notificationSchema>): Notification => ({
  ...parsed,
  alerts: parsed.alerts.map(asAlert),
});
export const asAlert = (parsed: v.InferOutput<typeof alertSchema>): Notification['alerts'][number] => ({
  ...parsed,
  firedAt: parsed.firedAt,
  resolvedAt: parsed.resolvedAt,
  series: parsed.series,
  silencedUntil: parsed.silencedUntil,
});

/** What a tab may not send at all is cut, not refused: it is ours, and too long a message is still news. */
export const toRelayMessage = (swarm: string, notification: Notification): string =>
  JSON.stringify({
    version: 1,
    swarm,
    notification: {
      ...notification,
      title: cut(notification.title, relayLimits.line),
      text: cut(notification.text, relayLimits.text),
      alerts: notification.alerts.slice(0, relayLimits.alerts).map((alert) => ({
        ...alert,
        id: cut(alert.id, relayLimits.sentence),
        title: cut(alert.title, relayLimits.line),
        message: cut(alert.message, relayLimits.sentence),
        advice: cut(alert.advice, relayLimits.sentence),
        ...(alert.series === undefined ? {} : { series: cut(alert.series, relayLimits.sentence) }),
      })),
    },
  } satisfies RelayMessage);

/** Tells by the host of this swarm. `post` resolves with what the host answered, or rejects if it is out of reach. */
export const createRelayChannel = (deps: {
  readonly swarm: string;
  readonly post: (
    path: string,
    body: string,
    signal: AbortSignal,
  ) => Promise<{ readonly status: number; readonly retryAfterMs?: number }>;
}): Channel => ({
  id: 'host',
  async notify(notification, signal) {
    const answer = await deps.post(relayPath, toRelayMessage(deps.swarm, notification), signal);
    return resultOfStatus('the host', answer);
  },
});

/** What an HTTP status means for a notification: 2xx taken; 408, 425, 429 and 5xx later; all else never. */
export const resultOfStatus = (
  who: string,
  { status, retryAfterMs }: { readonly status: number; readonly retryAfterMs?: number },
): Result<void, ChannelFault> => {
  if (status >= 200 && status < 300) return { ok: true, value: undefined };
  const later = status >= 500 || [408, 425, 429].includes(status);
  return err({
    ...fault(later ? 'retry' : 'refused', `${who} answered ${status}`),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
};

const cut = (text: string, length: number): string =>
  text.length <= length ? text : `${text.slice(0, length - 1)}…`;
