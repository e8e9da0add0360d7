import type { TraceSummary } from '../../../../app/telemetryView.ts';

export type TraceFilter = {
  readonly text: string;
  readonly failedOnly: boolean;
  readonly order: 'newest' | 'slowest';
};

/** By name, id or job; the text's every word must be there. */
export const filterTraces = (
  traces: readonly TraceSummary[],
  { text, failedOnly, order }: TraceFilter,
): readonly TraceSummary[] => {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const found = traces.filter((trace) => {
    const haystack = `${trace.name} ${trace.traceId} ${trace.job ?? ''}`.toLowerCase();
    return (!failedOnly || trace.failures > 0) && words.every((word) => haystack.includes(word));
  });
  return found.toSorted((a, b) =>
    order === 'slowest' ? b.durationMs - a.durationMs : b.startedAt - a.startedAt,
  );
};
