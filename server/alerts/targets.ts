import { createTransport, type Transporter } from 'nodemailer';
import { err, fault, ok, type Result } from '../../src/core/result.ts';
import {
  type Channel,
  type ChannelFault,
  type Notification,
  resultOfStatus,
  type Sender,
  toEmail,
  toSlack,
  toWebhookJson,
} from '../../src/observability/index.ts';

/** In whose name a notification is told. */
export type SenderOf = (notification: Notification) => Sender;

/** Posts JSON to a webhook. Follows no redirect: the operator named an address, not whoever answers there. */
export const createWebhookChannel = (
  id: 'webhook' | 'slack',
  url: string,
  senderOf: SenderOf,
  format = id === 'slack' ? toSlack : toWebhookJson,
): Channel => ({
  id,
  async notify(notification, signal) {
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json; charset=utf-8', 'User-Agent': 'aivillage' },
        body: format(notification, senderOf(notification)),
        redirect: 'manual',
        signal,
      });
      await response.body?.cancel();
      const retryAfterMs = readRetryAfter(response.headers.get('retry-after'));
      return resultOfStatus(id, {
        status: response.status,
        ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
      });
    } catch (cause) {
      // The address may hold a secret, and so may what fetch says of it: only the code of the cause is told.
      return err(fault('retry', `${id} could not be reached (${codeOf(cause)})`));
    }
  },
});

/** Seconds; a date is not honoured, the usual back-off is. */
const readRetryAfter = (text: string | null): number | undefined =>
  text !== null && /^\d{1,6}$/.test(text) ? Number(text) * 1_000 : undefined;

export type MailOptions = {
  readonly url: string;
  readonly from: string;
  readonly to: readonly string[];
  /** Until it is connected to; and how long it may say nothing then. */
  readonly timeoutMs: number;
  readonly silenceMs: number;
  /** Certificates of authorities besides the usual ones, PEM. */
  readonly ca?: string;
};

/**
 * Sends mail by SMTP (RFC 5321): `smtps://` is encrypted from the start, `smtp://` by STARTTLS where the server offers it,
 * and always if there is a password. A certificate that can't be verified is a failure.
 */
export const createMailChannel = (options: MailOptions, senderOf: SenderOf): Channel => {
  const transport = createMailTransport(options);
  return {
    id: 'email',
    async notify(notification, signal) {
      try {
        await transport.sendMail({
          from: options.from,
          to: [...options.to],
          ...toEmail(notification, senderOf(notification)),
          headers: { 'Auto-Submitted': 'auto-generated', 'X-AIVillage-Alert': notification.id },
          disableFileAccess: true,
          disableUrlAccess: true,
          signal,
        });
        return ok(undefined);
      } catch (cause) {
        return mailFailure(cause);
      }
    },
  };
};

const createMailTransport = ({ url, timeoutMs, silenceMs, ca }: MailOptions): Transporter => {
  const { protocol, hostname, port, username, password } = new URL(url);
  const secure = protocol === 'smtps:';
  const user = decodeURIComponent(username);
  return createTransport({
    host: hostname.replace(/^\[|\]$/g, ''),
    port: port === '' ? (secure ? 465 : 587) : Number(port),
    secure,
    requireTLS: !secure && user !== '',
    ...(user ? { auth: { user, pass: decodeURIComponent(password) } } : {}),
    ...(ca === undefined ? {} : { tls: { ca } }),
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: silenceMs,
    dnsTimeout: timeoutMs,
    logger: false,
  });
};

/** 4yz is "not now" (greylisting), 5yz "never" (RFC 5321 §4.2.1); all without a reply is "not now". What a server says is not told: it may quote. */
const mailFailure = (cause: unknown): Result<void, ChannelFault> => {
  const reply =
    isRecord(cause) && typeof cause['responseCode'] === 'number' ? cause['responseCode'] : undefined;
  if (reply === undefined) return err(fault('retry', `email could not be sent (${codeOf(cause)})`));
  return err(
    fault(reply >= 500 ? 'refused' : 'retry', `the mail server answered ${reply} (${codeOf(cause)})`),
  );
};

/** ECONNREFUSED, ETLS, CERT_HAS_EXPIRED, …: of the error, or of what caused it. */
const codeOf = (cause: unknown): string => {
  if (!isRecord(cause)) return 'unknown';
  const inner = isRecord(cause['cause']) ? cause['cause']['code'] : undefined;
  const code = inner ?? cause['code'] ?? cause['name'];
  return typeof code === 'string' || typeof code === 'number' ? String(code).slice(0, 60) : 'unknown';
};

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;
