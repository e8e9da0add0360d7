import type { RuntimeKind } from '../src/compute/contracts.ts';
import type { RuntimeAssets } from '../src/compute/runtimes/assets.ts';
import type { FloatTensor, ModelSession, Runtime, RuntimeError } from '../src/compute/runtimes/runtime.ts';
import { err, fault, ok, type Result } from '../src/core/result.ts';
import {
  createOcrPipeline,
  cropLimits,
  detectorLimits,
  lineHeight,
  type OcrPipeline,
  parseDictionary,
} from '../src/inference/ocr/index.ts';
import type { OcrFault, PackedImage, RgbImage } from '../src/inference/ocr/types.ts';
import type { CallScope } from './expose.ts';
import { unpackImage } from './packing.ts';
import type { OcrLoad, OcrMeasurement, OcrWorkerApi } from './protocol.ts';

export type OcrRuntime = Omit<Runtime, 'createStatefulSession'>;

export type OcrApiDeps = {
  openScope(): CallScope;
  monotonic(): number;
  createRuntime(
    options: { readonly kind: RuntimeKind; readonly threads: number },
    assets: Readonly<Record<RuntimeKind, RuntimeAssets>>,
  ): Promise<Result<OcrRuntime, RuntimeError>>;
};

/**
 * Both models on one runtime. Knows how a call is interrupted between two runs; doesn't know where models come from
 * nor who asks.
 */
export const createOcrApi = (deps: OcrApiDeps): OcrWorkerApi => {
  let loaded: Loaded | undefined;
  let scope = deps.openScope();

  /** One model run: an abort is seen before it, and the page hears of life after it. */
  const runModel = async (session: ModelSession, input: FloatTensor): Promise<FloatTensor> => {
    if (scope.signal.aborted) throw new Interrupted(fault('cancelled', 'cancelled'));
    const ran = await session.run({ [nameOf(session.inputNames)]: input });
    if (!ran.ok) throw new Interrupted(fault('runtime', ran.error.message));
    await scope.step();
    const output = ran.value[nameOf(session.outputNames)];
    if (!output) throw new Interrupted(fault('runtime', 'the model gave no output'));
    return output;
  };

  const withPipeline = async <T>(run: (pipeline: OcrPipeline) => Promise<Result<T, OcrFault>>) => {
    scope = deps.openScope();
    if (!loaded) return err(fault('runtime', 'the models are not loaded'));
    try {
      return await run(loaded.pipeline);
    } catch (cause) {
      if (cause instanceof Interrupted) return err(cause.fault);
      throw cause;
    }
  };

  return {
    async load(input) {
      scope = deps.openScope();
      if (loaded) return ok({ threads: loaded.runtime.threads });
      const opened = await openModels(deps, input, runModel);
      if (!opened.ok) return opened;
      loaded = opened.value;
      return ok({ threads: loaded.runtime.threads });
    },
    detect: (packed) =>
      withPipeline(async (pipeline) => {
        const image = await unpackPage(packed);
        return image.ok ? ok(await pipeline.detect(image.value)) : image;
      }),
    recognize: (packed) =>
      withPipeline(async (pipeline) => {
        const lines = await unpackLines(packed);
        return lines.ok ? ok(await pipeline.recognize(lines.value)) : lines;
      }),
    measure: (probe) =>
      withPipeline(async (pipeline) => {
        const page = await unpackPage(probe.page);
        if (!page.ok) return page;
        const line = await unpackLine(probe.line);
        return line.ok ? ok(await measureOnce(deps, pipeline, page.value, line.value)) : line;
      }),
    async dispose() {
      const open = loaded;
      loaded = undefined;
      await open?.runtime.release();
    },
  };
};

type Loaded = { readonly runtime: OcrRuntime; readonly pipeline: OcrPipeline };

/** Carries a fault through the pipeline's own code, which knows nothing of faults. */
class Interrupted extends Error {
  readonly fault: OcrFault;
  constructor(reason: OcrFault) {
    super(reason.message);
    this.fault = reason;
  }
}

const openModels = async (
  deps: OcrApiDeps,
  input: OcrLoad,
  runModel: (session: ModelSession, tensor: FloatTensor) => Promise<FloatTensor>,
): Promise<Result<Loaded, OcrFault>> => {
  const created = await deps.createRuntime({ kind: input.runtime, threads: input.threads }, input.assets);
  if (!created.ok) return err(toOcrFault(created.error));
  const runtime = created.value;
  const detector = await runtime.createSession(input.detector);
  const recognizer = detector.ok ? await runtime.createSession(input.recognizer) : detector;
  if (!detector.ok || !recognizer.ok) {
    await runtime.release();
    return err(toOcrFault(recognizer.ok ? fault('failed', 'no detector') : recognizer.error));
  }
  const pipeline = createOcrPipeline({
    runDetector: (tensor) => runModel(detector.value, tensor),
    runRecognizer: (tensor) => runModel(recognizer.value, tensor),
    // A copy: text is not decoded out of shared memory.
    dictionary: parseDictionary(new TextDecoder().decode(input.dictionary.slice())),
  });
  return ok({ runtime, pipeline });
};

type Unpacked = Promise<Result<RgbImage, OcrFault>>;

/** Sizes are rounded to multiples of 32 after the limit on pixels was applied. */
const roundingAllowance = 1.1;

// A peer's input is checked before a model sees it: what a model refuses would look like a broken runtime.
const unpackPage = async (packed: PackedImage): Unpacked => {
  const { width, height } = packed;
  const { maxSide, maxPixels } = detectorLimits;
  if (width % 32 !== 0 || height % 32 !== 0 || Math.max(width, height) > maxSide) {
    const limit = `its sides must be multiples of 32 up to ${maxSide}`;
    return err(fault('damaged', `the page has ${width} × ${height} pixels; ${limit}`));
  }
  return unpackImage(packed, maxPixels * roundingAllowance);
};

const unpackLine = async (packed: PackedImage): Unpacked => {
  const { width, height } = packed;
  if (height !== lineHeight || width > cropLimits.maxWidth) {
    const limit = `it must be ${lineHeight} high and at most ${cropLimits.maxWidth} wide`;
    return err(fault('damaged', `a line has ${width} × ${height} pixels; ${limit}`));
  }
  return unpackImage(packed);
};

const unpackLines = async (
  packed: readonly PackedImage[],
): Promise<Result<readonly RgbImage[], OcrFault>> => {
  const images: RgbImage[] = [];
  for (const image of packed) {
    const unpacked = await unpackLine(image);
    if (!unpacked.ok) return unpacked;
    images.push(unpacked.value);
  }
  return ok(images);
};

/** A first run compiles shaders or warms caches and isn't counted; slow runtimes are timed once, others three times. */
const measureOnce = async (
  deps: OcrApiDeps,
  pipeline: OcrPipeline,
  page: RgbImage,
  line: RgbImage,
): Promise<OcrMeasurement> => {
  const { boxes } = await pipeline.detect(page);
  const detectMs = await medianTime(deps, () => pipeline.detect(page));
  const { lines } = await pipeline.recognize([line]);
  const recognizeMs = await medianTime(deps, () => pipeline.recognize([line]));
  return { detectMs, recognizeMs, boxes, text: lines[0]?.text ?? '' };
};

const slowRun = 1000;

const medianTime = async (deps: OcrApiDeps, run: () => Promise<unknown>): Promise<number> => {
  const times: number[] = [];
  while (times.length < 3) {
    const start = deps.monotonic();
    await run();
    times.push(deps.monotonic() - start);
    if ((times[0] ?? 0) > slowRun) break;
  }
  times.sort((a, b) => a - b);
  return times[Math.floor(times.length / 2)] ?? 0;
};

const nameOf = (names: readonly string[]): string => {
  const [name] = names;
  if (name === undefined) throw new Interrupted(fault('model', 'the model has no input or no output'));
  return name;
};

const toOcrFault = (error: RuntimeError): OcrFault =>
  error.code === 'failed' ? fault('model', error.message) : fault('runtime', error.message);
