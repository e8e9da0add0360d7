import type { ImageWorkerApi, OcrWorkerApi } from '../../../workers/protocol.ts';
import { createWorkerPool } from '../../compute/bridge/pool.ts';
import type { RuntimeChoice, RuntimeKind } from '../../compute/contracts.ts';
import type { OcrModelFiles } from '../../compute/models/manifest.ts';
import type { WorkerHandle } from '../../compute/ports.ts';
import type { RuntimeAssets } from '../../compute/runtimes/assets.ts';
import type { Scheduler } from '../../compute/scheduler/scheduler.ts';
import {
  planWorkers,
  type SlotsAllowed,
  slotsAllowed,
  type WorkerPlan,
} from '../../compute/scheduler/slots.ts';
import { milliseconds } from '../../core/brand.ts';
import { createStore, type WritableStore } from '../../core/events.ts';
import { err, fault, type Result } from '../../core/result.ts';
import { createOcrLane, fromPool, type LaneFailure, type OcrLane, type OcrLaneDeps } from './engineLane.ts';
import { createRuntimeChooser, type RuntimeChooser, type RuntimeChooserDeps } from './runtimeChooser.ts';
import type { EngineCall, EngineState, OcrEngine, OcrFault } from './types.ts';

export type OcrEngineDeps = OcrLaneDeps &
  Pick<RuntimeChooserDeps, 'store' | 'profile' | 'limits'> & {
    spawnImageWorker(): WorkerHandle<ImageWorkerApi>;
    readonly scheduler: Scheduler;
  };

export type OcrEngineOptions = {
  readonly modelFiles: OcrModelFiles;
  readonly assets: Readonly<Record<RuntimeKind, RuntimeAssets>>;
  readonly runtimeVersion: string;
  /** Takes this runtime and nothing else: its failure is an error then, never a reason to change. */
  readonly forceRuntime?: RuntimeKind;
};

/** What more than the contract its owner may ask: why it takes no work for others. */
export type LocalOcrEngine = OcrEngine & {
  availability(): SlotsAllowed;
  /** Ends every worker, also one that is stuck: what they were doing fails as cancelled, the next task starts new ones. */
  restartWorkers(): void;
  /** From the GPU to WebAssembly. False if it was not on the GPU, or may be on nothing else. */
  leaveGpu(why: string): boolean;
};

const idleAfter = milliseconds(60_000);
const imageWatchdog = milliseconds(60_000);

/**
 * OCR on this device: an image worker, and the workers of the runtime that suits it. Knows models, runtimes and
 * pixels; doesn't know peers, jobs or money.
 */
export const createOcrEngine = (deps: OcrEngineDeps, options: OcrEngineOptions): LocalOcrEngine => {
  const state = createStore<EngineState>({
    phase: 'idle',
    progress: 0,
    choice: undefined,
    error: undefined,
  });
  const onImages = createImageCaller(deps);
  const device = createDevice(deps, options, state);
  const chooser = createRuntimeChooser(
    {
      ...deps,
      planOf: device.planOf,
      drawProbe: (call) => onImages.call((api) => api.drawProbe(), call),
      runProbe: (runtime, probe, call) => device.run(runtime, (api) => api.measure(probe), call),
    },
    {
      forceRuntime: options.forceRuntime,
      version: `${options.runtimeVersion}, ${modelHashes(options.modelFiles)}`,
    },
  );
  const run = createRunner(deps, options, state, device, chooser);
  const stopLimits = followLimits(deps, options, state, device);

  const availability = (): SlotsAllowed => {
    const runtime = state.get().choice?.chosen ?? 'wasm';
    const profile = deps.profile.get();
    return slotsAllowed({ limits: deps.limits.get(), profile, runtime, workers: device.planOf(runtime) });
  };
  return {
    openPage: (file, call) => onImages.call((api) => api.openPage(file), call ?? {}),
    cropLines: (file, quads, call) => onImages.call((api) => api.cropLines(file, quads), call ?? {}),
    detect: (input, call) => run.task((api) => api.detect(input.image), call ?? {}),
    recognize: (input, call) => run.task((api) => api.recognize(input.lines), call ?? {}),
    measure: (call) => run.choose(chooser.measure, call ?? {}),
    state,
    slots: () => availability().slots,
    ownSlots: () => device.planOf(state.get().choice?.chosen ?? 'wasm').workers,
    availability,
    restartWorkers() {
      device.stopAll();
      state.update((now) => ({ ...now, phase: 'idle', progress: 0, error: undefined }));
    },
    leaveGpu(why) {
      if (options.forceRuntime || state.get().choice?.chosen !== 'webgpu') return false;
      run.fallBack(why);
      return true;
    },
    async close() {
      stopLimits();
      deps.scheduler.close();
      await Promise.all([onImages.close(), device.close()]);
    },
  };
};

const createImageCaller = (deps: OcrEngineDeps) => {
  const pool = createWorkerPool<ImageWorkerApi>(
    { ...deps, spawn: deps.spawnImageWorker },
    { name: 'image', size: 1, idleAfter, abortGrace: milliseconds(250) },
  );
  return {
    async call<T>(
      task: (api: ImageWorkerApi) => Promise<Result<T, OcrFault>>,
      call: EngineCall,
    ): Promise<Result<T, OcrFault>> {
      const answer = await pool.call(task, { ...call, watchdog: imageWatchdog });
      return answer.ok ? answer.value : err(fromPool(answer.error).fault);
    },
    close: () => pool.close(),
  };
};

type OcrTask<T> = (api: OcrWorkerApi) => Promise<Result<T, OcrFault>>;

/** The runtimes' workers under the device's budget. */
type Device = {
  planOf(runtime: RuntimeKind): WorkerPlan;
  /** One task on one runtime, once the device has room for it, if it's still wanted there by then. */
  run<T>(
    runtime: RuntimeKind,
    task: OcrTask<T>,
    call: EngineCall,
    wanted?: () => boolean,
  ): Promise<Result<T, LaneFailure>>;
  applyLimits(): void;
  stop(runtime: RuntimeKind): void;
  stopAll(): void;
  close(): Promise<void>;
};

const createDevice = (
  deps: OcrEngineDeps,
  options: OcrEngineOptions,
  state: WritableStore<EngineState>,
): Device => {
  const lanes = new Map<RuntimeKind | 'exact', OcrLane>();
  const planOf = (runtime: RuntimeKind): WorkerPlan =>
    runtime === 'webgpu'
      ? { workers: 1, threads: 1 }
      : planWorkers({ limits: deps.limits.get(), profile: deps.profile.get() });
  const onProgress = (progress: number): void => {
    const phase = progress < 1 ? 'loading' : 'ready';
    state.update((now) => ({ ...now, phase, progress, error: undefined }));
  };
  const laneOf = (runtime: RuntimeKind): OcrLane => {
    const lane =
      lanes.get(runtime) ??
      createOcrLane(deps, { ...options, runtime, plan: planOf(runtime), idleAfter, onProgress });
    lanes.set(runtime, lane);
    return lane;
  };
  /** One thread; where that is the plan anyway, no second heap is held for it. */
  const exactLane = (): OcrLane => {
    if (planOf('wasm').threads === 1) return laneOf('wasm');
    const plan = { workers: 1, threads: 1 };
    const lane =
      lanes.get('exact') ?? createOcrLane(deps, { ...options, runtime: 'wasm', plan, idleAfter, onProgress });
    lanes.set('exact', lane);
    return lane;
  };
  return {
    planOf,
    async run(runtime, task, call, wanted = () => true) {
      const waiting = call.trace && deps.telemetry.span('slot', { parent: call.trace });
      const grant = await deps.scheduler.claim({ ...call, runtime });
      waiting?.end();
      if (!grant.ok) return err({ fault: claimFault(grant.error.code), broken: false });
      try {
        if (!wanted()) return err({ fault: fault('cancelled', 'the runtime was changed'), broken: true });
        return await (call.exact ? exactLane() : laneOf(runtime)).run(task, call);
      } finally {
        grant.value.release();
      }
    },
    applyLimits() {
      const plan = planOf('wasm');
      deps.scheduler.setCoreSlots(plan.workers);
      lanes.get('wasm')?.resize(plan);
    },
    stop(runtime) {
      const lane = lanes.get(runtime);
      lanes.delete(runtime);
      void lane?.close();
    },
    stopAll() {
      const all = [...lanes.values()];
      lanes.clear();
      for (const lane of all) void lane.close();
    },
    async close() {
      await Promise.all([...lanes.values()].map((lane) => lane.close()));
    },
  };
};

const createRunner = (
  deps: OcrEngineDeps,
  options: OcrEngineOptions,
  state: WritableStore<EngineState>,
  device: Device,
  chooser: RuntimeChooser,
) => {
  const note = ({ fault: error, broken }: LaneFailure): OcrFault => {
    const ours = error.code !== 'cancelled' && (broken || error.code === 'model');
    if (ours) state.update((now) => ({ ...now, phase: 'failed', error }));
    return error;
  };
  const choose = async (
    how: RuntimeChooser['choose'],
    call: EngineCall,
  ): Promise<Result<RuntimeChoice, OcrFault>> => {
    const chosen = await how(call);
    if (!chosen.ok) return err(note(chosen.error));
    const before = state.get().choice?.chosen;
    state.update((now) => ({ ...now, choice: chosen.value }));
    // The other runtime's heap is only needed to compare.
    if (before !== chosen.value.chosen) device.stop(chosen.value.chosen === 'wasm' ? 'webgpu' : 'wasm');
    return chosen;
  };
  const fallBack = (why: string): void => {
    if (state.get().choice?.chosen !== 'webgpu') return;
    device.stop('webgpu');
    const reason = `WebGPU stopped working (${why}); continuing on WebAssembly`;
    deps.telemetry.log('warn', 'ocr', reason);
    deps.telemetry.count('gpu_lost_total');
    state.update((now) => ({ ...now, choice: now.choice && { ...now.choice, chosen: 'wasm', reason } }));
  };
  return {
    choose,
    fallBack,
    async task<T>(task: OcrTask<T>, call: EngineCall): Promise<Result<T, OcrFault>> {
      if (call.exact) {
        const only = await device.run('wasm', task, call);
        return only.ok ? only : err(note(only.error));
      }
      const known = state.get().choice;
      const choice = known ? { ok: true as const, value: known } : await choose(chooser.choose, call);
      if (!choice.ok) return choice;
      const { chosen } = choice.value;
      const wanted = (): boolean => chosen === 'wasm' || state.get().choice?.chosen === chosen;
      const answer = await device.run(chosen, task, call, wanted);
      if (answer.ok) return answer;
      if (!answer.error.broken || chosen === 'wasm' || options.forceRuntime) return err(note(answer.error));
      // Stopped by somebody else's fallback or by a limit: nothing new to say, but the task still wants doing.
      if (answer.error.fault.code !== 'cancelled') fallBack(answer.error.fault.message);
      const second = await device.run('wasm', task, call);
      return second.ok ? second : err(note(second.error));
    },
  };
};

/** A changed limit takes effect at once; a changed GPU switch makes the choice again with the next task. */
const followLimits = (
  deps: OcrEngineDeps,
  options: OcrEngineOptions,
  state: WritableStore<EngineState>,
  device: Device,
): (() => void) => {
  let gpu = deps.limits.get().gpu;
  device.applyLimits();
  const releases = [
    deps.profile.subscribe(device.applyLimits),
    deps.limits.subscribe((limits) => {
      device.applyLimits();
      if (limits.gpu === gpu) return;
      gpu = limits.gpu;
      if (options.forceRuntime) return;
      state.update((now) => ({ ...now, choice: undefined }));
      if (!gpu) device.stop('webgpu');
    }),
  ];
  return () => {
    for (const release of releases) release();
  };
};

const modelHashes = (files: OcrModelFiles): string =>
  [files.detector, files.recognizer, files.dictionary].map(({ sha256 }) => sha256.slice(0, 12)).join(' ');

const claimFault = (code: 'cancelled' | 'closed'): OcrFault =>
  fault('cancelled', code === 'closed' ? 'the engine was closed' : 'cancelled');
