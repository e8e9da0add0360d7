import type { SpanRecord } from './types.ts';

/** A span in its place: under its parent, and on one time axis with all others. */
export type Placed = {
  readonly span: SpanRecord;
  readonly depth: number;
  readonly orphan: boolean;
  /** By the clocks of all devices put right. */
  readonly start: number;
  readonly end: number;
  readonly shift: number;
  /** By start. */
  readonly children: Placed[];
};

/** Parents before children, siblings by start. Every span once, whatever its parents say. */
export const placeSpans = (spans: readonly SpanRecord[]): readonly Placed[] => {
  const byId = new Map<string, SpanRecord>();
  for (const span of spans) if (!byId.has(span.context.spanId)) byId.set(span.context.spanId, span);
  const childrenOf = new Map<string, SpanRecord[]>();
  const tops: SpanRecord[] = [];
  for (const span of byId.values()) {
    const { parentId } = span;
    const siblings = parentId === undefined ? undefined : childrenOf.get(parentId);
    if (parentId === undefined || !byId.has(parentId)) tops.push(span);
    else if (siblings) siblings.push(span);
    else childrenOf.set(parentId, [span]);
  }
  const latest = [...byId.values()].reduce(
    (most, { startedAt, endedAt }) => Math.max(most, endedAt ?? startedAt),
    0,
  );
  const rows: Placed[] = [];
  const seen = new Set<string>();
  const placeAll = (roots: readonly SpanRecord[]) => {
    for (const root of [...roots].sort(byStart)) placeTree(root, { childrenOf, latest, rows, seen });
  };
  placeAll(tops);
  // What is left stands in a circle: it is opened at its oldest.
  for (const span of [...byId.values()].sort(byStart)) if (!seen.has(span.context.spanId)) placeAll([span]);
  return rows;
};

type Placing = {
  readonly childrenOf: ReadonlyMap<string, readonly SpanRecord[]>;
  readonly latest: number;
  readonly rows: Placed[];
  readonly seen: Set<string>;
};

/** Depth first with a stack of its own: a chain may be as long as a stranger likes. */
const placeTree = (root: SpanRecord, { childrenOf, latest, rows, seen }: Placing): void => {
  const stack = [place(root, undefined, latest)];
  seen.add(root.context.spanId);
  for (let row = stack.pop(); row; row = stack.pop()) {
    rows.push(row);
    for (const span of childrenOf.get(row.span.context.spanId) ?? []) {
      if (seen.has(span.context.spanId)) continue;
      seen.add(span.context.spanId);
      row.children.push(place(span, row, latest));
    }
    row.children.sort((a, b) => a.start - b.start || byStart(a.span, b.span));
    stack.push(...row.children.toReversed());
  }
};

const place = (span: SpanRecord, parent: Placed | undefined, latest: number): Placed => {
  const ownEnd = Math.max(span.startedAt, span.endedAt ?? latest);
  const shift = parent ? shiftUnder(span, ownEnd, parent) : 0;
  return {
    span,
    depth: parent ? parent.depth + 1 : 0,
    orphan: parent === undefined && span.parentId !== undefined,
    start: span.startedAt + shift,
    end: ownEnd + shift,
    shift,
    children: [],
  };
};

/**
 * What is done for a caller can't begin before the call, nor, if the caller had its answer, end after it. Where it seems to, two
 * clocks differ: the served part is put into the middle of the call, as if the way there took as long as the way back
 * (Cristian 1989; Jaeger does the same). All below it on that device moves along.
 */
const shiftUnder = (span: SpanRecord, ownEnd: number, parent: Placed): number => {
  if (!isElsewhere(span, parent.span)) return parent.shift;
  const answered = parent.span.kind === 'client' && parent.span.failure === undefined && isEnded(parent.span);
  const early = span.startedAt < parent.start;
  const late = answered && ownEnd > parent.end && isEnded(span);
  if (!early && !late) return 0;
  const slack = parent.end - parent.start - (ownEnd - span.startedAt);
  return parent.start + Math.max(0, slack / 2) - span.startedAt;
};

/** A worker has its page's clock; what is served for a caller, or runs at the server, has one of its own. */
const isElsewhere = (span: SpanRecord, parent: SpanRecord): boolean =>
  (span.kind === 'server' && parent.kind === 'client') ||
  (span.kind === 'consumer' && parent.kind === 'producer') ||
  (span.where === 'server') !== (parent.where === 'server');

const isEnded = (span: SpanRecord): boolean => span.endedAt !== undefined;

const byStart = (a: SpanRecord, b: SpanRecord): number =>
  a.startedAt - b.startedAt || (a.context.spanId < b.context.spanId ? -1 : 1);
