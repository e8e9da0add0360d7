import type { SpanRecord } from './types.ts';

export type TailOptions = {
  readonly maxTraces: number;
  /** Beside its first. */
  readonly maxSpansPerTrace: number;
  /** Spans of traces that nobody asked to keep, over all of them. */
  readonly maxPending: number;
  /** A trace of which nothing was heard for this long is over, or as good as over. */
  readonly forgetAfterMs: number;
};

export interface TailBuffer {
  /**
   * A span of it begins. Gives wall time minus monotonic time of the trace: one clock for the whole of it, though the
   * device's may jump. Undefined: it has as many spans as it may have.
   */
  began(traceId: string, now: number, offset: () => number): number | undefined;
  has(traceId: string): boolean;
  /** What is kept from now on: nothing as long as it waits, or itself behind those that waited for it. */
  ended(record: SpanRecord, now: number): readonly SpanRecord[];
  /** Something failed in it of which there is no span. */
  failed(traceId: string): void;
  pending(): number;
}

type Trace = {
  readonly id: string;
  readonly offset: number;
  touchedAt: number;
  running: number;
  /** That have begun. */
  spans: number;
  failed: boolean;
  pending: SpanRecord[];
};

const nothing: readonly SpanRecord[] = [];

/**
 * Keeps spans of traces that were not chosen until it is known whether one of them fails: then all that are still here are
 * kept, and all that follow. Bounded in every direction; what is pushed out was not chosen, so nobody misses it. The spans of a
 * trace are counted when they begin: its root, which says what it was, ends last and must have its place.
 */
export const createTailBuffer = (options: TailOptions): TailBuffer => {
  const traces = new Map<string, Trace>();
  let pending = 0;
  /** The one at the end of the map: most spans are of the trace that the last one was of. */
  let newest: Trace | undefined;

  const release = (trace: Trace) => {
    pending -= trace.pending.length;
    traces.delete(trace.id);
    if (newest === trace) newest = undefined;
  };
  /** Of a trace that still runs only what waits is forgotten, not that it is ours and whether it failed. */
  const emptied = (trace: Trace, now: number) => {
    release(trace);
    trace.pending = [];
    trace.touchedAt = now;
    traces.set(trace.id, trace);
    newest = trace;
  };
  const forgetOld = (now: number) => {
    for (const trace of traces.values()) {
      const old = now - trace.touchedAt > options.forgetAfterMs;
      const full = traces.size > options.maxTraces;
      if (!old && !full && pending <= options.maxPending) return;
      if (trace.running > 0 && !full) emptied(trace, now);
      else release(trace);
    }
  };
  const touch = (id: string, now: number, offset: () => number): Trace => {
    if (newest?.id === id) {
      newest.touchedAt = now;
      return newest;
    }
    const known = traces.get(id);
    const trace = known ?? {
      id,
      offset: offset(),
      touchedAt: now,
      running: 0,
      spans: 0,
      failed: false,
      pending: [],
    };
    trace.touchedAt = now;
    if (known) traces.delete(id); // again at the end
    traces.set(id, trace);
    newest = trace;
    if (!known) forgetOld(now);
    return trace;
  };

  return {
    began(traceId, now, offset) {
      const trace = touch(traceId, now, offset);
      if (trace.spans > options.maxSpansPerTrace) return undefined;
      trace.spans++;
      trace.running++;
      return trace.offset;
    },
    has: (traceId) => newest?.id === traceId || traces.has(traceId),
    pending: () => pending,
    failed(traceId) {
      const trace = traces.get(traceId);
      if (trace) trace.failed = true;
    },
    ended(record, now) {
      const { traceId, sampled } = record.context;
      const trace = touch(traceId, now, () => record.startedAt - now);
      trace.failed ||= record.failure !== undefined;
      trace.running = Math.max(0, trace.running - 1);
      if (!sampled && !trace.failed) {
        trace.pending.push(record);
        pending++;
        forgetOld(now);
        return nothing;
      }
      if (trace.pending.length === 0) return [record];
      const kept = [...trace.pending, record];
      pending -= trace.pending.length;
      trace.pending = [];
      return kept;
    },
  };
};
