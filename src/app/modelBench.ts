import type {
  CompareSettings,
  ModelFiles,
  ModelRunsWorkerApi,
  OnnxDescription,
  QuantizeWorkerApi,
  Recipe,
} from '../../workers/protocol.ts';
import { createWorkerPool, WorkerUnusable } from '../compute/bridge/pool.ts';
import type { DeviceProfile, PoolError, RuntimeKind } from '../compute/contracts.ts';
import type { WorkerHandle } from '../compute/ports.ts';
import type { RuntimeAssets } from '../compute/runtimes/assets.ts';
import { milliseconds } from '../core/brand.ts';
import type { WritableStore } from '../core/events.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { Telemetry } from '../core/ports/telemetry.ts';
import type { Timers } from '../core/ports/timers.ts';
import { err, type Fault, fault, type Result } from '../core/result.ts';
import { modelFilesOf, quantizedName } from './modelFiles.ts';
import { type ModelsView, noModel, unchecked } from './modelsView.ts';

/** Weights are read from disk and computed in pieces: each gives a sign. */
const quantizeWatchdog = milliseconds(60_000);
/** A runtime says nothing while it opens a model: optimising a large one takes a minute. */
const runWatchdog = milliseconds(120_000);

export type ModelBenchDeps = {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly telemetry: Telemetry;
  readonly view: WritableStore<ModelsView>;
  readonly profile: () => DeviceProfile | undefined;
  /** Also on a software GPU: for tests and the curious. */
  readonly anyGpu: boolean;
  readonly threads: () => number;
  readonly assets: Readonly<Record<RuntimeKind, RuntimeAssets>>;
  readonly spawnQuantize: () => WorkerHandle<QuantizeWorkerApi>;
  readonly spawnRuns: () => WorkerHandle<ModelRunsWorkerApi>;
  /** Files of this tab, by name. */
  readonly scratch: {
    /** Where a file of this name goes. */
    path(name: string): string;
    /** False while somebody still holds it. */
    remove(path: string): Promise<boolean>;
  };
};

export type ModelBench = {
  open(files: readonly File[]): Promise<void>;
  close(): Promise<void>;
  check(): Promise<void>;
  quantize(recipe: Recipe): Promise<void>;
  compare(settings: CompareSettings): Promise<void>;
  cancel(): void;
  discard(): Promise<void>;
};

/** One model at a time, and one thing that happens to it. What comes of an older one is dropped. */
export const createModelBench = (deps: ModelBenchDeps): ModelBench => {
  const { view } = deps;
  const pools = createPools(deps);
  let opened: { readonly files: ModelFiles; readonly description: OnnxDescription | undefined } | undefined;
  let made: { readonly path: string; readonly files: ModelFiles } | undefined;
  let current = new AbortController();
  let nextFile = 0;

  const change = (part: Partial<ModelsView>): void => view.update((now) => ({ ...now, ...part }));
  /** Ends what runs, and says whether what follows is still wanted. */
  const begin = (): Turn => {
    current.abort();
    view.update(stopped);
    const mine = new AbortController();
    current = mine;
    let answered = false;
    return {
      signal: mine.signal,
      wanted: () => current === mine,
      // Progress has a channel of its own, and its last word may come after the answer.
      progress: (part) => {
        if (current === mine && !answered) change(part());
      },
      answered: (answer) => {
        answered = true;
        return answer;
      },
    };
  };
  const dropMade = async (): Promise<void> => {
    const old = made;
    made = undefined;
    if (old) await removeWhenFree(deps, old.path);
  };

  return {
    async open(given) {
      const { signal, wanted } = begin();
      opened = undefined;
      const dropped = dropMade();
      const chosen = modelFilesOf(given);
      const name = chosen.ok ? chosen.value.name : (given[0]?.name ?? '');
      view.set({ ...noModel, file: { phase: 'reading', name } });
      await dropped;
      const answer = chosen.ok
        ? await ask(pools.quantize.call((api) => api.open(chosen.value), { watchdog: runWatchdog, signal }))
        : chosen;
      if (!wanted()) return;
      if (!answer.ok || !chosen.ok) {
        const reason = answer.ok ? '' : answer.error.message;
        return change({ file: { phase: 'refused', name, reason } });
      }
      const { description, plans } = answer.value;
      opened = { files: chosen.value, description: description.kind === 'onnx' ? description : undefined };
      change({ file: { phase: 'open', name, description, plans } });
    },
    async close() {
      begin();
      opened = undefined;
      view.set(noModel);
      await dropMade();
    },
    async check() {
      if (!opened) return;
      const { files } = opened;
      const { signal, wanted } = begin();
      const places: readonly RuntimeKind[] = ['wasm', 'webgpu'];
      change({ checks: unchecked });
      for (const runtime of places) {
        const tell = (state: ModelsView['checks'][RuntimeKind]) =>
          view.update((now) => ({ ...now, checks: { ...now.checks, [runtime]: state } }));
        const obstacle = runtime === 'webgpu' ? whyNoGpu(deps.profile(), deps.anyGpu) : undefined;
        if (obstacle) {
          tell({ phase: 'not-tried', reason: obstacle });
          continue;
        }
        tell({ phase: 'running' });
        const place = { runtime, threads: deps.threads(), assets: deps.assets };
        const answer = await ask(
          pools[runtime].call((api) => whole(api.check(files, place)), { watchdog: runWatchdog, signal }),
        );
        if (!wanted()) return;
        tell(
          answer.ok
            ? { phase: 'runs', openMs: answer.value.openMs }
            : { phase: 'refused', reason: answer.error.message },
        );
      }
    },
    async quantize(recipe) {
      if (!opened) return;
      const { files } = opened;
      const turn = begin();
      change({ work: { phase: 'running', recipe, progress: undefined }, comparison: { phase: 'none' } });
      await dropMade();
      const name = quantizedName(files.name, recipe);
      const path = deps.scratch.path(`${nextFile++}.onnx`);
      const answer = turn.answered(
        await ask(
          pools.quantize.call(
            (api) =>
              api.quantize(files, recipe, path, (progress) =>
                turn.progress(() => ({ work: { phase: 'running', recipe, progress } })),
              ),
            { watchdog: quantizeWatchdog, signal: turn.signal },
          ),
        ),
      );
      if (!answer.ok || !turn.wanted()) removeUnfinished(deps, path);
      if (!turn.wanted()) return;
      if (!answer.ok) return change({ work: { phase: 'failed', recipe, reason: answer.error.message } });
      const { file, ...report } = answer.value;
      made = { path, files: { name, file, beside: [] } };
      change({ work: { phase: 'done', recipe, name, report, file } });
    },
    async compare(settings) {
      if (!opened?.description || !made) return;
      const { files, description } = opened;
      const after = made.files;
      const turn = begin();
      change({ comparison: { phase: 'running', done: 0, total: 1 } });
      const place = { runtime: 'wasm', threads: deps.threads(), assets: deps.assets } as const;
      const input = { before: files, after, feeds: description.feeds, settings, place };
      const answer = turn.answered(
        await ask(
          pools.wasm.call(
            (api) =>
              whole(
                api.compare(input, (done, total) =>
                  turn.progress(() => ({ comparison: { phase: 'running', done, total } })),
                ),
              ),
            { watchdog: runWatchdog, signal: turn.signal },
          ),
        ),
      );
      if (!turn.wanted()) return;
      change({
        comparison: answer.ok
          ? { phase: 'done', settings, result: answer.value }
          : { phase: 'failed', reason: answer.error.message },
      });
    },
    cancel() {
      begin();
    },
    async discard() {
      begin();
      change({ work: { phase: 'none' }, comparison: { phase: 'none' } });
      await dropMade();
    },
  };
};

type Turn = {
  readonly signal: AbortSignal;
  readonly wanted: () => boolean;
  readonly progress: (part: () => Partial<ModelsView>) => void;
  readonly answered: <T>(answer: T) => T;
};

/** What ran is as it was before it began. */
const stopped = (now: ModelsView): ModelsView => {
  const stop = (state: ModelsView['checks'][RuntimeKind]) =>
    state.phase === 'running' ? ({ phase: 'unknown' } as const) : state;
  const { work, comparison, checks, file } = now;
  return {
    file: file.phase === 'reading' ? { phase: 'none' } : file,
    work: work.phase === 'running' ? { phase: 'cancelled', recipe: work.recipe } : work,
    comparison: comparison.phase === 'running' ? { phase: 'none' } : comparison,
    checks: { wasm: stop(checks.wasm), webgpu: stop(checks.webgpu) },
  };
};

const abortGrace = milliseconds(2_000);
const afterGrace = milliseconds(3_000);

const createPools = (deps: ModelBenchDeps) => {
  const options = { size: 1, idleAfter: milliseconds(10_000), abortGrace };
  const runs = (name: string) =>
    createWorkerPool<ModelRunsWorkerApi>({ ...deps, spawn: deps.spawnRuns }, { ...options, name });
  return {
    quantize: createWorkerPool<QuantizeWorkerApi>(
      { ...deps, spawn: deps.spawnQuantize },
      { ...options, name: 'quantize' },
    ),
    // A runtime each: the two are different builds, and one that failed is replaced alone.
    wasm: runs('model-runs'),
    webgpu: runs('model-runs-webgpu'),
  };
};

/** A runtime that failed once may be broken for good: the worker goes with it. */
const whole = async <T>(call: Promise<Result<T, Fault>>): Promise<Result<T, Fault>> => {
  const answer = await call;
  if (!answer.ok && answer.error.code !== 'cancelled') throw new WorkerUnusable(answer.error.message);
  return answer;
};

const ask = async <T>(call: Promise<Result<Result<T, Fault>, PoolError>>): Promise<Result<T, Fault>> => {
  const answer = await call;
  return answer.ok ? answer.value : err(inWords(answer.error));
};

const inWords = ({ code, message }: PoolError): Fault => {
  if (code === 'worker-crashed')
    return fault(code, `The worker ended in the middle, most often for want of memory (${message}).`);
  if (code === 'worker-stuck') return fault(code, 'It gave no sign of life for too long and was stopped.');
  return fault(code, message);
};

const whyNoGpu = (profile: DeviceProfile | undefined, anyGpu: boolean): string | undefined => {
  const gpu = profile?.gpu;
  if (gpu === undefined) return 'the device has not been looked at yet: try again in a moment';
  if (gpu.kind === 'none') return gpu.reason;
  return gpu.software && !anyGpu ? 'only a software GPU is here, slower than WebAssembly' : undefined;
};

const tryAgainAfter = milliseconds(300);
const tries = 20;

/** A worker that was told to stop holds its file for a moment; one that was ended for another. */
const removeWhenFree = async (
  { scratch, timers, telemetry }: ModelBenchDeps,
  path: string,
): Promise<void> => {
  for (let i = 0; i < tries; i++) {
    if (await scratch.remove(path)) return;
    await new Promise<void>((resolve) => void timers.after(tryAgainAfter, resolve));
  }
  telemetry.log('warn', 'models', 'a file could not be removed; it goes when the page is opened again', {
    path,
  });
};

/** A worker may still be about to make the file when it is told to stop, and then be ended before it removes it. */
const removeUnfinished = (deps: ModelBenchDeps, path: string): void => {
  void removeWhenFree(deps, path);
  deps.timers.after(afterGrace, () => void removeWhenFree(deps, path));
};
