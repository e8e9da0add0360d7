import { type Milliseconds, milliseconds } from '../../core/brand.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { CancelTimer, Timers } from '../../core/ports/timers.ts';
import { err, type Fault, fault, type Result } from '../../core/result.ts';
import { backoffDelay } from '../../resilience/index.ts';
import { isWorse, worstOf } from './severity.ts';
import type { Notification, Severity } from './types.ts';

/** `refused`: it never will be taken. `retry`: later perhaps, after `retryAfterMs` if the channel said so. */
export type ChannelFault = Fault<'refused' | 'retry'> & { readonly retryAfterMs?: number };

/** Tells people. May be slow, hang or fail: whoever calls it sees to that. */
export interface Channel {
  /** `page`, `webhook`, `slack`, `email`. */
  readonly id: string;
  /** Whether it is turned on for such news; always, if left out. */
  wants?(notification: Notification): boolean;
  notify(notification: Notification, signal: AbortSignal): Promise<Result<void, ChannelFault>>;
}

export type OutboxOptions = {
  readonly timeoutMs: number;
  /** Waits before the second, third, … try. There is one try more than there are waits. */
  readonly backoff: readonly [Milliseconds, ...Milliseconds[]];
  readonly maxWaiting: number;
  /** Within each window so many are told one by one; the rest as one digest at its end. */
  readonly perWindow: number;
  readonly windowMs: number;
};

export const defaultOutboxOptions: OutboxOptions = {
  timeoutMs: 10_000,
  backoff: [milliseconds(5_000), milliseconds(30_000), milliseconds(120_000), milliseconds(600_000)],
  maxWaiting: 100,
  perWindow: 30,
  windowMs: 3_600_000,
};

export type OutboxState = {
  readonly channel: string;
  readonly told: number;
  /** Will not be told: refused, tried too often, or pushed out by newer ones. */
  readonly lost: number;
  /** Being told or tried again later, and held back for the digest. */
  readonly waiting: number;
  readonly held: number;
  /** Why the last try failed, until one succeeds. */
  readonly problem: string | undefined;
};

/** What is not told yet, in order. */
export interface Outbox {
  push(notification: Notification): void;
  state(): OutboxState;
  /** To be kept over a restart; pushed again they are told again. */
  waiting(): readonly Notification[];
  close(): void;
}

type Entry = { readonly notification: Notification; readonly tries: number; readonly notBefore: number };

/**
 * Tells one channel one notification at a time, and no other channel waits for it. Each try has a time limit, whatever the
 * channel does. Bounded: the oldest of the least grave are given up first, and counted. Doesn't know what a channel is.
 */
export const createOutbox = (
  deps: {
    readonly clock: Pick<Clock, 'now' | 'monotonic'>;
    readonly timers: Pick<Timers, 'after'>;
    readonly channel: Channel;
    /** After anything changed. */
    readonly onChange?: (state: OutboxState) => void;
    /** One will not be told. */
    readonly onLost?: (notification: Notification, reason: string) => void;
  },
  options: OutboxOptions = defaultOutboxOptions,
): Outbox => {
  const { clock, channel } = deps;
  let entries: readonly Entry[] = [];
  let inFlight: { readonly entry: Entry; readonly stop: AbortController } | undefined;
  let wake: CancelTimer = () => {};
  /** Asked to wait, a channel is left alone altogether. */
  let quietUntil = Number.NEGATIVE_INFINITY;
  let window = { startedAt: Number.NEGATIVE_INFINITY, told: 0 };
  let held: Held | undefined;
  let endWindow: CancelTimer = () => {};
  let [told, lost, closed] = [0, 0, false];
  let problem: string | undefined;

  const state = (): OutboxState => ({
    channel: channel.id,
    told,
    lost,
    waiting: entries.length + (inFlight ? 1 : 0),
    held: held?.count ?? 0,
    problem,
  });
  const changed = () => deps.onChange?.(state());
  const lose = (notification: Notification, reason: string) => {
    lost++;
    deps.onLost?.(notification, reason);
  };

  const add = (entry: Entry) => {
    entries = [...entries, entry];
    if (entries.length > options.maxWaiting) {
      const given = leastOf(entries);
      entries = entries.filter((each) => each !== given);
      if (given) lose(given.notification, `more than ${options.maxWaiting} wait for ${channel.id}`);
    }
    pump();
  };

  /** Whether it may be told by itself; else it is held back for the digest. */
  const isWithinLimit = (): boolean => {
    const now = clock.monotonic();
    if (now - window.startedAt >= options.windowMs) window = { startedAt: now, told: 0 };
    if (window.told >= options.perWindow) return false;
    window.told++;
    return true;
  };
  const holdBack = (notification: Notification) => {
    if (!held) {
      const left = window.startedAt + options.windowMs - clock.monotonic();
      endWindow = deps.timers.after(milliseconds(Math.max(0, left)), tellHeld);
    }
    held = hold(held, notification);
  };
  const tellHeld = () => {
    const digest = held && digestOf(held, clock.now());
    held = undefined;
    if (!digest || closed) return;
    isWithinLimit(); // the first of the new window
    add({ notification: digest, tries: 0, notBefore: clock.monotonic() });
    changed();
  };

  const pump = (): void => {
    if (closed || inFlight) return;
    wake();
    const now = clock.monotonic();
    const due = now < quietUntil ? undefined : entries.find(({ notBefore }) => notBefore <= now);
    if (due) return void attempt(due);
    const soonest = Math.max(quietUntil, Math.min(...entries.map(({ notBefore }) => notBefore)));
    if (entries.length > 0) wake = deps.timers.after(milliseconds(Math.max(1, soonest - now)), pump);
  };

  const attempt = async (entry: Entry): Promise<void> => {
    const stop = new AbortController();
    entries = entries.filter((each) => each !== entry);
    inFlight = { entry, stop };
    const result = await tryOnce(deps, entry.notification, stop, options.timeoutMs);
    inFlight = undefined;
    if (closed) return;
    if (result.ok) {
      told++;
      problem = undefined;
    } else fail(entry, result.error);
    changed();
    pump();
  };

  const fail = (entry: Entry, error: ChannelFault): void => {
    problem = error.message;
    const tries = entry.tries + 1;
    if (error.code === 'refused' || tries > options.backoff.length)
      return void lose(entry.notification, error.message);
    const asked = Math.min(error.retryAfterMs ?? 0, options.windowMs);
    const wait = Math.max(asked, backoffDelay(options.backoff, entry.tries));
    if (asked > 0) quietUntil = clock.monotonic() + asked;
    const notBefore = clock.monotonic() + wait;
    add({ ...entry, tries, notBefore });
  };

  return {
    push(notification) {
      if (closed) return;
      if (isWithinLimit()) add({ notification, tries: 0, notBefore: clock.monotonic() });
      else holdBack(notification);
      changed();
    },
    state,
    waiting: () =>
      [...(inFlight ? [inFlight.entry] : []), ...entries].map(({ notification }) => notification),
    close() {
      closed = true;
      wake();
      endWindow();
      inFlight?.stop.abort(new Error('closed'));
    },
  };
};

/** A channel that throws, rejects or hangs has failed, no more. */
export const tryOnce = (
  { timers, channel }: { readonly timers: Pick<Timers, 'after'>; readonly channel: Channel },
  notification: Notification,
  stop: AbortController,
  timeoutMs: number,
): Promise<Result<void, ChannelFault>> =>
  new Promise((resolve) => {
    const giveUp = (reason: string) => resolve(err(fault('retry', reason)));
    const cancel = timers.after(milliseconds(timeoutMs), () => {
      giveUp(`${channel.id} did not answer within ${timeoutMs / 1_000} s`);
      stop.abort(new Error('took too long'));
    });
    stop.signal.addEventListener('abort', () => giveUp(`${channel.id}: ${String(stop.signal.reason)}`));
    Promise.resolve()
      .then(() => channel.notify(notification, stop.signal))
      .then(resolve, (cause: unknown) => giveUp(`${channel.id}: ${messageOf(cause)}`))
      .finally(cancel);
  });

const messageOf = (cause: unknown): string =>
  (cause instanceof Error ? cause.message : String(cause)).slice(0, 200);

const leastOf = (entries: readonly Entry[]): Entry | undefined => {
  const [first, ...rest] = entries;
  return rest.reduce(
    (least, each) =>
      least && isWorse(least.notification.severity, each.notification.severity) ? each : least,
    first,
  );
};

type Held = {
  readonly count: number;
  readonly severities: readonly Severity[];
  readonly titles: readonly string[];
};
const titlesKept = 10;

const hold = (held: Held | undefined, { severity, title }: Notification): Held => ({
  count: (held?.count ?? 0) + 1,
  severities: [...new Set([...(held?.severities ?? []), severity])],
  titles: [...(held?.titles ?? []), title].slice(0, titlesKept),
});

const digestOf = ({ count, severities, titles }: Held, at: number): Notification => ({
  id: `digest-${at}`,
  group: 'digest',
  kind: 'firing',
  severity: worstOf(severities),
  title: `${count} more notification${count === 1 ? '' : 's'}`,
  text: [...titles, ...(count > titles.length ? [`… and ${count - titles.length} more`] : [])].join('\n'),
  alerts: [],
  at,
});
