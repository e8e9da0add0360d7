import type { MilliCredits } from '../core/brand.ts';
import type { TaskKind, TaskTable } from './contracts.ts';

/**
 * Multiply-accumulates per input pixel, counted over every Conv, ConvTranspose and MatMul of the PP-OCRv4 mobile
 * graphs: detector 2,301.9 M at 640×640 (5,620 per pixel at any size); recogniser 702.5 M at 48×320 and 1,406.3 M at
 * 48×640 (45,734 and 45,779 per pixel: attention is the small rest that grows with width).
 */
export const macsPerPixel: Readonly<Record<TaskKind, number>> = {
  'ocr.detect': 5_620,
  'ocr.recognize': 45_750,
};

/** One credit pays for ten billion multiply-accumulates: about four pages found, or fourteen short lines read. */
const macsPerMilliCredit = 10_000_000;

/** What a task pays: a function of its input alone, so that both sides compute the same and nobody can haggle. */
export const creditsFor = (kind: TaskKind, pixels: number): MilliCredits =>
  Math.ceil((pixels * macsPerPixel[kind]) / macsPerMilliCredit) as MilliCredits;

export const inputPixels = <Kind extends TaskKind>(kind: Kind, input: TaskTable[Kind]['input']): number =>
  imagesOf(kind, input).reduce((sum, { width, height }) => sum + width * height, 0);

/** Bytes on the wire, without the few of framing. */
export const inputBytes = <Kind extends TaskKind>(kind: Kind, input: TaskTable[Kind]['input']): number =>
  imagesOf(kind, input).reduce((sum, { data }) => sum + data.byteLength, 0);

export const imagesOf = <Kind extends TaskKind>(kind: Kind, input: TaskTable[Kind]['input']) =>
  imagesByKind[kind](input);

const imagesByKind: {
  readonly [Kind in TaskKind]: (
    input: TaskTable[Kind]['input'],
  ) => TaskTable['ocr.recognize']['input']['lines'];
} = {
  'ocr.detect': ({ image }) => [image],
  'ocr.recognize': ({ lines }) => lines,
};
