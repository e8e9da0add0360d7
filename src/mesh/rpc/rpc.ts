import { type Milliseconds, milliseconds, type PeerId } from '../../core/brand.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { Telemetry } from '../../core/ports/telemetry.ts';
import type { CancelTimer, Timers } from '../../core/ports/timers.ts';
import { err, type Fault, fault, ok, type Result } from '../../core/result.ts';
import { decodeWith, parseWith } from '../../core/schema.ts';
import type { CallOptions, MessageTransport, Method, Rpc, RpcError } from '../contracts.ts';
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
  const strayAnswersByPeer = new Map<PeerId, number>();
  let nextId = 1;
  let stopWatching: CancelTimer | undefined;

  const send = async (to: PeerId, message: RpcMessage, priority: 'control' | 'bulk') =>
    transport.send(to, encodeRpc(message), priority);

  const serving = createServing(
    {
      timers,
      telemetry,
      send: (to, message, priority) => void send(to, message, priority),
      expel: transport.expel,
    },
    limits,
  );

  const settleCall = (id: number, result: Result<unknown, RpcError>) => {
    const call = callsById.get(id);
    if (!call) return;
    callsById.delete(id);
    if (callsById.size === 0) {
      stopWatching?.();
      stopWatching = undefined;
    }
    call.settle(result);
  };

  /** Of every peer that owes us an answer: ask after a second of silence, give up after three. */
  const watch = () => {
    const now = clock.monotonic();
    for (const [id, { to }] of [...callsById]) {
      const silentFor = now - (heardAtByPeer.get(to) ?? now);
      if (silentFor >= limits.silentAfter) {
        void send(to, { t: 'cancel', id }, 'control');
        settleCall(id, err(fault('silent', `nothing was heard for ${(silentFor / 1_000).toFixed(1)} s`)));
      } else if (
        silentFor >= limits.pingAfter &&
        now - (pingedAtByPeer.get(to) ?? 0) >= limits.pingAfter / 2
      ) {
        pingedAtByPeer.set(to, now);
        void send(to, { t: 'ping', n: Math.round(now) }, 'control');
      }
    }
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

  const startCall = (
    to: PeerId,
    method: Method<unknown, unknown, unknown>,
    input: unknown,
    callOptions: CallOptions<unknown>,
  ) =>
    new Promise<Result<unknown, RpcError>>((resolve) => {
      const { deadline, signal, onProgress } = callOptions;
      const id = nextId++;
      const abandon = (error: RpcError) => {
        if (!callsById.has(id)) return;
        void send(to, { t: 'cancel', id }, 'control');
        settleCall(id, err(error));
      };
      const onAbort = () => abandon(fault('cancelled', 'the caller cancelled'));
      const cancelDeadline = timers.after(deadline, () =>
        abandon(fault('deadline', `${method.name} took longer than ${Math.round(deadline / 1_000)} s`)),
      );
      signal?.addEventListener('abort', onAbort, { once: true });
      const settle = (result: Result<unknown, RpcError>) => {
        cancelDeadline();
        signal?.removeEventListener('abort', onAbort);
        resolve(result);
      };
      // Silence counts from now only if nothing was owed: else a stream of new calls would hide a dead peer for ever.
      const owed = [...callsById.values()].some((call) => call.to === to);
      if (!owed) heardAtByPeer.set(to, clock.monotonic());
      callsById.set(id, { to, method, onProgress, settle });
      stopWatching ??= timers.every(watchEvery, watch);
      const d = Math.max(1, Math.min(Math.round(deadline), rpcLimits.maxDeadlineMs));
      void send(to, { t: 'call', id, m: method.name, i: input, d }, method.priority).then((sent) => {
        if (!sent.ok) settleCall(id, err(fault('peer-lost', sent.error.message)));
      });
    });

  return {
    async call(to, method, input, callOptions) {
      if (callOptions.signal?.aborted) return err(fault('cancelled', 'the caller cancelled'));
      const result = await startCall(
        to,
        method as Method<unknown, unknown, unknown>,
        input,
        callOptions as CallOptions<unknown>,
      );
      // The method's schema has checked the answer, so it has the method's type.
      return result as Awaited<ReturnType<Rpc['call']>> as never;
    },
    handle: serving.handle,
    close() {
      stopMessages();
      stopChanges();
      serving.close();
      for (const id of [...callsById.keys()])
        settleCall(id, err(fault('peer-lost', 'this tab has left the room')));
    },
  };
};
