import { criticalSpans } from './criticalPath.ts';
import { type Placed, placeSpans } from './placing.ts';
import type { SpanRecord, TraceSummary, WaterfallRow } from './types.ts';

/** Spans may come from strangers: beyond this many of one trace nobody would look at them anyway. */
export const maxRows = 5_000;

/** One line per trace, newest first. */
export const summariesOf = (spans: readonly SpanRecord[]): readonly TraceSummary[] => {
  const byTrace = new Map<string, SpanRecord[]>();
  for (const span of spans) {
    const known = byTrace.get(span.context.traceId);
    if (known) known.push(span);
    else byTrace.set(span.context.traceId, [span]);
  }
  return [...byTrace.values()].map(summaryOf).sort((a, b) => b.startedAt - a.startedAt);
};

/** At least one span, all of one trace. Its time is that of its root, if that is here. */
export const summaryOf = (spans: readonly SpanRecord[]): TraceSummary => {
  let oldest: SpanRecord | undefined;
  let root: SpanRecord | undefined;
  let failures = 0;
  let end = 0;
  for (const span of spans) {
    if (!oldest || span.startedAt < oldest.startedAt) oldest = span;
    if (span.parentId === undefined && (!root || span.startedAt < root.startedAt)) root = span;
    if (span.failure !== undefined) failures++;
    end = Math.max(end, span.endedAt ?? span.startedAt);
  }
  const head = root ?? oldest;
  if (!head) throw new Error('a summary needs a span');
  const job = root?.fields['job'];
  return {
    traceId: head.context.traceId,
    name: head.name,
    startedAt: head.startedAt,
    durationMs: Math.max(0, (root?.endedAt ?? end) - head.startedAt),
    spans: spans.length,
    failures,
    job: typeof job === 'string' ? job : undefined,
  };
};

/** The newest trace of a job among these. */
export const traceOfJob = (summaries: readonly TraceSummary[], job: string): string | undefined =>
  summaries.filter((summary) => summary.job === job).sort((a, b) => b.startedAt - a.startedAt)[0]?.traceId;

/**
 * The spans of one trace as they are drawn. Takes what strangers may send: spans twice, without parents, in circles, a hundred
 * thousand in a chain. What still runs is drawn up to the newest time that is known.
 */
export const waterfallOf = (spans: readonly SpanRecord[]): WaterfallRow[] => {
  const placed = placeSpans(spans.slice(0, maxRows));
  const critical = criticalSpans(placed);
  const start = placed.reduce((least, { start: at }) => Math.min(least, at), Number.POSITIVE_INFINITY);
  return placed.map((row) => ({
    span: row.span,
    depth: row.depth,
    orphan: row.orphan,
    offsetMs: row.start - start,
    durationMs: row.end - row.start,
    selfMs: selfTime(row),
    critical: critical.has(row),
    ...(row.shift === 0 ? {} : { shiftedMs: row.shift }),
  }));
};

/** Its time without that of its children; children at the same time count once. */
const selfTime = ({ start, end, children }: Placed): number => {
  let self = end - start;
  let covered = start;
  for (const child of children) {
    const from = Math.max(covered, child.start);
    const to = Math.min(end, child.end);
    if (to <= from) continue;
    self -= to - from;
    covered = to;
  }
  return Math.max(0, self);
};
