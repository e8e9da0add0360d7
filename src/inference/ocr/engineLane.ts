import type { OcrLoad, OcrWorkerApi } from '../../../workers/protocol.ts';
import { createWorkerPool, WorkerUnusable } from '../../compute/bridge/pool.ts';
import type { ModelFile, ModelStore, PoolError, RuntimeKind } from '../../compute/contracts.ts';
import type { OcrModelFiles } from '../../compute/models/manifest.ts';
import type { WorkerHandle } from '../../compute/ports.ts';
import type { RuntimeAssets } from '../../compute/runtimes/assets.ts';
import type { WorkerPlan } from '../../compute/scheduler/slots.ts';
import { type Milliseconds, milliseconds } from '../../core/brand.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { Telemetry } from '../../core/ports/telemetry.ts';
import type { Timers } from '../../core/ports/timers.ts';
import { err, fault, ok, type Result } from '../../core/result.ts';
import type { EngineCall, OcrFault } from './types.ts';

export type OcrLaneDeps = {
  spawnOcrWorker(): WorkerHandle<OcrWorkerApi>;
  readonly models: ModelStore;
  readonly timers: Timers;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
};

export type OcrLaneOptions = {
  readonly runtime: RuntimeKind;
  readonly plan: WorkerPlan;
  readonly modelFiles: OcrModelFiles;
  readonly assets: Readonly<Record<RuntimeKind, RuntimeAssets>>;
  readonly idleAfter: Milliseconds;
  /** 0…1 while the models arrive and are opened. */
  onProgress(progress: number): void;
};

export type LaneFailure = {
  readonly fault: OcrFault;
  /** The runtime or its worker broke, and not the input: another runtime may do better. */
  readonly broken: boolean;
};

/** The workers of one runtime, each with both models open. Doesn't know why this runtime was chosen. */
export interface OcrLane {
  readonly runtime: RuntimeKind;
  run<T>(
    task: (api: OcrWorkerApi) => Promise<Result<T, OcrFault>>,
    call: EngineCall,
  ): Promise<Result<T, LaneFailure>>;
  resize(plan: WorkerPlan): void;
  close(): Promise<void>;
}

/** A GPU compiles its shaders in the first run; a slow phone needs half a minute for a large page. */
const watchdogs: Readonly<Record<RuntimeKind, Milliseconds>> = {
  wasm: milliseconds(60_000),
  webgpu: milliseconds(120_000),
};

const needsModels = Symbol('needs models');

export const createOcrLane = (deps: OcrLaneDeps, options: OcrLaneOptions): OcrLane => {
  const { runtime, modelFiles, assets, onProgress } = options;
  let { plan } = options;
  const pool = createWorkerPool<OcrWorkerApi>(
    { ...deps, spawn: deps.spawnOcrWorker },
    {
      name: `ocr-${runtime}`,
      size: plan.workers,
      idleAfter: options.idleAfter,
      abortGrace: milliseconds(250),
    },
  );
  const ready = new WeakSet<OcrWorkerApi>();

  const open = async (api: OcrWorkerApi, bytes: ModelBytes): Promise<Result<void, OcrFault>> => {
    const startedAt = deps.clock.monotonic();
    const opened = await api.load({ runtime, threads: plan.threads, assets, ...bytes });
    if (!opened.ok) return opened;
    deps.telemetry.observe('model_open_seconds', (deps.clock.monotonic() - startedAt) / 1_000, { runtime });
    ready.add(api);
    onProgress(1);
    return ok(undefined);
  };

  return {
    runtime,
    async run(task, call) {
      let bytes: ModelBytes | undefined;
      let retried = false;
      const callOptions = { ...call, watchdog: watchdogs[runtime] };
      for (;;) {
        const answer = await pool.call(async (api) => {
          if (!ready.has(api)) {
            if (!bytes) return needsModels;
            const opened = await open(api, bytes);
            if (!opened.ok) return opened;
          }
          const done = await task(api);
          // A WASM heap that ran full or a GPU that was lost stays broken: the next call gets a new worker.
          if (!done.ok && done.error.code === 'runtime') throw new WorkerUnusable(done.error.message);
          return done;
        }, callOptions);
        if (!answer.ok) {
          // One more try: a worker may have died of what came before this call.
          const again = answer.error.code === 'worker-crashed' && !retried && !call.signal?.aborted;
          if (!again) return err(fromPool(answer.error));
          retried = true;
        } else if (answer.value === needsModels) {
          const loaded = await loadModels(deps.models, modelFiles, call, onProgress);
          if (!loaded.ok) return err({ fault: loaded.error, broken: false });
          bytes = loaded.value;
        } else if (answer.value.ok) return answer.value;
        else return err({ fault: answer.value.error, broken: isOurs(answer.value.error) });
      }
    },
    resize(next) {
      plan = next;
      pool.resize(next.workers);
    },
    close: () => pool.close(),
  };
};

/** The runtime or the models, and not what came in. */
const isOurs = ({ code }: OcrFault): boolean => code === 'runtime' || code === 'model';

type ModelBytes = Pick<OcrLoad, 'detector' | 'recognizer' | 'dictionary'>;

/** Loaded beside the workers and not by each: progress is told while no worker is blocked. */
const loadModels = async (
  models: ModelStore,
  files: OcrModelFiles,
  { signal, trace }: EngineCall,
  onProgress: (progress: number) => void,
): Promise<Result<ModelBytes, OcrFault>> => {
  const total = files.detector.bytes + files.recognizer.bytes + files.dictionary.bytes;
  const loadedByName = new Map<string, number>();
  const load = (file: ModelFile) =>
    models.load(file, {
      ...(signal ? { signal } : {}),
      trace,
      onProgress(loaded) {
        loadedByName.set(file.name, loaded);
        const sum = [...loadedByName.values()].reduce((a, b) => a + b, 0);
        // The rest is opening them, which tells nothing of its progress.
        onProgress(Math.min(0.9, (0.9 * sum) / total));
      },
    });
  onProgress(0);
  const [detector, recognizer, dictionary] = await Promise.all([
    load(files.detector),
    load(files.recognizer),
    load(files.dictionary),
  ]);
  for (const part of [detector, recognizer, dictionary]) {
    if (!part.ok) {
      const code = part.error.code === 'cancelled' ? 'cancelled' : 'model';
      return err(fault(code, part.error.message));
    }
  }
  return detector.ok && recognizer.ok && dictionary.ok
    ? ok({ detector: detector.value, recognizer: recognizer.value, dictionary: dictionary.value })
    : err(fault('model', 'the models could not be loaded'));
};

export const fromPool = (error: PoolError): LaneFailure => {
  if (error.code === 'cancelled') return { fault: fault('cancelled', 'cancelled'), broken: false };
  if (error.code === 'closed') return { fault: fault('cancelled', 'its workers were stopped'), broken: true };
  const message = error.code === 'failed' ? error.message : `${error.message}; it was replaced`;
  return { fault: fault('runtime', message), broken: true };
};
