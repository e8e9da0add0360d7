import type { RuntimeKind } from '../src/compute/contracts.ts';
import type { RuntimeAssets } from '../src/compute/runtimes/assets.ts';
import type { Result } from '../src/core/result.ts';
import type {
  DetectOutput,
  OcrFault,
  OpenedPage,
  PackedImage,
  Quad,
  RecognizeOutput,
} from '../src/inference/ocr/types.ts';

/**
 * What the page may ask its workers. Type-only. Every method answers a Result: a rejection is a bug. One call at a
 * time; `abort` (see WorkerHandle) stops the one in flight at its next step.
 */
export type OcrWorkerApi = {
  /** Opens both models once; later calls need it. */
  load(input: OcrLoad): Promise<Result<OcrLoaded, OcrFault>>;
  detect(image: PackedImage): Promise<Result<DetectOutput, OcrFault>>;
  recognize(lines: readonly PackedImage[]): Promise<Result<RecognizeOutput, OcrFault>>;
  /** Times both models on the probe, warm, and gives the answers so that runtimes can be compared. */
  measure(probe: OcrProbe): Promise<Result<OcrMeasurement, OcrFault>>;
  /** Gives the sessions' memory back. */
  dispose(): Promise<void>;
};

export type OcrLoad = {
  readonly runtime: RuntimeKind;
  readonly threads: number;
  readonly assets: Readonly<Record<RuntimeKind, RuntimeAssets>>;
  /** Over shared memory where the page is isolated: read only. */
  readonly detector: Uint8Array;
  readonly recognizer: Uint8Array;
  readonly dictionary: Uint8Array;
};
/** Threads as granted: one where shared memory is missing. */
export type OcrLoaded = { readonly threads: number };

export type OcrProbe = { readonly page: PackedImage; readonly line: PackedImage };
export type OcrMeasurement = {
  readonly detectMs: number;
  readonly recognizeMs: number;
  readonly boxes: DetectOutput['boxes'];
  readonly text: string;
};

export type ImageWorkerApi = {
  openPage(file: Blob): Promise<Result<OpenedPage, OcrFault>>;
  cropLines(file: Blob, quads: readonly Quad[]): Promise<Result<readonly PackedImage[], OcrFault>>;
  /** A small page with text on it, drawn with this device's fonts. */
  drawProbe(): Promise<Result<OcrProbe, OcrFault>>;
};

/** Beside comlink's own messages: page → worker. */
export type AbortMessage = { readonly aivillage: 'abort' };
/** Worker → page, between two steps of a long call. */
export type AliveMessage = { readonly aivillage: 'alive' };
