import * as v from 'valibot';
import type { OcrMeasurement, OcrProbe } from '../../../workers/protocol.ts';
import type {
  DeviceProfile,
  MeasuredSpeed,
  RuntimeChoice,
  RuntimeKind,
  ShareLimits,
} from '../../compute/contracts.ts';
import type { WorkerPlan } from '../../compute/scheduler/slots.ts';

/** Which runtimes come into question, before anything is measured. */
export type Candidates =
  | { readonly kind: 'only'; readonly runtime: RuntimeKind; readonly reason: string }
  | { readonly kind: 'measure' };

export const candidateRuntimes = (input: {
  readonly forced: RuntimeKind | undefined;
  readonly limits: Pick<ShareLimits, 'gpu'>;
  readonly gpu: DeviceProfile['gpu'] | undefined;
}): Candidates => {
  const only = (runtime: RuntimeKind, reason: string): Candidates => ({ kind: 'only', runtime, reason });
  if (input.forced) return only(input.forced, `${nameOfRuntime[input.forced]} was asked for`);
  if (!input.limits.gpu) return only('wasm', 'the GPU is switched off in the limits');
  if (!input.gpu) return only('wasm', 'it is not known whether there is a GPU');
  if (input.gpu.kind === 'none') return only('wasm', input.gpu.reason);
  // Measured: SwiftShader needs 70 times as long as WebAssembly, and ten seconds to find that out.
  if (input.gpu.software) return only('wasm', 'the graphics adapter is software, slower than WebAssembly');
  return { kind: 'measure' };
};

const nameOfRuntime: Readonly<Record<RuntimeKind, string>> = {
  wasm: 'WebAssembly',
  webgpu: 'WebGPU',
};

export const speedOf = (input: {
  readonly measurement: OcrMeasurement;
  readonly probe: OcrProbe;
  readonly runtime: RuntimeKind;
  readonly plan: WorkerPlan;
  readonly version: string;
  readonly measuredAt: number;
}): MeasuredSpeed => {
  const { measurement, probe } = input;
  const rate = (image: OcrProbe['page'], ms: number): number =>
    // A timer of coarse resolution may say 0 ms; half a millisecond is then as true as anything.
    (image.width * image.height) / 1e6 / (Math.max(ms, 0.5) / 1000);
  return {
    runtime: input.runtime,
    threads: input.plan.threads,
    workers: input.plan.workers,
    megapixelsPerSecond: {
      'ocr.detect': rate(probe.page, measurement.detectMs),
      'ocr.recognize': rate(probe.line, measurement.recognizeMs),
    },
    version: input.version,
    measuredAt: input.measuredAt,
  };
};

export type Measured = { readonly speed: MeasuredSpeed; readonly measurement: OcrMeasurement };

/**
 * The faster runtime for a typical page, all its workers together. A GPU is only trusted if it reads what WebAssembly
 * reads: drivers exist that compute nonsense quickly.
 */
export const chooseRuntime = (
  wasm: Measured,
  webgpu: Measured | { readonly failed: string },
): RuntimeChoice => {
  if ('failed' in webgpu) {
    return {
      chosen: 'wasm',
      reason: `WebGPU did not work here: ${webgpu.failed}`,
      measured: [wasm.speed],
    };
  }
  const measured = [wasm.speed, webgpu.speed];
  const doubt = whyAnswersDiffer(wasm.measurement, webgpu.measurement);
  if (doubt) return { chosen: 'wasm', reason: `WebGPU is not trusted: ${doubt}`, measured };
  const ratio = pageSeconds(wasm.speed) / pageSeconds(webgpu.speed);
  return ratio > 1
    ? { chosen: 'webgpu', reason: `WebGPU was ${ratio.toFixed(1)}× as fast on this device`, measured }
    : {
        chosen: 'wasm',
        reason: `WebAssembly was ${(1 / ratio).toFixed(1)}× as fast as WebGPU on this device`,
        measured,
      };
};

/** Boxes come from a thresholded map, so rounding may move them by a pixel or two. */
const boxTolerance = 3;

const whyAnswersDiffer = (a: OcrMeasurement, b: OcrMeasurement): string | undefined => {
  if (a.text === '') return 'the test image could not be read, so nothing can be compared';
  if (a.text !== b.text) return 'it read another text than WebAssembly on the test image';
  const boxesAgree =
    a.boxes.length === b.boxes.length &&
    a.boxes.every((box, index) =>
      box.quad.every(
        (value, corner) => Math.abs(value - (b.boxes[index]?.quad[corner] ?? Infinity)) <= boxTolerance,
      ),
    );
  return boxesAgree ? undefined : 'it found other boxes than WebAssembly on the test image';
};

/** A scanned page: about one megapixel at the detector's size, and thirty lines of 48 × 480. */
const pageSeconds = ({ megapixelsPerSecond: speed, workers }: MeasuredSpeed): number => {
  const detect = 1 / (speed['ocr.detect'] ?? Number.MIN_VALUE);
  const recognize = (30 * 48 * 480) / 1e6 / (speed['ocr.recognize'] ?? Number.MIN_VALUE);
  return (detect + recognize) / workers;
};

const runtimeSchema = v.picklist(['wasm', 'webgpu'] as const satisfies RuntimeKind[]);
const positiveSchema = v.pipe(v.number(), v.finite(), v.gtValue(0));

/** A choice as it is kept between visits; `fingerprint` says for which device, runtime and models it was made. */
export const storedChoiceSchema = v.object({
  fingerprint: v.string(),
  choice: v.object({
    chosen: runtimeSchema,
    reason: v.pipe(v.string(), v.maxLength(300)),
    measured: v.pipe(
      v.array(
        v.object({
          runtime: runtimeSchema,
          threads: v.pipe(v.number(), v.integer(), v.minValue(1)),
          workers: v.pipe(v.number(), v.integer(), v.minValue(1)),
          megapixelsPerSecond: v.record(v.string(), positiveSchema),
          version: v.string(),
          measuredAt: v.number(),
        }),
      ),
      v.minLength(1),
    ),
  }),
});
