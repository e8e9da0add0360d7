import type { Placed, Row } from './layout.ts';

export const columnRules = {
  /** A gutter is at least this wide, in line heights. */
  minGutter: 0.6,
  /** Each side of a gutter has at least this many rows. */
  minRows: 3,
  /** Prose: the median row is at least this long, in line heights (about 14 characters) … */
  proseLength: 7,
  /** … and fills at least this share of its column. */
  proseFill: 0.6,
  /** Sides whose rows share baselines more rarely than this are independent, prose or not. */
  sharedBaselines: 0.6,
  /** Middles this close, in line heights, are level. */
  sameBaseline: 0.15,
} as const;

/**
 * Blocks in reading order, each a list of rows. A run of rows with a common gutter is read as columns, left before
 * right, when both sides are prose or when their rows don't align; else row by row, as tables and receipts are.
 * Runs are taken as long as possible from the top, so a heading above two columns stays outside of them.
 */
export const readingBlocks = (placed: readonly Placed[]): readonly (readonly Row[])[] =>
  orderRows(groupRows(placed), 0);

/** Columns inside columns end somewhere: newspapers have eight. */
const maxDepth = 4;

const orderRows = (rows: readonly Row[], depth: number): readonly (readonly Row[])[] => {
  const blocks: (readonly Row[])[] = [];
  let plain: Row[] = [];
  let at = 0;
  while (at < rows.length) {
    const split = depth < maxDepth ? findColumns(rows, at) : undefined;
    const row = rows[at];
    if (split) {
      if (plain.length > 0) blocks.push(plain);
      plain = [];
      blocks.push(...orderRows(groupRows(split.left), depth + 1));
      blocks.push(...orderRows(groupRows(split.right), depth + 1));
      at = split.end;
    } else {
      if (row) plain.push(row);
      at++;
    }
  }
  if (plain.length > 0) blocks.push(plain);
  return blocks;
};

/** Rows from top to bottom, pieces from left to right: a piece joins a row when their middles are close. */
export const groupRows = (placed: readonly Placed[]): readonly Row[] => {
  const sorted = [...placed].sort((a, b) => a.middle - b.middle || a.left - b.left || a.index - b.index);
  const rows: Placed[][] = [];
  let row: Placed[] = [];
  let middle = 0;
  let height = 0;
  for (const piece of sorted) {
    const near = Math.abs(piece.middle - middle) < 0.5 * Math.min(piece.height, height);
    if (row.length === 0 || !near || row.some((other) => overlaps(other, piece))) {
      row = [];
      rows.push(row);
    }
    row.push(piece);
    middle = row.reduce((sum, other) => sum + other.middle, 0) / row.length;
    height = row.reduce((sum, other) => sum + other.height, 0) / row.length;
  }
  for (const pieces of rows) pieces.sort((a, b) => a.left - b.left);
  return rows;
};

/** Two pieces of one row don't lie over each other by more than their boxes' margins. */
const overlaps = (a: Placed, b: Placed): boolean =>
  Math.min(a.right, b.right) - Math.max(a.left, b.left) >
  Math.max(0.5 * Math.min(a.height, b.height), 0.3 * Math.min(a.right - a.left, b.right - b.left));

type Gap = { from: number; to: number };
type ColumnSplit = { readonly left: Placed[]; readonly right: Placed[]; readonly end: number };

/** The longest run of rows from `start` on that has a gutter which makes columns. */
const findColumns = (rows: readonly Row[], start: number): ColumnSplit | undefined => {
  if (isRowOfCells(rows[start] ?? [])) return undefined;
  let best: ColumnSplit | undefined;
  let covered: Gap[] = [];
  const heights: number[] = [];
  for (let end = start; end < rows.length; end++) {
    const row = rows[end] ?? [];
    for (const piece of row) {
      covered = cover(covered, piece);
      heights.push(piece.height);
    }
    const height = medianOf(heights);
    const gutters = gapsBetween(covered).filter(
      ({ from, to }) => to - from >= columnRules.minGutter * height,
    );
    if (gutters.length === 0) {
      // One short heading leaves no gap and hides nothing that a later row could open again.
      return best;
    }
    if (end - start + 1 < columnRules.minRows) continue;
    const split = bestSplit(rows.slice(start, end + 1), gutters);
    if (split) best = { ...split, end: end + 1 };
  }
  return best;
};

const bestSplit = (
  rows: readonly Row[],
  gutters: readonly Gap[],
): { left: Placed[]; right: Placed[] } | undefined => {
  const first = rows[0] ?? [];
  for (const { from, to } of [...gutters].sort((a, b) => b.to - b.from - (a.to - a.from))) {
    const middle = (from + to) / 2;
    const pieces = rows.flat();
    const left = pieces.filter((piece) => piece.right <= middle);
    const right = pieces.filter((piece) => piece.right > middle);
    if (first.length > 0 && areColumns(groupRows(left), groupRows(right))) return { left, right };
  }
  return undefined;
};

const areColumns = (left: readonly Row[], right: readonly Row[]): boolean => {
  if (left.length < columnRules.minRows || right.length < columnRules.minRows) return false;
  if (isProse(left) && isProse(right)) return true;
  return sharedBaselines(left, right) < columnRules.sharedBaselines;
};

const isProse = (rows: readonly Row[]): boolean => {
  const pieces = rows.flat();
  const width = Math.max(...pieces.map(({ right }) => right)) - Math.min(...pieces.map(({ left }) => left));
  const fills = rows.map((row) => lengthOf(row) / width);
  const lengths = rows.map((row) => lengthOf(row) / medianOf(row.map(({ height }) => height)));
  return medianOf(fills) >= columnRules.proseFill && medianOf(lengths) >= columnRules.proseLength;
};

/** Three or more short pieces: a toolbar or a table's row; columns don't begin with one. */
const isRowOfCells = (row: Row): boolean =>
  row.length >= 3 &&
  medianOf(row.map(({ left, right, height }) => (right - left) / height)) < columnRules.proseLength;

const lengthOf = (row: Row): number => row.reduce((sum, { left, right }) => sum + right - left, 0);

/** The share of the shorter side's rows that stand level with a row of the other side. */
const sharedBaselines = (left: readonly Row[], right: readonly Row[]): number => {
  const [few, many] = left.length <= right.length ? [left, right] : [right, left];
  const middles = many.map(middleOf);
  const level = few.filter((row) => {
    const middle = middleOf(row);
    const height = medianOf(row.map((piece) => piece.height));
    return middles.some((other) => Math.abs(other - middle) < columnRules.sameBaseline * height);
  });
  return level.length / few.length;
};

const middleOf = (row: Row): number => row.reduce((sum, { middle }) => sum + middle, 0) / row.length;

const medianOf = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
};

/** Intervals stay sorted and disjoint. */
const cover = (intervals: readonly Gap[], piece: Placed): Gap[] => {
  const joined: Gap = { from: piece.left, to: piece.right };
  const apart: Gap[] = [];
  for (const interval of intervals) {
    if (interval.to < joined.from || interval.from > joined.to) apart.push(interval);
    else {
      joined.from = Math.min(joined.from, interval.from);
      joined.to = Math.max(joined.to, interval.to);
    }
  }
  apart.push(joined);
  return apart.sort((a, b) => a.from - b.from);
};

const gapsBetween = (intervals: readonly Gap[]): Gap[] =>
  intervals.slice(1).map((interval, i) => ({ from: intervals[i]?.to ?? 0, to: interval.from }));
