/** Where the coordinator meets the OCR domain's pure rules. */

import { batchDefaults, planRecognizeBatches } from './ocr/recognizer.ts';
import type { Quad } from './ocr/types.ts';

type Placed = { readonly quad: Quad; readonly text: string };

/** The lines in reading order, and the page's text. */
export const readingOrder = <Line extends Placed>(
  lines: readonly Line[],
  _page: { readonly width: number; readonly height: number },
): { readonly lines: readonly Line[]; readonly text: string } => {
  const ordered = [...lines].sort((a, b) => a.quad[1] - b.quad[1] || a.quad[0] - b.quad[0]);
  return { lines: ordered, text: ordered.map(({ text }) => text).join('\n') };
};

/** Groups of similar widths, at most `maxLines` each, by index into `widths`. */
export const planBatches = (widths: readonly number[], maxLines: number): readonly (readonly number[])[] =>
  planRecognizeBatches(widths, { ...batchDefaults, maxLines });
