import { milliseconds, type PeerId } from '../../core/brand.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { Span, Telemetry } from '../../core/ports/telemetry.ts';
import { parseWith } from '../../core/schema.ts';
import { parseTraceparent } from '../../observability/traces/traceparent.ts';
import type { Handler, MessageTransport, Method, Priority, Rpc } from '../contracts.ts';
import type { Deadlines } from './deadlines.ts';
import type { RpcMeter } from './meter.ts';
import type { RpcMessage } from './protocol.ts';

type AnyMethod = Method<unknown, unknown, unknown>;
type AnyHandler = Handler<unknown, unknown, unknown>;
type Call = Extract<RpcMessage, { t: 'call' }>;
type ErrorCode = Extract<RpcMessage, { t: 'error' }>['c'];
type ServedOutcome = ErrorCode | 'ok' | 'cancelled';

/** How many call ids per peer are remembered, to run a repeated call once and to meet a cancel that came first. */
const rememberedIds = 4_096;

export interface Serving {
  readonly handle: Rpc['handle'];
  onCall(from: PeerId, call: Call): void;
  onCancel(from: PeerId, id: number): void;
  onPeerDown(peer: PeerId): void;
  close(): void;
}

/** The answering half of RPC: runs handlers within limits, aborts them when nobody waits for the answer any more. */
export const createServing = (
  deps: {
    readonly clock: Clock;
    readonly deadlines: Deadlines;
    readonly telemetry: Telemetry;
    readonly meter: RpcMeter;
    readonly send: (
      to: PeerId,
      message: RpcMessage,
      priority: Priority,
    ) => ReturnType<MessageTransport['send']>;
    readonly expel: MessageTransport['expel'];
  },
  limits: { readonly maxInboundPerPeer: number; readonly maxInbound: number },
): Serving => {
  const handlersByName = new Map<string, { readonly method: AnyMethod; readonly handler: AnyHandler }>();
  const runningByPeer = new Map<PeerId, Map<number, AbortController>>();
  const seenByPeer = new Map<PeerId, Set<number>>();

  const running = (peer: PeerId) => {
    const known = runningByPeer.get(peer) ?? new Map<number, AbortController>();
    runningByPeer.set(peer, known);
    return known;
  };
  const total = () => [...runningByPeer.values()].reduce((sum, calls) => sum + calls.size, 0);

  /** True the first time an id is met; a cancel marks it too, so that the call it overtook is not run. */
  const markSeen = (peer: PeerId, id: number): boolean => {
    const seen = seenByPeer.get(peer) ?? new Set<number>();
    seenByPeer.set(peer, seen);
    if (seen.has(id)) return false;
    seen.add(id);
    const oldest = seen.values().next();
    if (seen.size > rememberedIds && !oldest.done) seen.delete(oldest.value);
    return true;
  };

  const run = async (
    from: PeerId,
    { id, d, tp }: Call,
    input: unknown,
    method: AnyMethod,
    handler: AnyHandler,
  ) => {
    const controller = new AbortController();
    const calls = running(from);
    calls.set(id, controller);
    const parent = parseTraceparent(tp);
    const startedAt = deps.clock.monotonic();
    const span =
      parent &&
      deps.telemetry.span(method.name, { parent, kind: 'server', fields: { peer: from }, now: startedAt });
    let told = false;
    const served = (outcome: ServedOutcome, failure?: string) => {
      if (!told) measure(method.name, startedAt, span, outcome, failure);
      told = true;
    };
    const cancelDeadline = deps.deadlines.after(milliseconds(d), () => controller.abort());
    const isCurrent = () => !controller.signal.aborted;
    const progress = (value: unknown) => {
      if (calls.has(id) && isCurrent()) void deps.send(from, { t: 'progress', id, v: value }, 'control');
    };
    const fail = (code: ErrorCode, message: string) => {
      if (isCurrent())
        void deps.send(from, { t: 'error', id, c: code, s: message.slice(0, 1_000) }, 'control');
    };
    const leave = () => {
      cancelDeadline();
      calls.delete(id);
      if (calls.size === 0 && runningByPeer.get(from) === calls) runningByPeer.delete(from);
    };
    try {
      const result = await handler(input, {
        from,
        signal: controller.signal,
        progress,
        trace: span?.context,
      });
      leave();
      if (!isCurrent()) return served('cancelled');
      served(result.ok ? 'ok' : result.error.code, result.ok ? undefined : result.error.message);
      if (!result.ok) return fail(result.error.code, result.error.message);
      const sent = await deps.send(from, { t: 'answer', id, v: result.value }, method.priority);
      if (!sent.ok && sent.error.code === 'too-large') fail('failed', `the answer: ${sent.error.message}`);
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : String(cause);
      deps.telemetry.log('error', 'rpc', `${method.name} threw: ${message}`);
      served(isCurrent() ? 'failed' : 'cancelled', message);
      fail('failed', `${method.name} failed here`);
    } finally {
      leave();
    }
  };

  const measure = (
    method: string,
    startedAt: number,
    span: Span | undefined,
    outcome: ServedOutcome,
    failure: string | undefined,
  ) => {
    deps.meter.served(method, outcome, (deps.clock.monotonic() - startedAt) / 1_000);
    if (!span) return;
    span.set({ outcome });
    // To refuse is an answer; the caller decides what it means.
    span.end(outcome === 'failed' ? failure : undefined);
  };

  return {
    handle(method, handler) {
      if (handlersByName.has(method.name)) throw new Error(`${method.name} has a handler already`);
      handlersByName.set(method.name, {
        method: method as unknown as AnyMethod,
        handler: handler as unknown as AnyHandler,
      });
      return () => void handlersByName.delete(method.name);
    },
    onCall(from, call) {
      if (!markSeen(from, call.id)) return;
      const refuse = (c: 'refused' | 'overloaded', s: string) =>
        void deps.send(from, { t: 'error', id: call.id, c, s }, 'control');
      const known = handlersByName.get(call.m);
      if (!known) return refuse('refused', `this tab does not offer ${call.m}`);
      if ((runningByPeer.get(from)?.size ?? 0) >= limits.maxInboundPerPeer || total() >= limits.maxInbound) {
        return refuse('overloaded', 'too many calls at once: try again later');
      }
      const input = parseWith(known.method.input, call.i);
      if (!input.ok)
        return deps.expel(from, `${call.m} was called against its schema: ${input.error.message}`);
      return void run(from, call, input.value, known.method, known.handler);
    },
    onCancel(from, id) {
      markSeen(from, id);
      // Its place is free when the handler has really stopped, or calls and cancels by turns would pile up work.
      runningByPeer.get(from)?.get(id)?.abort();
    },
    onPeerDown(peer) {
      for (const controller of runningByPeer.get(peer)?.values() ?? []) controller.abort();
      seenByPeer.delete(peer);
    },
    close() {
      for (const calls of runningByPeer.values()) for (const controller of calls.values()) controller.abort();
    },
  };
};
