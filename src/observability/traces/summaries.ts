import type { SpanRecord, TraceSummary } from './types.ts';

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
