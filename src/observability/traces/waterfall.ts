import { criticalSpans } from './criticalPath.ts';
import { type Placed, placeSpans } from './placing.ts';
import type { SpanRecord, WaterfallRow } from './types.ts';

/** Spans may come from strangers: beyond this many of one trace nobody would look at them anyway. */
export const maxRows = 5_000;

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
