import type { Clock } from '../../core/ports/clock.ts';
import { ok, type Result } from '../../core/result.ts';
import { creditsFor } from '../../inference/cost.ts';
import { toPageQuads } from '../../inference/job/pages.ts';
import type { OcrEngine, OcrFault, Quad } from '../../inference/ocr/types.ts';
import { lineHeight } from '../../inference/ocr/types.ts';
import { readingOrder } from '../../inference/ocrRules.ts';

export type ReadingEngine = Pick<OcrEngine, 'openPage' | 'detect' | 'cropLines' | 'recognize'>;

export type Reading = {
  /** In reading order. */
  readonly lines: readonly string[];
  /** By the pixels that the two models looked at, in thousandths of a credit: the market's units of cost. */
  readonly cost: number;
  /** Waiting for a free core included. */
  readonly wallMs: number;
};

/** So many line images are held at once, and so long is waited until a stop is noticed. */
const linesAtOnce = 8;

/** A whole page on this device alone: nothing of it is asked of anybody, because each worker of a unit must find it by itself. */
export const readAlone = async (
  deps: { readonly engine: ReadingEngine; readonly clock: Clock },
  page: Blob,
  signal: AbortSignal,
): Promise<Result<Reading, OcrFault>> => {
  const { engine, clock } = deps;
  const began = clock.monotonic();
  const call = { signal, exact: true };
  const opened = await engine.openPage(page, call);
  if (!opened.ok) return opened;
  const { width, height, detectInput } = opened.value;
  const found = await engine.detect(detectInput, call);
  if (!found.ok) return found;
  const { width: inputWidth, height: inputHeight } = detectInput.image;
  const quads = toPageQuads(found.value.boxes, { width, height, inputWidth, inputHeight });
  const read: { readonly quad: Quad; readonly text: string; readonly confidence: number }[] = [];
  let linePixels = 0;
  for (let at = 0; at < quads.length; at += linesAtOnce) {
    const part = quads.slice(at, at + linesAtOnce);
    const cut = await engine.cropLines(page, part, call);
    if (!cut.ok) return cut;
    const answer = await engine.recognize({ lines: cut.value }, call);
    if (!answer.ok) return answer;
    for (const [index, quad] of part.entries()) {
      const line = answer.value.lines[index];
      if (line) read.push({ quad, ...line });
    }
    linePixels += cut.value.reduce((sum, line) => sum + line.width * lineHeight, 0);
  }
  return ok({
    lines: readingOrder(read, { width, height }).lines.map(({ text }) => text),
    cost: creditsFor('ocr.detect', inputWidth * inputHeight) + creditsFor('ocr.recognize', linePixels),
    wallMs: Math.max(1, Math.ceil(clock.monotonic() - began)),
  });
};
