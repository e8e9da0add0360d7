import { decodeCtc } from './ctc.ts';
import { boxesFromMap, detectorTensor } from './detector.ts';
import { normalizeLine } from './normalize.ts';
import { paddedWidth, recognizerTensor } from './recognizer.ts';
import type { RunModel } from './tensor.ts';
import type { DetectOutput, RecognizedLine, RecognizeOutput, RgbImage } from './types.ts';

export type OcrPipelineDeps = {
  readonly runDetector: RunModel;
  readonly runRecognizer: RunModel;
  /** From parseDictionary. */
  readonly dictionary: readonly string[];
};

export interface OcrPipeline {
  /** The image has the detector's size already (scaleForDetector); quads are in its pixels. */
  detect(image: RgbImage): Promise<DetectOutput>;
  /** Lines are 48 px high (cropLine); the answer has one entry per line, in the same order. */
  recognize(lines: readonly RgbImage[], onLine?: (done: number) => void): Promise<RecognizeOutput>;
}

/** PP-OCRv4 from pixels to text. Knows tensors; doesn't know which runtime runs the models, workers or peers. */
export const createOcrPipeline = (deps: OcrPipelineDeps): OcrPipeline => ({
  async detect(image) {
    const map = await deps.runDetector(detectorTensor(image));
    return { boxes: boxesFromMap(map) };
  },
  async recognize(lines, onLine) {
    const texts: RecognizedLine[] = [];
    for (const line of lines) {
      texts.push(await readLine(deps, line));
      onLine?.(texts.length);
    }
    return { lines: texts };
  },
});

/** One line a run: batches gain nothing on a CPU, and a line's text can't depend on its neighbours. */
const readLine = async (deps: OcrPipelineDeps, line: RgbImage): Promise<RecognizedLine> => {
  const probabilities = await deps.runRecognizer(recognizerTensor([line], paddedWidth(line.width)));
  const { text, confidence } = decodeCtc(probabilities, 0, deps.dictionary);
  return { text: normalizeLine(text), confidence };
};
