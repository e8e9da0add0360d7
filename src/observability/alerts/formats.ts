import type { AlertView, Notification } from './types.ts';

/** Whose news these are, for those who get them of several hosts and swarms. */
export type Sender = { readonly host: string; readonly swarm?: string };

/**
 * `aivillage.alert` version 1. Times are ISO 8601 in UTC; `status` is `firing` or `resolved`; `fingerprint` is the same for the
 * same alert for ever. Members may be added, none changes its meaning without a new version.
 */
export type WebhookBody = {
  readonly schema: 'aivillage.alert';
  readonly version: 1;
  readonly id: string;
  readonly sender: Sender;
  readonly group: string;
  readonly status: Notification['kind'];
  readonly severity: Notification['severity'];
  readonly title: string;
  readonly text: string;
  readonly at: string;
  readonly alerts: readonly {
    readonly fingerprint: string;
    readonly rule: string;
    readonly title: string;
    readonly severity: AlertView['severity'];
    readonly status: AlertView['state'];
    readonly startedAt: string;
    readonly firedAt: string | null;
    readonly resolvedAt: string | null;
    readonly message: string;
    readonly advice: string;
    readonly runbook: string;
    readonly series: string | null;
  }[];
};

export const toWebhookJson = (notification: Notification, sender: Sender): string => {
  const { id, group, kind, severity, title, text, alerts, at } = notification;
  return JSON.stringify({
    schema: 'aivillage.alert',
    version: 1,
    id,
    sender,
    group,
    status: kind,
    severity,
    title,
    text,
    at: isoOf(at),
    alerts: alerts.map((alert) => ({
      fingerprint: alert.id,
      rule: alert.rule,
      title: alert.title,
      severity: alert.severity,
      status: alert.state,
      startedAt: isoOf(alert.startedAt),
      firedAt: alert.firedAt === undefined ? null : isoOf(alert.firedAt),
      resolvedAt: alert.resolvedAt === undefined ? null : isoOf(alert.resolvedAt),
      message: alert.message,
      advice: alert.advice,
      runbook: alert.runbook,
      series: alert.series ?? null,
    })),
  } satisfies WebhookBody);
};

/** Limits of Slack's blocks: 150 characters in a header, 3,000 in a text, 50 blocks. */
const slackLimits = { header: 150, text: 3_000, alerts: 20 } as const;
const marks = { page: '🔴', ticket: '🟠', info: '🔵' } as const;

/**
 * A message for a Slack webhook: blocks, and a text where no blocks are shown. What a tab has said is plain text throughout:
 * no mention, no link of its making.
 */
export const toSlack = (notification: Notification, sender: Sender): string => {
  const { kind, severity, title, alerts, text, at } = notification;
  const mark = kind === 'resolved' ? '✅' : marks[severity];
  const parts = alerts.length > 0 ? alerts.slice(0, slackLimits.alerts).map(partOf) : [text];
  const foot = `${sender.host}${sender.swarm ? ` · ${sender.swarm}` : ''} · ${severity} · ${isoOf(at)}`;
  return JSON.stringify({
    text: escapeSlack(cut(`${mark} ${oneLine(title)}\n${text}`, slackLimits.text)),
    unfurl_links: false,
    unfurl_media: false,
    blocks: [
      { type: 'header', text: plain(`${mark} ${oneLine(title)}`, slackLimits.header) },
      ...parts.map((part) => ({ type: 'section', text: plain(part, slackLimits.text) })),
      { type: 'context', elements: [plain(foot, slackLimits.text)] },
    ],
  });
};

const partOf = ({ title, message, advice, runbook }: AlertView): string =>
  `${title}\n${message}\n${advice}\n${runbook}`;

/** Slack refuses an empty text. */
const plain = (text: string, limit: number) => ({
  type: 'plain_text',
  text: cut(text, limit) || '–',
  emoji: false,
});

/** Slack's three control characters; without them nothing is a mention or a link with another label. */
const escapeSlack = (text: string): string =>
  text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');

export type Email = { readonly subject: string; readonly text: string; readonly html: string };
const subjectLength = 160;

/** A subject is one line, whatever a title has in it: what follows a line break would be another header. */
export const toEmail = (notification: Notification, sender: Sender): Email => {
  const { kind, severity, title, text, alerts, at } = notification;
  const label = kind === 'resolved' ? 'resolved' : severity;
  const foot = `${sender.host}${sender.swarm ? `, swarm ${sender.swarm}` : ''}, ${isoOf(at)}`;
  const bodies = alerts.length > 0 ? alerts.map(partOf) : [text];
  return {
    subject: cut(`[AIVillage ${label}] ${oneLine(title)}`, subjectLength),
    text: `${[oneLine(title), ...bodies, foot].join('\n\n')}\n`,
    html: [
      '<!doctype html><html><body style="font-family:sans-serif">',
      `<h2>${escapeHtml(oneLine(title))}</h2>`,
      ...bodies.map((body) => `<p>${escapeHtml(body).replace(/\n/g, '<br>')}</p>`),
      `<p style="color:#666">${escapeHtml(foot)}</p></body></html>`,
    ].join('\n'),
  };
};

const escapeHtml = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

/** Control characters, line separators and marks that turn the direction of text become spaces. */
const oneLine = (text: string): string =>
  text
    .replace(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]+/gu, ' ')
    .trim();

/** Never in the middle of a character of two units. */
const cut = (text: string, length: number): string => {
  if (text.length <= length) return text;
  return `${text.slice(0, length - 1).replace(/[\ud800-\udbff]$/, '')}…`;
};

const lastInstant = 8_640_000_000_000_000;
/** A time that no calendar has is shown as the nearest one that it has. */
const isoOf = (at: number): string =>
  new Date(Math.min(Math.max(Number.isFinite(at) ? at : 0, -lastInstant), lastInstant)).toISOString();
