import type { Store } from '../../core/events.ts';
import type { Journal } from '../journal.ts';
import { createLazyStore } from '../lazyStore.ts';
import type { SpanRecord, TraceSummary } from './types.ts';
import { summaryOf } from './waterfall.ts';

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

type Trace = { spans: SpanRecord[]; readonly foreign: boolean; summary: TraceSummary | undefined };

/** Ended spans of the newest traces. When there are too many the trace of which nothing was heard for longest goes, whole. */
export const createSpanRing = (
  options: Partial<SpanRingOptions> = {},
  schedule?: (tell: () => void) => void,
): SpanRing => {
  const limits = { ...spanRingDefaults, ...options };
  const traces = new Map<string, Trace>();
  let foreignTraces = 0;
  let spans = 0;
  let journal: Journal<SpanRecord> | undefined;

  const summaries = createLazyStore<readonly TraceSummary[]>(
    () =>
      [...traces.values()]
        .map((trace) => {
          trace.summary ??= summaryOf(trace.spans);
          return trace.summary;
        })
        .sort((a, b) => b.startedAt - a.startedAt),
    schedule,
  );
  const remove = (traceId: string, trace: Trace) => {
    traces.delete(traceId);
    spans -= trace.spans.length;
    if (trace.foreign) foreignTraces--;
  };
  const isFull = () =>
    traces.size > limits.maxTraces || foreignTraces > limits.maxForeignTraces || spans > limits.maxSpans;
  const makeRoom = (newest: string) => {
    for (const foreignOnly of [true, false]) {
      for (const [id, trace] of traces) {
        if (!isFull()) return;
        if (id === newest || (foreignOnly && foreignTraces <= limits.maxForeignTraces)) continue;
        if (trace.foreign || !foreignOnly) remove(id, trace);
      }
    }
    // Only the newest is left: its own oldest spans go.
    const trace = traces.get(newest);
    if (!trace || spans <= limits.maxSpans) return;
    const excess = spans - limits.maxSpans;
    trace.spans = trace.spans.slice(excess);
    spans -= excess;
  };
  const hold = (record: SpanRecord, foreign: boolean) => {
    const { traceId } = record.context;
    const known = traces.get(traceId);
    const trace = known ?? { spans: [], foreign, summary: undefined };
    if (!known && foreign) foreignTraces++;
    traces.delete(traceId); // again at the end
    traces.set(traceId, trace);
    trace.spans.push(record);
    trace.summary = undefined;
    spans++;
    if (isFull()) makeRoom(traceId);
    summaries.touch();
  };
  const onDisk = async () => ((await journal?.read()) ?? []).map(({ item }) => item);

  return {
    traces: summaries,
    add(record, foreign) {
      hold(record, foreign);
      journal?.append(record);
    },
    async spansOf(traceId) {
      const held = traces.get(traceId)?.spans ?? [];
      const ids = new Set(held.map(({ context }) => context.spanId));
      const stored = (await onDisk()).filter(
        ({ context }) => context.traceId === traceId && !ids.has(context.spanId),
      );
      return [...stored, ...held];
    },
    async traceOfJob(job) {
      const held = [...traces.values()].flatMap((trace) => trace.spans);
      const roots = [...(await onDisk()), ...held].filter(({ fields }) => fields['job'] === job);
      return roots.sort((a, b) => b.startedAt - a.startedAt)[0]?.context.traceId;
    },
    async keepIn(kept) {
      journal = kept;
      const now = [...traces.values()].map(({ spans: held, foreign }) => ({ held, foreign }));
      const stored = (await kept.read()).map(({ item }) => item);
      traces.clear();
      foreignTraces = 0;
      spans = 0;
      // Oldest first, so that what is new pushes out what is old. Who began an old trace is not known any more.
      for (const record of stored) hold(record, false);
      for (const { held, foreign } of now) for (const record of held) hold(record, foreign);
      for (const { held } of now) for (const record of held) kept.append(record);
    },
    clear() {
      traces.clear();
      foreignTraces = 0;
      spans = 0;
      summaries.touch();
    },
  };
};
