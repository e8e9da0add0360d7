import { type Milliseconds, milliseconds, type PeerId } from '../../core/brand.ts';
import type { Bytes } from '../../core/bytes.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { Span, Telemetry } from '../../core/ports/telemetry.ts';
import type { CancelTimer, Timers } from '../../core/ports/timers.ts';
import { err, type Fault, fault, ok, type Result } from '../../core/result.ts';
import { decodeWith, parseWith } from '../../core/schema.ts';
import { formatTraceparent } from '../../observability/traces/traceparent.ts';
import type { CallOptions, MessageTransport, Method, Rpc, RpcError, SendError } from '../contracts.ts';
import { createDeadlines } from './deadlines.ts';
import { createRpcMeter } from './meter.ts';
import { encodeRpc, type RpcMessage, rpcLimits, rpcMessageSchema } from './protocol.ts';
import { createServing } from './serving.ts';

export type RpcDeps = { readonly clock: Clock; readonly timers: Timers; readonly telemetry: Telemetry };
export type RpcOptions = {
  /** No word from a peer for this long while a call is out: ask. */
  readonly pingAfter?: Milliseconds;
  /** No word, not even an answer to that: the call fails as `silent`. */
  readonly silentAfter?: Milliseconds;
  readonly maxInboundPerPeer?: number;
  readonly maxInbound?: number;
};

const defaults = { pingAfter: 1_000, silentAfter: 3_000, maxInboundPerPeer: 16, maxInbound: 64 };
const watchEvery = milliseconds(250);
/** Answers to calls that are over (cancelled, timed out) are normal; these many that were never made are not. */
const toleratedStrayAnswers = 3;

type PendingCall = {
  readonly to: PeerId;
  /** When it was sent; undefined while a link is being made for it. */
  since: Milliseconds | undefined;
  readonly method: Method<unknown, unknown, unknown>;
  readonly onProgress: ((value: unknown) => void) | undefined;
  readonly settle: (result: Result<unknown, RpcError>) => void;
};

/**
 * Calls between linked peers: typed, with deadline, cancel and progress. Every message is checked before it has an effect;
 * a peer that breaks the protocol is expelled. Knows the transport's peers; doesn't know what methods do.
 */
export const createRpc = (transport: MessageTransport, deps: RpcDeps, options: RpcOptions = {}): Rpc => {
  const { clock, timers, telemetry } = deps;
  const limits = { ...defaults, ...options };
  const callsById = new Map<number, PendingCall>();
  const heardAtByPeer = new Map<PeerId, number>();
  const pingedAtByPeer = new Map<PeerId, number>();
  /** When the first ping went out that nothing has followed. */
  const askedAtByPeer = new Map<PeerId, number>();
  const strayAnswersByPeer = new Map<PeerId, number>();
  let nextId = 1;
  let stopWatching: CancelTimer | undefined;
  let closed = false;

  /** Throws at once if the message can't be encoded: that is the bug of whoever made it. */
  const send = (to: PeerId, message: RpcMessage, priority: 'control' | 'bulk') =>
    sendBytes(to, encodeRpc(message), priority);
  const sendBytes = (to: PeerId, bytes: Bytes, priority: 'control' | 'bulk') => {
    meter.sent(bytes.byteLength);
    return transport.send(to, bytes, priority);
  };

  const deadlines = createDeadlines(deps);
  const meter = createRpcMeter({ telemetry, deadlines });
  const serving = createServing({ clock, deadlines, telemetry, meter, send, expel: transport.expel }, limits);

  const settleCall = (id: number, result: Result<unknown, RpcError>) => {
    const call = callsById.get(id);
    if (!call) return;
    callsById.delete(id);
    call.settle(result);
  };

  /**
   * Of every peer that owes us an answer: ask after a second of silence, give up after three. Silence counts per call,
   * because new calls must not hide a dead peer; and only a question that had time to be answered proves it, because
   * this tab itself may have been asleep.
   */
  const watch = () => {
    // Here, not with the last call: the next one often follows at once, and starting a timer costs more than a look.
    if (callsById.size === 0) return unwatch();
    const now = clock.monotonic();
    for (const [id, { to, since }] of [...callsById]) {
      if (since === undefined) continue;
      const silentFor = now - Math.max(since, heardAtByPeer.get(to) ?? since);
      if (silentFor < limits.pingAfter) continue;
      const askedAt = askedAtByPeer.get(to) ?? now;
      if (silentFor >= limits.silentAfter && now - askedAt >= limits.silentAfter - limits.pingAfter) {
        void send(to, { t: 'cancel', id }, 'control');
        settleCall(id, err(fault('silent', `nothing was heard for ${(silentFor / 1_000).toFixed(1)} s`)));
        continue;
      }
      askedAtByPeer.set(to, askedAt);
      if (now - (pingedAtByPeer.get(to) ?? Number.NEGATIVE_INFINITY) < limits.pingAfter / 2) continue;
      pingedAtByPeer.set(to, now);
      void send(to, { t: 'ping', n: Math.round(now) }, 'control');
    }
  };

  const unwatch = () => {
    stopWatching?.();
    stopWatching = undefined;
  };

  const onReply = (from: PeerId, message: Extract<RpcMessage, { t: 'progress' | 'answer' | 'error' }>) => {
    const call = callsById.get(message.id);
    if (!call || call.to !== from) return onStray(from, message.id);
    if (message.t === 'error') return settleCall(message.id, err(fault(message.c, message.s)));
    const schema = message.t === 'progress' ? call.method.progress : call.method.output;
    const parsed = parseWith(schema, message.v);
    if (!parsed.ok) {
      const reason = `${call.method.name} answered against its schema: ${parsed.error.message}`;
      settleCall(message.id, err(fault('invalid', reason)));
      return void send(from, { t: 'cancel', id: message.id }, 'control');
    }
    if (message.t === 'progress') return call.onProgress?.(parsed.value);
    return settleCall(message.id, ok(parsed.value));
  };

  const onStray = (from: PeerId, id: number) => {
    telemetry.count('rpc_stray_answers_total');
    if (id < nextId) return; // a late answer to a call that is over, or one that arrived twice
    const strays = (strayAnswersByPeer.get(from) ?? 0) + 1;
    strayAnswersByPeer.set(from, strays);
    if (strays > toleratedStrayAnswers) transport.expel(from, 'it answers calls that were never made');
  };

  const onMessage = (from: PeerId, bytes: Uint8Array) => {
    heardAtByPeer.set(from, clock.monotonic());
    askedAtByPeer.delete(from);
    meter.received(bytes.byteLength);
    const decoded = decodeWith(rpcMessageSchema, bytes, {
      maxBytes: rpcLimits.maxMessageBytes,
      maxDepth: rpcLimits.maxDepth,
    });
    if (!decoded.ok) return transport.expel(from, `it sent an unreadable message: ${decoded.error.message}`);
    const message = decoded.value;
    switch (message.t) {
      case 'call':
        return serving.onCall(from, message);
      case 'cancel':
        return serving.onCancel(from, message.id);
      case 'ping':
        return void send(from, { t: 'pong', n: message.n }, 'control');
      case 'pong':
        return undefined;
      default:
        return onReply(from, message);
    }
  };

  const onPeerDown = (peer: PeerId, reason: Fault) => {
    heardAtByPeer.delete(peer);
    pingedAtByPeer.delete(peer);
    askedAtByPeer.delete(peer);
    strayAnswersByPeer.delete(peer);
    serving.onPeerDown(peer);
    for (const [id, call] of [...callsById]) {
      if (call.to === peer) settleCall(id, err(fault('peer-lost', `the link was lost: ${reason.message}`)));
    }
  };

  const stopMessages = transport.messages(({ from, bytes }) => onMessage(from, bytes));
  const stopChanges = transport.changes((change) => {
    if (change.kind === 'down') onPeerDown(change.peer, change.reason);
  });

  const deliver = async (id: number, call: PendingCall, bytes: Bytes) => {
    const reached = await transport.reach(call.to);
    if (callsById.get(id) !== call) return; // cancelled, or too late
    if (!reached.ok) return settleCall(id, err(fault('peer-lost', reached.error.message)));
    call.since = clock.monotonic();
    const sent = await sendBytes(call.to, bytes, call.method.priority);
    if (!sent.ok) settleCall(id, err(toRpcError(sent.error, bytes.byteLength)));
    return undefined;
  };

  const startCall = (
    to: PeerId,
    method: Method<unknown, unknown, unknown>,
    input: unknown,
    callOptions: CallOptions<unknown>,
    span: Span | undefined,
  ) =>
    new Promise<Result<unknown, RpcError>>((resolve) => {
      const { deadline, signal, onProgress } = callOptions;
      const d = Math.max(1, Math.min(Math.round(deadline), rpcLimits.maxDeadlineMs));
      // A span for which its trace has no room names its parent: there is none for what the other side would add either.
      const isKept = span !== undefined && span.context !== callOptions.trace;
      const tp = isKept ? formatTraceparent(span.context) : undefined;
      const traced = tp === undefined ? {} : { tp };
      const bytes = encodeRpc({ t: 'call', id: nextId, m: method.name, i: input, d, ...traced });
      const id = nextId++;
      const abandon = (error: RpcError) => {
        if (!callsById.has(id)) return;
        void send(to, { t: 'cancel', id }, 'control');
        settleCall(id, err(error));
      };
      const onAbort = () => abandon(fault('cancelled', 'the caller cancelled'));
      const cancelDeadline = deadlines.after(deadline, () =>
        abandon(fault('deadline', `${method.name} took longer than ${Math.round(deadline / 1_000)} s`)),
      );
      signal?.addEventListener('abort', onAbort, { once: true });
      const settle = (result: Result<unknown, RpcError>) => {
        cancelDeadline();
        signal?.removeEventListener('abort', onAbort);
        resolve(result);
      };
      const pending: PendingCall = { to, since: undefined, method, onProgress, settle };
      callsById.set(id, pending);
      stopWatching ??= timers.every(watchEvery, watch);
      void deliver(id, pending, bytes);
    });

  /** A call that was cancelled has not failed: whoever made it went elsewhere. */
  const measure = (
    name: string,
    startedAt: number,
    span: Span | undefined,
    result: Result<unknown, RpcError>,
  ) => {
    const outcome = result.ok ? 'ok' : result.error.code;
    meter.called(name, outcome, (clock.monotonic() - startedAt) / 1_000);
    if (!span) return;
    span.set({ outcome });
    span.end(result.ok || outcome === 'cancelled' ? undefined : result.error.message);
  };

  return {
    async call(to, method, input, callOptions) {
      if (closed) return err(fault('peer-lost', 'this tab has left the room'));
      if (callOptions.signal?.aborted) return err(fault('cancelled', 'the caller cancelled'));
      const { trace } = callOptions;
      const startedAt = clock.monotonic();
      const span =
        trace &&
        telemetry.span(method.name, { parent: trace, kind: 'client', fields: { peer: to }, now: startedAt });
      const result = await startCall(
        to,
        method as Method<unknown, unknown, unknown>,
        input,
        callOptions as CallOptions<unknown>,
        span,
      );
      measure(method.name, startedAt, span, result);
      // The method's schema has checked the answer, so it has the method's type.
      return result as Awaited<ReturnType<Rpc['call']>> as never;
    },
    handle: serving.handle,
    close() {
      closed = true;
      stopMessages();
      stopChanges();
      serving.close();
      for (const id of [...callsById.keys()])
        settleCall(id, err(fault('peer-lost', 'this tab has left the room')));
      unwatch();
      meter.close();
      deadlines.close();
    },
  };
};

/** A message that does not fit says nothing about its peer, so it must not count as a loss of it. */
const toRpcError = (error: SendError, bytes: number): RpcError => {
  if (error.code !== 'too-large') return fault('peer-lost', error.message);
  return fault(bytes > rpcLimits.maxMessageBytes ? 'refused' : 'overloaded', error.message);
};
