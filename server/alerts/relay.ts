import { createBoundedMap } from '../../src/core/boundedMap.ts';
import type { Clock } from '../../src/core/ports/clock.ts';
import type { Timers } from '../../src/core/ports/timers.ts';
import {
  type Channel,
  createOutbox,
  defaultOutboxOptions,
  type Notification,
  type Outbox,
  type OutboxOptions,
  type OutboxState,
  readRelayMessage,
  relayLimits,
} from '../../src/observability/index.ts';
import type { Log } from '../log.ts';
import type { PostAnswer, PostRoute } from '../posts.ts';
import type { AlertConfig } from './config.ts';
import { createMailChannel, createWebhookChannel, type SenderOf } from './targets.ts';

export type AlertRelayDeps = {
  readonly clock: Pick<Clock, 'now' | 'monotonic'>;
  readonly timers: Pick<Timers, 'after'>;
  readonly log: Log;
  /** Counts what became of notifications: taken, duplicate, refused, told, lost. */
  readonly count: (outcome: AlertOutcome, channel?: string) => void;
};
export type AlertOutcome = 'taken' | 'duplicate' | 'refused' | 'told' | 'lost';
export type AlertRelayOptions = {
  /** How this host names itself in what it tells. */
  readonly host: string;
  readonly outbox?: OutboxOptions;
  /** Certificates of authorities that the mail server may have, PEM. */
  readonly mailCa?: string;
};

export interface AlertRelay {
  /** `POST /telemetry/alerts`. */
  readonly route: PostRoute;
  /** What tabs may be told: the kinds of channels there are, not where they lead. */
  readonly channels: readonly string[];
  state(): readonly OutboxState[];
  close(): void;
}

/** The same news of one swarm within this time are one, whichever of its tabs they come from. */
const sameForMs = 600_000;
const newsKept = 10_000;
/** One address: a burst, and then one in a minute. */
const postRate = { capacity: 20, perSecond: 1 / 60 } as const;

/**
 * Tells operators by webhook, Slack and e-mail what tabs report. A tab is a stranger: what it says is checked, bounded, told as
 * plain text, and one address can't fill the queue. Answers at once; telling goes on behind. Undefined without a channel.
 */
export const openAlertRelay = (
  deps: AlertRelayDeps,
  config: AlertConfig,
  options: AlertRelayOptions,
): AlertRelay | undefined => {
  const outboxOptions = options.outbox ?? defaultOutboxOptions;
  /** As long as anybody holds the notification. */
  const swarms = new WeakMap<Notification, string>();
  const senderOf: SenderOf = (notification) => {
    const swarm = swarms.get(notification);
    return swarm ? { host: options.host, swarm } : { host: options.host };
  };
  const channels = channelsOf(config, { ...options, timeoutMs: outboxOptions.timeoutMs }, senderOf);
  if (channels.length === 0) return undefined;
  const outboxes = channels.map((channel) => {
    const timeoutMs = (channel.id === 'email' ? mailPatience : 1) * outboxOptions.timeoutMs;
    return openOutbox(deps, channel, { ...outboxOptions, timeoutMs });
  });
  const news = createNewsMemory();

  const handle = async (body: Uint8Array): Promise<PostAnswer> => {
    const message = readRelayMessage(body);
    if (!message.ok) {
      deps.count('refused');
      return answer(message.error.code === 'too-large' ? 413 : 400, { error: message.error.message });
    }
    const { notification, swarm } = message.value;
    if (!news.isNew(swarm, notification, deps.clock.monotonic())) {
      deps.count('duplicate');
      return answer(200, { taken: false, reason: 'told already' });
    }
    deps.count('taken');
    swarms.set(notification, swarm);
    for (const outbox of outboxes) outbox.push(notification);
    return answer(202, { taken: true });
  };

  return {
    route: { maxBytes: relayLimits.bytes, rate: postRate, handle },
    channels: channels.map(({ id }) => id),
    state: () => outboxes.map((outbox) => outbox.state()),
    close() {
      for (const outbox of outboxes) outbox.close();
    },
  };
};

/**
 * Times as long as others may take. A mail server delivers what it has taken, whether or not anybody waited for its word: who gives up
 * early sends it again (RFC 5321 §4.5.3.2.6 would wait for ten minutes).
 */
const mailPatience = 6;

const channelsOf = (
  { webhook, slack, email }: AlertConfig,
  { mailCa, timeoutMs }: { readonly mailCa?: string; readonly timeoutMs: number },
  senderOf: SenderOf,
): readonly Channel[] => {
  const mail = email && {
    url: email.smtpUrl,
    from: email.from,
    to: email.to,
    timeoutMs,
    silenceMs: mailPatience * timeoutMs,
    ...(mailCa === undefined ? {} : { ca: mailCa }),
  };
  return [
    ...(webhook ? [createWebhookChannel('webhook', webhook, senderOf)] : []),
    ...(slack ? [createWebhookChannel('slack', slack, senderOf)] : []),
    ...(mail ? [createMailChannel(mail, senderOf)] : []),
  ];
};

const openOutbox = (
  { clock, timers, log, count }: AlertRelayDeps,
  channel: Channel,
  options: OutboxOptions,
): Outbox => {
  let told = 0;
  return createOutbox(
    {
      clock,
      timers,
      channel,
      onChange(state) {
        for (; told < state.told; told++) count('told', channel.id);
      },
      onLost(_notification, reason) {
        count('lost', channel.id);
        log('warn', 'an alert could not be told', { channel: channel.id, reason });
      },
    },
    options,
  );
};

/**
 * Which news were told lately. When a group's alerts are resolved they may fire again at once, and the other way round: so
 * each kind forgets the other.
 */
const createNewsMemory = () => {
  const groupsByNews = createBoundedMap<string, { readonly at: number; readonly group: string }>(newsKept);
  const turns = createBoundedMap<string, { readonly kind: string; readonly at: number }>(newsKept);
  return {
    isNew(swarm: string, { id, group, kind }: Notification, now: number): boolean {
      const news = `${swarm} ${id}`;
      const place = `${swarm} ${group}`;
      const known = groupsByNews.get(news);
      const turn = turns.get(place);
      if (turn?.kind !== kind) turns.set(place, { kind, at: now });
      const toldSinceTurn = known !== undefined && (turns.get(place)?.at ?? 0) <= known.at;
      if (toldSinceTurn && now - known.at < sameForMs) return false;
      groupsByNews.set(news, { at: now, group });
      return true;
    },
  };
};

const answer = (status: number, body: Readonly<Record<string, unknown>>): PostAnswer => ({
  status,
  type: 'application/json; charset=utf-8',
  body: `${JSON.stringify(body)}\n`,
});
