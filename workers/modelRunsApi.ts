import type { RuntimeKind } from '../src/compute/contracts.ts';
import type { RuntimeAssets } from '../src/compute/runtimes/assets.ts';
import type { Runtime, RuntimeError } from '../src/compute/runtimes/runtime.ts';
import type { HostTensors, StatefulSession } from '../src/compute/runtimes/statefulSession.ts';
import { err, type Fault, fault, ok, type Result } from '../src/core/result.ts';
import { createOutputSums } from './compareOutputs.ts';
import type { CallScope } from './expose.ts';
import { readOnnx, wholeModel } from './modelFiles.ts';
import type { ModelFiles, ModelRunsWorkerApi, RunPlace } from './protocol.ts';
import { drawInputs } from './seededInputs.ts';

export type ModelRunsDeps = {
  openScope(): CallScope;
  monotonic(): number;
  createRuntime(
    options: { readonly kind: RuntimeKind; readonly threads: number },
    assets: Readonly<Record<RuntimeKind, RuntimeAssets>>,
  ): Promise<Result<Runtime, RuntimeError>>;
};

/** Opens models of strangers and runs them. One model is open at a time, so that memory is that of the larger one. */
export const createModelRunsApi = (deps: ModelRunsDeps): ModelRunsWorkerApi => ({
  async check(files, place) {
    const scope = deps.openScope();
    const opened = await withSession(deps, files, place, async (_session, openMs) => ok({ openMs }));
    if (scope.signal.aborted) return err(cancelled());
    return opened.ok ? opened : err(inWords(opened.error));
  },
  async compare({ before, after, feeds, settings, place }, onProgress) {
    const scope = deps.openScope();
    const sums = createOutputSums();
    const kept: HostTensors[] = [];
    // Of each model one run more than counted: the first warms caches.
    const total = 2 * (settings.runs + 1);
    let done = 0;
    const runAll = async (
      session: StatefulSession,
      take: (run: number, outputs: HostTensors) => Result<void, Fault>,
    ): Promise<Result<number, Fault>> => {
      const times: number[] = [];
      for (let run = -1; run < settings.runs; run++) {
        if (scope.signal.aborted) return err(cancelled());
        const inputs = drawInputs(feeds, settings, Math.max(0, run));
        if (!inputs.ok) return inputs;
        const startedAt = deps.monotonic();
        const outputs = await session.run(inputs.value);
        if (!outputs.ok) return outputs;
        if (run >= 0) times.push(deps.monotonic() - startedAt);
        const taken = run >= 0 ? take(run, outputs.value) : ok(undefined);
        if (!taken.ok) return taken;
        done++;
        onProgress(done, total);
        await scope.step();
      }
      return ok(medianOf(times));
    };
    const keep = (_run: number, outputs: HostTensors): Result<void, Fault> => {
      kept.push(outputs);
      return bytesIn(kept) <= maxKeptBytes ? ok(undefined) : err(fault('too-large', tooMuch));
    };
    const first = await withSession(deps, before, place, (session) => runAll(session, keep));
    if (!first.ok) return err(named('The model before', first.error));
    const second = await withSession(deps, after, place, (session) =>
      runAll(session, (run, outputs) => sums.add(kept[run] ?? {}, outputs)),
    );
    if (!second.ok) return err(named('The model after', second.error));
    const times = { msBefore: first.value, msAfter: second.value };
    return ok({ outputs: sums.differences(), runs: settings.runs, ...times });
  },
});

const maxKeptBytes = 512 * 2 ** 20;
const tooMuch = 'The outputs have more than 512 MB: take smaller sizes, or fewer runs.';
const cancelled = (): Fault => fault('cancelled', 'Stopped.');

const named = (which: string, { code, message }: Fault): Fault =>
  code === 'cancelled' || code === 'too-large'
    ? fault(code, message)
    : fault(code, `${which}: ${inWords({ code, message }).message}`);

/** The runtime names no operator when it would have to leave the GPU, and has a preamble to everything it says. */
const inWords = ({ code, message }: Fault): Fault => {
  if (/fallback to CPU EP/.test(message))
    return fault(
      code,
      'Some of its operators are not made for WebGPU and would run on the processor instead.',
    );
  return fault(code, message.replace(/Can't create a session\. ERROR_CODE: \d+, ERROR_MESSAGE: /, ''));
};

/** The runtime goes with the call: its memory doesn't shrink before. */
const withSession = async <T>(
  deps: ModelRunsDeps,
  files: ModelFiles,
  { runtime: kind, threads, assets }: RunPlace,
  use: (session: StatefulSession, openMs: number) => Promise<Result<T, Fault>>,
): Promise<Result<T, Fault>> => {
  const outputs = await outputNames(files);
  if (!outputs.ok) return outputs;
  const bytes = await wholeModel(files);
  if (!bytes.ok) return bytes;
  const runtime = await deps.createRuntime({ kind, threads }, assets);
  if (!runtime.ok) return runtime;
  try {
    const startedAt = deps.monotonic();
    // Without a state it is a session that takes and gives tensors of any type and, on WebGPU, refuses to leave it.
    const session = await runtime.value.createStatefulSession(bytes.value, {
      outputs: outputs.value,
      state: [],
    });
    return session.ok ? await use(session.value, deps.monotonic() - startedAt) : session;
  } finally {
    await runtime.value.release();
  }
};

const outputNames = async (files: ModelFiles): Promise<Result<readonly string[], Fault>> => {
  const model = await readOnnx(files);
  return model.ok ? ok(model.value.graph.outputs.map(({ name }) => name)) : model;
};

const bytesIn = (runs: readonly HostTensors[]): number =>
  runs.reduce(
    (sum, run) => sum + Object.values(run).reduce((size, { data }) => size + data.byteLength, 0),
    0,
  );

const medianOf = (times: readonly number[]): number =>
  times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0;
