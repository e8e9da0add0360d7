import { readingBlocks } from './columns.ts';
import { quadToRect } from './geometry.ts';
import type { Quad } from './types.ts';

export type PageLine = { readonly quad: Quad; readonly text: string; readonly confidence: number };

/** A line in the page's own axes, so that "left of" and "below" mean what a reader means. */
export type Placed = {
  readonly index: number;
  readonly left: number;
  readonly right: number;
  readonly middle: number;
  readonly height: number;
};

/** Pieces of one row side by side. */
export type Row = readonly Placed[];

export const layoutDefaults = {
  /** From this gap on, in line heights, neighbours on a row are cells of a table (tab), not words (space). */
  cellGap: 0.55,
  /** From this free height between rows on, in line heights, a new paragraph begins. */
  paragraphGap: 0.75,
} as const;

/**
 * The page's text in reading order: columns one after the other, rows top to bottom, the cells of a row joined by a
 * tab, the pieces of a line by a space, paragraphs set apart by an empty line. `order` lists the lines' indices as
 * read. Lines without text are left out of the text, not of the order.
 */
export const assembleText = (
  lines: readonly PageLine[],
  _page: { readonly width: number; readonly height: number },
): { readonly text: string; readonly order: readonly number[] } => {
  const placed = placeLines(lines);
  const blocks = readingBlocks(placed);
  const order = blocks.flatMap((rows) => rows.flatMap((row) => row.map(({ index }) => index)));
  const texts = blocks.map((rows) => blockText(rows, lines)).filter((text) => text !== '');
  return { text: texts.join('\n\n'), order };
};

/** Turns the page level: by the median angle of its lines, each weighted by its width. */
const placeLines = (lines: readonly PageLine[]): readonly Placed[] => {
  const rects = lines.map(({ quad }) => quadToRect(quad));
  const skew = weightedMedian(
    rects.filter(({ width, height }) => width > 3 * height).map(({ angle, width }) => [angle, width]),
  );
  const cos = Math.cos(skew);
  const sin = Math.sin(skew);
  return rects.map(({ centerX, centerY, width, height }, index) => {
    const center = centerX * cos + centerY * sin;
    const left = center - width / 2;
    return { index, left, right: left + width, middle: centerY * cos - centerX * sin, height };
  });
};

const weightedMedian = (values: readonly (readonly [value: number, weight: number])[]): number => {
  const sorted = [...values].sort((a, b) => a[0] - b[0]);
  const total = sorted.reduce((sum, [, weight]) => sum + weight, 0);
  let passed = 0;
  for (const [value, weight] of sorted) {
    passed += weight;
    if (passed >= total / 2) return value;
  }
  return 0;
};

const blockText = (rows: readonly Row[], lines: readonly PageLine[]): string => {
  let text = '';
  let above: Row | undefined;
  for (const row of rows) {
    const line = rowText(row, lines);
    if (line === '') continue;
    if (above) text += startsParagraph(above, row) ? '\n\n' : '\n';
    text += line;
    above = row;
  }
  return text;
};

const rowText = (row: Row, lines: readonly PageLine[]): string => {
  let text = '';
  let before: Placed | undefined;
  for (const piece of row) {
    const own = lines[piece.index]?.text.trim() ?? '';
    if (own === '') continue;
    if (before) {
      const gap = (piece.left - before.right) / Math.min(piece.height, before.height);
      text += gap >= layoutDefaults.cellGap ? '\t' : ' ';
    }
    text += own;
    before = piece;
  }
  return text;
};

const startsParagraph = (above: Row, row: Row): boolean => {
  const height = Math.min(tallest(above), tallest(row));
  const free = middleOf(row) - tallest(row) / 2 - (middleOf(above) + tallest(above) / 2);
  return free > layoutDefaults.paragraphGap * height;
};

const tallest = (row: Row): number => Math.max(...row.map(({ height }) => height));
const middleOf = (row: Row): number => row.reduce((sum, { middle }) => sum + middle, 0) / row.length;
