import { type Milliseconds, milliseconds } from '../../src/core/brand.ts';
import { utf8 } from '../../src/core/bytes.ts';
import { createStore } from '../../src/core/events.ts';
import { sha256Hex } from '../../src/core/hash.ts';
import type { Timers } from '../../src/core/ports/timers.ts';
import { err, fault, ok, type Result } from '../../src/core/result.ts';
import type {
  DetectOutput,
  EngineCall,
  EngineState,
  OcrEngine,
  OcrFault,
  PackedImage,
  Quad,
  RecognizeOutput,
} from '../../src/inference/ocr/types.ts';

/** A page of the simulation: its rows, of which each has one true text that follows from its name alone. */
export type SimulatedPage = { readonly name: string; readonly rows: number; readonly damaged?: boolean };
const pagesByFile = new WeakMap<Blob, SimulatedPage>();
export const pageFile = (page: SimulatedPage): Blob => {
  const file = new Blob([page.name]);
  pagesByFile.set(file, page);
  return file;
};

const scale = 4;
const rowHeight = 24;
const decoder = new TextDecoder();
const rowName = (page: string, row: number) => `${page}#${row}`;
export const truthOf = (page: string, row: number): string =>
  `t${sha256Hex(utf8(rowName(page, row))).slice(0, 11)}`;
/** Where a row stands on its page, so that a line of a result can be traced to its truth. */
export const rowOfQuad = (quad: Quad): number => Math.round(quad[1] / (rowHeight * scale));

export type EngineBehaviour = {
  /** Megapixels per second and slot. */
  readonly speed: { readonly detect: number; readonly recognize: number };
  readonly slots: () => number;
  /** What it answers instead of the truth. */
  readonly distortDetect?: (output: DetectOutput) => DetectOutput;
  readonly distortRecognize?: (output: RecognizeOutput) => RecognizeOutput;
  /** Fails instead of answering. */
  readonly fails?: () => boolean;
};

export type EngineDouble = OcrEngine & { active(): number; calls(): number };

/** The OCR engine's contract with the numeric part replaced by a function of the input's bytes, in virtual time. */
export const createEngineDouble = (timers: Timers, behaviour: EngineBehaviour): EngineDouble => {
  let active = 0;
  let calls = 0;
  const state = createStore<EngineState>({
    phase: 'ready',
    progress: 1,
    choice: undefined,
    error: undefined,
  });

  const work = <T>(
    duration: Milliseconds,
    call: EngineCall | undefined,
    answer: () => Result<T, OcrFault>,
  ): Promise<Result<T, OcrFault>> =>
    new Promise((resolve) => {
      active++;
      calls++;
      const finish = (result: Result<T, OcrFault>) => {
        active--;
        stop();
        call?.signal?.removeEventListener('abort', onAbort);
        resolve(result);
      };
      const onAbort = () => finish(err(fault('cancelled', 'cancelled')));
      const stop = timers.after(duration, () => finish(answer()));
      if (call?.signal?.aborted) onAbort();
      else call?.signal?.addEventListener('abort', onAbort);
    });
  const compute = <T>(pixels: number, speed: number, call: EngineCall | undefined, answer: () => T) =>
    work<T>(milliseconds(pixels / 1_000 / speed), call, () =>
      behaviour.fails?.() ? err(fault('runtime', 'the runtime failed')) : ok(answer()),
    );

  return {
    openPage: (file, call) =>
      work(milliseconds(20), call, () => {
        const page = pagesByFile.get(file);
        if (!page || page.damaged) return err(fault('damaged', 'the file is damaged'));
        const height = Math.ceil(((page.rows + 1) * rowHeight) / 32) * 32;
        const data = utf8(`${page.name}#${page.rows}`);
        const image = { width: 320, height, data };
        return ok({ width: 320 * scale, height: height * scale, frames: 1, detectInput: { image } });
      }),
    detect: ({ image }, call) =>
      compute(image.width * image.height, behaviour.speed.detect, call, () => {
        const output = { boxes: rowBoxes(image) };
        return behaviour.distortDetect?.(output) ?? output;
      }),
    cropLines: (file, quads, call) =>
      work(milliseconds(10), call, () => {
        const page = pagesByFile.get(file);
        if (!page) return err(fault('damaged', 'the file is damaged'));
        return ok(quads.map((quad) => rowImage(page.name, rowOfQuad(quad))));
      }),
    recognize: ({ lines }, call) =>
      compute(
        lines.reduce((sum, { width }) => sum + width * 48, 0),
        behaviour.speed.recognize,
        call,
        () => {
          const output = { lines: lines.map(readRow) };
          return behaviour.distortRecognize?.(output) ?? output;
        },
      ),
    measure: async () => err(fault('unsupported', 'nothing to measure in a simulation')),
    state,
    slots: behaviour.slots,
    ownSlots: behaviour.slots,
    active: () => active,
    calls: () => calls,
    async close() {},
  };
};

const rowBoxes = (image: PackedImage): DetectOutput['boxes'] => {
  const rows = Number(decoder.decode(image.data).split('#')[1]);
  return Array.from({ length: rows }, (_, row) => {
    const [top, bottom] = [row * rowHeight, row * rowHeight + rowHeight - 4];
    const quad: Quad = [8, top, 300, top, 300, bottom, 8, bottom];
    return { quad, score: 0.9 };
  });
};
const rowImage = (page: string, row: number): PackedImage => {
  const data = utf8(rowName(page, row));
  const width = 64 + (Number.parseInt(sha256Hex(data).slice(0, 4), 16) % 448);
  return { width, height: 48, data };
};
const readRow = ({ data }: PackedImage) => {
  const digest = sha256Hex(data);
  return { text: `t${digest.slice(0, 11)}`, confidence: 0.7 + Number.parseInt(digest.slice(-2), 16) / 1_000 };
};
