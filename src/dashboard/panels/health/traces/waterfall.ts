import type { WaterfallRow } from '../../../../app/telemetryView.ts';

/** A row that is drawn: where its bar stands, as shares of the axis, and whether something hangs below it. */
export type DrawnRow = {
  readonly row: WaterfallRow;
  readonly id: string;
  readonly left: number;
  readonly width: number;
  readonly children: boolean;
  readonly collapsed: boolean;
  /** It begins before, or ends after, its parent at another place: the two clocks don't agree. */
  readonly shifted: boolean;
};
export type Axis = { readonly fromMs: number; readonly toMs: number };

/** Of another device the name stands beside it: `node` is set on what a peer has told. */
export const whereInWords = ({ where, fields }: WaterfallRow['span']): string =>
  fields['node'] === undefined ? where : `${where} of ${fields['node']}`;

const idOf = (row: WaterfallRow): string => row.span.context.spanId;
/** Less than this is how exactly two clocks that agree are read. */
const clockSlackMs = 2;

/** From the first beginning to the last end; a clock that runs behind may begin before the trace did. */
export const axisOf = (rows: readonly WaterfallRow[]): Axis => {
  let fromMs = 0;
  let toMs = 0;
  for (const { offsetMs, durationMs } of rows) {
    fromMs = Math.min(fromMs, offsetMs);
    toMs = Math.max(toMs, offsetMs + durationMs);
  }
  return { fromMs, toMs: toMs > fromMs ? toMs : fromMs + 1 };
};

/** What is not below a collapsed row, in the order in which it was given: parents before children. */
export const drawnRows = (
  rows: readonly WaterfallRow[],
  collapsed: ReadonlySet<string>,
  axis: Axis = axisOf(rows),
): readonly DrawnRow[] => {
  const span = axis.toMs - axis.fromMs;
  const byId = new Map(rows.map((row) => [idOf(row), row]));
  const drawn: DrawnRow[] = [];
  let hiddenBelow = Number.POSITIVE_INFINITY;
  rows.forEach((row, index) => {
    if (row.depth > hiddenBelow) return;
    const id = idOf(row);
    hiddenBelow = collapsed.has(id) ? row.depth : Number.POSITIVE_INFINITY;
    drawn.push({
      row,
      id,
      left: (row.offsetMs - axis.fromMs) / span,
      width: row.durationMs / span,
      children: (rows[index + 1]?.depth ?? 0) > row.depth,
      collapsed: collapsed.has(id),
      shifted: isShifted(row, byId.get(row.span.parentId ?? '')),
    });
  });
  return drawn;
};

/** Only what fits in sight, and a few more above and below it. */
export const inSight = (
  count: number,
  rowHeight: number,
  scrollTop: number,
  height: number,
): { readonly first: number; readonly last: number } => {
  const spare = 8;
  const first = Math.max(0, Math.floor(scrollTop / rowHeight) - spare);
  return { first, last: Math.min(count, Math.ceil((scrollTop + height) / rowHeight) + spare) };
};

/** Round steps of 1, 2 or 5: at most `most` of them, beginning at the first that is in sight. */
export const ticksOf = ({ fromMs, toMs }: Axis, most: number): readonly number[] => {
  const rough = (toMs - fromMs) / Math.max(1, most);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((factor) => power * factor >= rough) ?? 10);
  const first = Math.ceil(fromMs / step);
  const count = Math.floor(toMs / step) - first + 1;
  return Array.from({ length: Math.max(0, count) }, (_, index) =>
    Number(((first + index) * step).toPrecision(12)),
  );
};

export type Move = 'up' | 'down' | 'first' | 'last' | 'page-up' | 'page-down';
const pageRows = 12;

export const moved = (index: number, move: Move, count: number): number => {
  const targets: Record<Move, number> = {
    up: index - 1,
    down: index + 1,
    first: 0,
    last: count - 1,
    'page-up': index - pageRows,
    'page-down': index + pageRows,
  };
  return Math.max(0, Math.min(count - 1, targets[move]));
};

/** The row above it that is less deep: what it hangs below. -1 for a root. */
export const parentIndex = (rows: readonly DrawnRow[], index: number): number => {
  const depth = rows[index]?.row.depth ?? 0;
  for (let i = index - 1; i >= 0; i--) if ((rows[i]?.row.depth ?? 0) < depth) return i;
  return -1;
};

const isShifted = (row: WaterfallRow, parent: WaterfallRow | undefined): boolean =>
  parent !== undefined &&
  whereInWords(parent.span) !== whereInWords(row.span) &&
  (row.offsetMs < parent.offsetMs - clockSlackMs ||
    (row.span.endedAt !== undefined &&
      parent.span.endedAt !== undefined &&
      row.offsetMs + row.durationMs > parent.offsetMs + parent.durationMs + clockSlackMs));
