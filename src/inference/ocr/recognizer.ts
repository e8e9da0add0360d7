import type { Tensor } from './tensor.ts';
import { lineHeight, type RgbImage } from './types.ts';

export type BatchOptions = {
  /** Pixels of width, padded, that one batch may hold together. */
  readonly maxTotalWidth: number;
  readonly maxLines: number;
};

export const batchDefaults: BatchOptions = { maxTotalWidth: 12_000, maxLines: 32 };

/** The recogniser makes one step of eight columns; its smallest input is a word's width. */
const widthStep = 32;

/** A line's width in the model: it depends on the line alone, so no batch changes what is read. */
export const paddedWidth = (width: number): number => Math.max(64, Math.ceil(width / widthStep) * widthStep);

/** Groups of similar widths, by index: little is lost to padding, and a group is about equal work. */
export const planRecognizeBatches = (
  widths: readonly number[],
  options: BatchOptions = batchDefaults,
): number[][] => {
  const order = widths.map((_, index) => index);
  order.sort((a, b) => (widths[a] ?? 0) - (widths[b] ?? 0) || a - b);
  const batches: number[][] = [];
  let batch: number[] = [];
  for (const index of order) {
    const widest = paddedWidth(widths[index] ?? 0);
    const full = batch.length >= options.maxLines || widest * (batch.length + 1) > options.maxTotalWidth;
    if (batch.length > 0 && full) {
      batches.push(batch);
      batch = [];
    }
    batch.push(index);
  }
  if (batch.length > 0) batches.push(batch);
  return batches;
};

/** Lines of one padded width as the model's input: blue, green, red from −1 to 1, padded right with mid-grey. */
export const recognizerTensor = (lines: readonly RgbImage[], width: number): Tensor => {
  const plane = lineHeight * width;
  const data = new Float32Array(lines.length * 3 * plane);
  lines.forEach((line, index) => {
    const columns = Math.min(width, line.width);
    for (let channel = 0; channel < 3; channel++) {
      const base = (index * 3 + channel) * plane;
      for (let y = 0; y < lineHeight; y++) {
        let source = y * line.width * 3 + (2 - channel);
        const target = base + y * width;
        for (let x = 0; x < columns; x++, source += 3) {
          data[target + x] = (line.data[source] ?? 0) / 127.5 - 1;
        }
      }
    }
  });
  return { data, dims: [lines.length, 3, lineHeight, width] };
};
