import type { RuntimeChoice } from '../../compute/contracts.ts';
import type { Bytes } from '../../core/bytes.ts';
import type { Subscribe } from '../../core/events.ts';
import type { SpanContext } from '../../core/ports/telemetry.ts';
import type { Fault, Result } from '../../core/result.ts';

/** Clockwise from the text's top-left corner, in page pixels: x0 y0 x1 y1 x2 y2 x3 y3. */
export type Quad = readonly [number, number, number, number, number, number, number, number];

/** 8-bit RGB, row-major, no padding: `data.byteLength === width * height * 3`. */
export type RgbImage = { readonly width: number; readonly height: number; readonly data: Bytes };

/**
 * RGB pixels as they travel: `data` is raw DEFLATE of RgbImage.data. The exact pixels are sent, so that two peers
 * with different image decoders still compute on the same input; metadata (place, camera) never leaves.
 */
export type PackedImage = { readonly width: number; readonly height: number; readonly data: Bytes };

export type DetectInput = { readonly image: PackedImage };
/** Quads in the pixels of the input image. */
export type DetectOutput = { readonly boxes: readonly { readonly quad: Quad; readonly score: number }[] };

/** Every line image is 48 px high: the recogniser's input height. */
export const lineHeight = 48;
export type RecognizeInput = { readonly lines: readonly PackedImage[] };
export type RecognizedLine = {
  readonly text: string;
  /** Mean of the characters' probabilities, 0…1. */
  readonly confidence: number;
};
export type RecognizeOutput = { readonly lines: readonly RecognizedLine[] };

export type OpenedPage = {
  readonly width: number;
  readonly height: number;
  readonly frames: number;
  /** The page at the detector's size (sides are multiples of 32). */
  readonly detectInput: DetectInput;
};

export type OcrFault = Fault<
  'not-an-image' | 'empty' | 'damaged' | 'too-large' | 'unsupported' | 'cancelled' | 'model' | 'runtime'
>;

export type EngineState = {
  readonly phase: 'idle' | 'loading' | 'ready' | 'failed';
  /** 0…1 while models download or compile. */
  readonly progress: number;
  readonly choice: RuntimeChoice | undefined;
  readonly error: OcrFault | undefined;
};

export type EngineCall = {
  readonly signal?: AbortSignal;
  /** Own work goes before work for others. */
  readonly urgent?: boolean;
  /** The span for which it is done. */
  readonly trace?: SpanContext | undefined;
  /**
   * On WebAssembly with one thread whatever was measured, and its failure is no reason to take another: for output that others
   * compare bit by bit. WebAssembly's arithmetic is specified; GPUs round as they like, and ORT sums in another order with each
   * number of threads (measured: confidences of one page differ in the eighth digit between one and two).
   */
  readonly exact?: boolean;
};

/**
 * OCR on this device. Stateless for its callers: a page is named by its file's bytes, so a reload can go on.
 * Knows models, runtimes and pixels; doesn't know peers, jobs or money.
 */
export interface OcrEngine {
  /** Decodes, applies the EXIF orientation, checks limits, and scales for the detector. */
  openPage(file: Blob, call?: EngineCall): Promise<Result<OpenedPage, OcrFault>>;
  detect(input: DetectInput, call?: EngineCall): Promise<Result<DetectOutput, OcrFault>>;
  /** Cuts and straightens lines from the full-resolution page; quads are in page pixels. */
  cropLines(
    file: Blob,
    quads: readonly Quad[],
    call?: EngineCall,
  ): Promise<Result<readonly PackedImage[], OcrFault>>;
  recognize(input: RecognizeInput, call?: EngineCall): Promise<Result<RecognizeOutput, OcrFault>>;
  /** Runs the micro-benchmark (or reads its cached result) and chooses the runtime. */
  measure(call?: EngineCall): Promise<Result<RuntimeChoice, OcrFault>>;
  readonly state: { get(): EngineState; readonly subscribe: Subscribe<EngineState> };
  /** How many tasks it can run at once under the person's limits; 0 while paused. */
  slots(): number;
  /** How many of the owner's own tasks run at once: pausing and the battery rule are about others. */
  ownSlots(): number;
  close(): Promise<void>;
}
