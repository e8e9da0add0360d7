import {
  type ConnectionOptions,
  connect,
  type NatsConnection,
  type Subscription,
} from '@nats-io/transport-node';
import { milliseconds } from '../src/core/brand.ts';
import { createStore } from '../src/core/events.ts';
import type { Random } from '../src/core/ports/random.ts';
import type { CancelTimer, Timers } from '../src/core/ports/timers.ts';
import { type Bus, type BusState, busLimits } from './bus.ts';
import type { Log } from './log.ts';

export type NatsOptions = {
  /** host:port */
  readonly servers: readonly string[];
  readonly tls: boolean;
  /** Never logged. */
  readonly login?: { readonly user: string; readonly pass: string } | { readonly token: string };
};
export type NatsDeps = {
  readonly log: Log;
  readonly timers: Timers;
  readonly random: Pick<Random, 'next'>;
  /** How long it took until the bus said that it had what was published. */
  readonly confirmed?: (seconds: number) => void;
};

const connectWithinMs = 5_000;
const retryAfterMs = 500;
/** A server that was unplugged is noticed after two of these. */
const pingEveryMs = 5_000;
/** What was published last (goodbyes) gets so long to leave. */
const flushWithinMs = 1_000;

/**
 * The bus over NATS (core NATS: at most once, nothing is stored). Comes back for ever, with jitter; may be opened before its
 * server is there. Never throws into who uses it.
 */
export const createNatsBus = (deps: NatsDeps, options: NatsOptions): Bus => {
  const { log, timers } = deps;
  const state = createStore<BusState>('away');
  const listenersById = new Map<number, { subject: string; onMessage: (bytes: Uint8Array) => void }>();
  const subscriptionsById = new Map<number, Subscription>();
  let connection: NatsConnection | undefined;
  let lastId = 0;
  let waiting = 0;
  let confirming = false;
  let closing: Promise<void> | undefined;
  let cancelRetry: CancelTimer | undefined;

  const setState = (next: BusState) => {
    if (state.get() === next) return;
    if (next === 'away') waiting = 0;
    log(next === 'away' ? 'warn' : 'info', `bus ${next}`, { servers: options.servers.join(' ') });
    state.set(next);
  };

  const open = async () => {
    try {
      const opened = await connect(connectionOptions(options));
      if (closing) return void opened.close();
      connection = opened;
      for (const id of listenersById.keys()) listen(id);
      setState('connected');
      await watch(opened);
    } catch (cause) {
      log('debug', 'bus can not be reached', { cause: cause instanceof Error ? cause.name : 'unknown' });
    }
    connection = undefined;
    subscriptionsById.clear();
    setState('away');
    if (closing) return;
    const wait = retryAfterMs * (1 + deps.random.next());
    cancelRetry = timers.after(milliseconds(wait), () => void open());
  };

  /** Until it has closed for good, which it does by itself only if it can't go on. */
  const watch = async (opened: NatsConnection) => {
    for await (const status of opened.status()) {
      if (status.type === 'disconnect' || status.type === 'staleConnection') setState('away');
      else if (status.type === 'reconnect') setState('connected');
      else if (status.type === 'error') log('warn', 'bus error', { cause: status.error.name });
    }
    await opened.closed();
  };

  const listen = (id: number) => {
    const listener = listenersById.get(id);
    if (!listener || !connection || connection.isClosed()) return;
    const callback = (cause: Error | null, message: { readonly data: Uint8Array }) => {
      if (cause) log('warn', 'bus subscription failed', { cause: cause.name });
      else listenersById.get(id)?.onMessage(message.data);
    };
    subscriptionsById.set(id, connection.subscribe(listener.subject, { callback }));
  };

  /** A flush is answered when everything before it has been read: one at a time, as long as something waits. */
  const confirm = (on: NatsConnection) => {
    const sent = waiting;
    confirming = true;
    const startedAt = performance.now();
    const settle = (confirmed: number) => {
      confirming = false;
      waiting = Math.max(0, waiting - confirmed);
      if (confirmed > 0 && waiting > 0 && connection === on && !on.isClosed()) confirm(on);
    };
    on.flush().then(
      () => {
        deps.confirmed?.((performance.now() - startedAt) / 1_000);
        settle(sent);
      },
      () => settle(0),
    );
  };

  void open();
  return {
    state,
    publish(subject, bytes) {
      if (!connection || state.get() === 'away' || closing) return false;
      if (waiting + bytes.byteLength > busLimits.maxWaitingBytes) return false;
      try {
        connection.publish(subject, bytes);
      } catch {
        return false; // closed a moment ago; its status is on the way
      }
      waiting += bytes.byteLength;
      if (!confirming) confirm(connection);
      return true;
    },
    subscribe(subject, onMessage) {
      const id = ++lastId;
      listenersById.set(id, { subject, onMessage });
      listen(id);
      return () => {
        listenersById.delete(id);
        subscriptionsById.get(id)?.unsubscribe();
        subscriptionsById.delete(id);
      };
    },
    waitingBytes: () => waiting,
    close() {
      closing ??= (async () => {
        cancelRetry?.();
        const flushed = state.get() === 'connected' ? connection?.flush().catch(() => {}) : undefined;
        if (flushed) await Promise.race([flushed, wait(timers, flushWithinMs)]);
        await connection?.close().catch(() => {});
        setState('away');
      })();
      return closing;
    },
  };
};

const connectionOptions = ({ servers, tls, login }: NatsOptions): ConnectionOptions => ({
  servers: [...servers],
  name: 'aivillage',
  noEcho: true,
  maxReconnectAttempts: -1,
  reconnectTimeWait: retryAfterMs,
  reconnectJitter: retryAfterMs,
  reconnectJitterTLS: retryAfterMs,
  pingInterval: pingEveryMs,
  timeout: connectWithinMs,
  // A login that is refused may be mended on the other side while this process serves its own tabs.
  ignoreAuthErrorAbort: true,
  noAsyncTraces: true,
  ...(tls ? { tls: {} } : {}),
  ...login,
});

const wait = (timers: Timers, ms: number): Promise<void> =>
  new Promise((resolve) => void timers.after(milliseconds(ms), resolve));
