import { err, type Fault, fault, ok, type Result } from '../src/core/result.ts';
import { type Quantization, readModel, runQuantization, verifyModel } from '../src/onnx/index.ts';
import type { TensorReport } from '../src/onnx/quantize/scheme.ts';
import { createBlobSource } from '../src/platform/browser/byteSource.ts';
import type { CallScope } from './expose.ts';
import { describeModel, largestFile, prepareRecipe } from './modelDescription.ts';
import { bytesOfFiles, openBeside, readOnnx } from './modelFiles.ts';
import type { QuantizedModel, QuantizeProgress, QuantizeWorkerApi } from './protocol.ts';

/** A file while it is written. `finish` or `discard` ends it, once. */
export type OpenOutput = {
  write(chunk: Uint8Array): Promise<void>;
  finish(): Promise<Blob>;
  discard(): Promise<void>;
};

export type QuantizeApiDeps = {
  openScope(): CallScope;
  monotonic(): number;
  openOutput(name: string): Promise<OpenOutput>;
};

/**
 * Makes smaller models of models, one weight in memory at a time. Knows how it is told and stopped; doesn't know where the
 * result is kept, nor how good it is.
 */
export const createQuantizeApi = (deps: QuantizeApiDeps): QuantizeWorkerApi => ({
  async open(files) {
    deps.openScope();
    return describeModel(files);
  },
  async quantize(files, recipe, target, onProgress) {
    const scope = deps.openScope();
    const startedAt = deps.monotonic();
    const model = await readOnnx(files);
    if (!model.ok) return model;
    const progress = createProgress(deps, onProgress);
    const options = {
      open: openBeside(files),
      signal: scope.signal,
      onTensor: progress.tensor,
      async breathe() {
        progress.piece();
        await scope.step();
      },
    };
    const prepared = prepareRecipe(model.value, recipe, options);
    if (!prepared.ok) return prepared;
    const refusal = whyNot(prepared.value);
    if (refusal) return err(refusal);
    progress.begin(prepared.value);
    const written = await writeTo(deps, target, (write) => runQuantization(prepared.value, write, options));
    if (!written.ok) return written;
    const { file, report } = written.value;
    return ok({
      file,
      bytesBefore: bytesOfFiles(files),
      bytesAfter: file.size,
      tensors: report.tensors.toSorted((a, b) => b.error.relative - a.error.relative),
      skipped: report.skipped,
      ms: deps.monotonic() - startedAt,
    } satisfies QuantizedModel);
  },
});

type Report = ReturnType<Quantization['report']>;

const whyNot = ({ tensors, bytesAfter }: Quantization): Fault | undefined => {
  if (tensors.length === 0)
    return fault('unsupported', 'No weight of this model can be written so: nothing would change.');
  if (bytesAfter <= largestFile) return undefined;
  const size = `${(bytesAfter / 1e9).toFixed(2)} GB`;
  return fault(
    'too-large',
    `It would have ${size}, and one .onnx file holds at most 2.15 GB: take fewer bits.`,
  );
};

/** Whatever goes wrong, no half file is left. */
const writeTo = async (
  deps: QuantizeApiDeps,
  target: string,
  run: (write: OpenOutput['write']) => Promise<Result<Report, Fault>>,
): Promise<Result<{ readonly file: Blob; readonly report: Report }, Fault>> => {
  let output: OpenOutput | undefined;
  let finished = false;
  try {
    output = await deps.openOutput(target);
    const report = await run(output.write);
    if (!report.ok) return report;
    const file = await output.finish();
    const problem = await whyNoModel(file);
    if (problem) return err(problem);
    finished = true;
    return ok({ file, report: report.value });
  } catch (cause) {
    return err(storageFault(cause));
  } finally {
    if (!finished) await output?.discard().catch(() => {});
  }
};

/** What was written is read again before anybody gets it: a disk may be full without a word. */
const whyNoModel = async (file: Blob): Promise<Fault | undefined> => {
  const read = await readModel(createBlobSource(file));
  if (!read.ok) return fault('failed', `What was written can't be read again: ${read.error.message}`);
  const [problem] = verifyModel(read.value);
  return problem && fault('failed', `What was written breaks a rule of ONNX: ${problem.message}`);
};

const storageFault = (cause: unknown): Fault => {
  if (cause instanceof Error && cause.name === 'QuotaExceededError')
    return fault(
      'full',
      'This browser has no storage left for the new model. Free some space and try again.',
    );
  const why = cause instanceof Error ? cause.message : String(cause);
  return fault('failed', `The new model could not be written: ${why}`);
};

/** Elements that are computed between two breaths. */
const pieceElements = 2 ** 20;
const toldEvery = 100;

const createProgress = (deps: QuantizeApiDeps, tell: (progress: QuantizeProgress) => void) => {
  let plan: Quantization['tensors'] = [];
  let pieces = 0;
  let done = 0;
  let bytesDone = 0;
  let startedAt = 0;
  let toldAt = Number.NEGATIVE_INFINITY;
  const report = (always: boolean): void => {
    const now = deps.monotonic();
    if (!always && now - toldAt < toldEvery) return;
    toldAt = now;
    const current = plan[Math.min(done, plan.length - 1)];
    const bytes = plan.reduce((sum, { bytesBefore }) => sum + bytesBefore, 0);
    const count = current?.dims.reduce((size, dim) => size * dim, 1) ?? 1;
    const part = done < plan.length ? Math.min(1, (pieces * pieceElements) / count) : 0;
    const soFar = bytesDone + part * (current?.bytesBefore ?? 0);
    tell({
      tensor: current?.name ?? '',
      tensorsDone: done,
      tensors: plan.length,
      bytesDone: soFar,
      bytes,
      bytesPerSecond: now > startedAt ? (soFar / (now - startedAt)) * 1000 : 0,
    });
  };
  return {
    begin({ tensors }: Quantization): void {
      plan = tensors;
      startedAt = deps.monotonic();
      report(true);
    },
    piece(): void {
      pieces++;
      report(false);
    },
    tensor({ bytesBefore }: TensorReport): void {
      pieces = 0;
      done++;
      bytesDone += bytesBefore;
      report(done === plan.length);
    },
  };
};
