import type { SpanRecord } from './types.ts';

export type TailOptions = {
  readonly maxTraces: number;
  readonly maxSpansPerTrace: number;
  /** Spans of traces that nobody asked to keep, over all of them. */
  readonly maxPending: number;
  /** A trace of which nothing was heard for this long is over, or as good as over. */
  readonly forgetAfterMs: number;
};

/** What happens to an ended span: it is kept (with those that waited for it), it waits, or its trace has too many. */
export type TailDecision = { readonly kept: readonly SpanRecord[]; readonly dropped: number };

export interface TailBuffer {
  /**
   * A span of it has begun. Gives wall time minus monotonic time of the trace: one clock for the whole of it, though the
   * device's may jump.
   */
  began(traceId: string, now: number, offset: () => number): number;
  has(traceId: string): boolean;
  ended(record: SpanRecord, now: number): TailDecision;
  pending(): number;
}

type Trace = {
  readonly offset: number;
  touchedAt: number;
  running: number;
  spans: number;
  failed: boolean;
  pending: SpanRecord[];
};

/**
 * Keeps spans of traces that were not chosen until it is known whether one of them fails: then all that are still here are
 * kept, and all that follow. Bounded in every direction; what is pushed out was not chosen, so nobody misses it. Root and
 * boundary spans (those without a parent here) are kept beyond the limit of a trace: they end last and say what it was.
 */
export const createTailBuffer = (options: TailOptions): TailBuffer => {
  const traces = new Map<string, Trace>();
  let pending = 0;

  const release = (traceId: string, trace: Trace) => {
    pending -= trace.pending.length;
    traces.delete(traceId);
  };
  /** Of a trace that still runs only what waits is forgotten, not that it is ours and whether it failed. */
  const emptied = (traceId: string, trace: Trace, now: number) => {
    release(traceId, trace);
    trace.pending = [];
    trace.touchedAt = now;
    traces.set(traceId, trace);
  };
  const forgetOld = (now: number) => {
    for (const [id, trace] of traces) {
      const old = now - trace.touchedAt > options.forgetAfterMs;
      const full = traces.size > options.maxTraces;
      if (!old && !full && pending <= options.maxPending) return;
      if (trace.running > 0 && !full) emptied(id, trace, now);
      else release(id, trace);
    }
  };
  const touch = (traceId: string, now: number, offset: () => number): Trace => {
    const known = traces.get(traceId);
    const trace = known ?? {
      offset: offset(),
      touchedAt: now,
      running: 0,
      spans: 0,
      failed: false,
      pending: [],
    };
    trace.touchedAt = now;
    if (known) traces.delete(traceId); // again at the end
    traces.set(traceId, trace);
    if (!known) forgetOld(now);
    return trace;
  };

  return {
    began(traceId, now, offset) {
      const trace = touch(traceId, now, offset);
      trace.running++;
      return trace.offset;
    },
    has: (traceId) => traces.has(traceId),
    pending: () => pending,
    ended(record, now) {
      const { traceId, sampled } = record.context;
      const trace = touch(traceId, now, () => record.startedAt - now);
      trace.failed ||= record.failure !== undefined;
      trace.spans++;
      trace.running = Math.max(0, trace.running - 1);
      const boundary = record.parentId === undefined || record.kind === 'server';
      if (trace.spans > options.maxSpansPerTrace && !boundary) return { kept: [], dropped: 1 };
      if (!sampled && !trace.failed) {
        trace.pending.push(record);
        pending++;
        forgetOld(now);
        return { kept: [], dropped: 0 };
      }
      const kept = [...trace.pending, record];
      pending -= trace.pending.length;
      trace.pending = [];
      return { kept, dropped: 0 };
    },
  };
};
