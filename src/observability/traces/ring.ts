import type { Store } from '../../core/events.ts';
import type { Journal } from '../journal.ts';
import { createLazyStore } from '../lazyStore.ts';
import { summaryOf } from './summaries.ts';
import type { SpanRecord, TraceSummary } from './types.ts';

export type SpanRingOptions = {
  readonly maxTraces: number;
  /** Traces that others began: their number must not push ours out. */
  readonly maxForeignTraces: number;
  readonly maxSpans: number;
};
export const spanRingDefaults: SpanRingOptions = { maxTraces: 200, maxForeignTraces: 50, maxSpans: 3_000 };

export interface SpanRing {
  add(record: SpanRecord, foreign: boolean): void;
  /** Newest first. */
  readonly traces: Store<readonly TraceSummary[]>;
  /** All that is known of it: here, and on disk from other tabs and earlier lives. */
  spansOf(traceId: string): Promise<readonly SpanRecord[]>;
  /** The newest trace of a job. */
  traceOfJob(job: string): Promise<string | undefined>;
  /** From now on every span goes there too; what lies there is shown from now on. */
  keepIn(journal: Journal<SpanRecord>): Promise<void>;
  clear(): void;
}

type Trace = { readonly id: string; spans: SpanRecord[]; summary: TraceSummary | undefined };

/**
 * Ended spans of the newest traces. When there are too many, the trace of which nothing was heard for longest goes, whole: those of
 * others before ours.
 */
export const createSpanRing = (
  options: Partial<SpanRingOptions> = {},
  schedule?: (tell: () => void) => void,
): SpanRing => {
  const limits = { ...spanRingDefaults, ...options };
  const own = new Map<string, Trace>();
  const foreign = new Map<string, Trace>();
  let spans = 0;
  /** At the end of its map already. */
  let newest: Trace | undefined;
  let journal: Journal<SpanRecord> | undefined;
  const all = () => [...foreign.values(), ...own.values()];

  const summaries = createLazyStore<readonly TraceSummary[]>(
    () =>
      all()
        .map((trace) => {
          trace.summary ??= summaryOf(trace.spans);
          return trace.summary;
        })
        .sort((a, b) => b.startedAt - a.startedAt),
    schedule,
  );
  /** False if there is none but the newest. */
  const removeOldest = (traces: Map<string, Trace>, newest: string): boolean => {
    for (const [id, trace] of traces) {
      if (id === newest) continue;
      traces.delete(id);
      spans -= trace.spans.length;
      return true;
    }
    return false;
  };
  const isFull = () => own.size + foreign.size > limits.maxTraces || spans > limits.maxSpans;
  const makeRoom = (newest: string, trace: Trace) => {
    while (foreign.size > limits.maxForeignTraces && removeOldest(foreign, newest));
    while (isFull() && (removeOldest(foreign, newest) || removeOldest(own, newest)));
    if (spans <= limits.maxSpans) return;
    // Only the newest is left: its own oldest spans go, a tenth at a time, because to copy the rest costs more than a span.
    const before = trace.spans.length;
    trace.spans = trace.spans.slice(Math.max(1, Math.floor(limits.maxSpans / 10)));
    spans -= before - trace.spans.length;
  };
  const hold = (record: SpanRecord, isForeign: boolean) => {
    const { traceId } = record.context;
    const traces = own.has(traceId) || !(isForeign || foreign.has(traceId)) ? own : foreign;
    const known = traces.get(traceId);
    const trace = known ?? { id: traceId, spans: [], summary: undefined };
    if (trace !== newest) {
      if (known) traces.delete(traceId); // again at the end
      traces.set(traceId, trace);
      newest = trace;
    }
    trace.spans.push(record);
    trace.summary = undefined;
    spans++;
    makeRoom(traceId, trace);
    summaries.touch();
  };
  const clear = () => {
    own.clear();
    foreign.clear();
    newest = undefined;
    spans = 0;
  };
  const heldOf = (traceId: string) => (own.get(traceId) ?? foreign.get(traceId))?.spans ?? [];
  const onDisk = async () => ((await journal?.read()) ?? []).map(({ item }) => item);

  return {
    traces: summaries,
    add(record, foreign) {
      hold(record, foreign);
      journal?.append(record);
    },
    async spansOf(traceId) {
      const held = heldOf(traceId);
      const ids = new Set(held.map(({ context }) => context.spanId));
      const stored = (await onDisk()).filter(
        ({ context }) => context.traceId === traceId && !ids.has(context.spanId),
      );
      return [...stored, ...held];
    },
    async traceOfJob(job) {
      const held = all().flatMap((trace) => trace.spans);
      const roots = [...(await onDisk()), ...held].filter(({ fields }) => fields['job'] === job);
      return roots.sort((a, b) => b.startedAt - a.startedAt)[0]?.context.traceId;
    },
    async keepIn(kept) {
      journal = kept;
      const ours = [...own.values()].flatMap((trace) => trace.spans);
      const theirs = [...foreign.values()].flatMap((trace) => trace.spans);
      for (const record of [...theirs, ...ours]) kept.append(record);
      const stored = (await kept.read()).map(({ item }) => item);
      const known = new Set(all().flatMap((trace) => trace.spans.map(({ context }) => context.spanId)));
      const earlier = stored.filter(({ context }) => !known.has(context.spanId));
      const since = { own: [...own], foreign: [...foreign] };
      clear();
      // Oldest first, so that what is new pushes out what is old. Who began an old trace is not known any more.
      for (const record of earlier) hold(record, false);
      for (const [, trace] of since.foreign) for (const record of trace.spans) hold(record, true);
      for (const [, trace] of since.own) for (const record of trace.spans) hold(record, false);
    },
    clear() {
      clear();
      summaries.touch();
    },
  };
};
