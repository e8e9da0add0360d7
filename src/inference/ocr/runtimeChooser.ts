import type { OcrMeasurement, OcrProbe } from '../../../workers/protocol.ts';
import type { DeviceProfile, RuntimeChoice, RuntimeKind, ShareLimits } from '../../compute/contracts.ts';
import type { WorkerPlan } from '../../compute/scheduler/slots.ts';
import { milliseconds } from '../../core/brand.ts';
import type { Store } from '../../core/events.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { Telemetry } from '../../core/ports/telemetry.ts';
import type { Timers } from '../../core/ports/timers.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { parseWith } from '../../core/schema.ts';
import type { KeyValueStore } from '../../storage/index.ts';
import type { LaneFailure } from './engineLane.ts';
import {
  type Candidates,
  candidateRuntimes,
  chooseRuntime,
  type Measured,
  speedOf,
  storedChoiceSchema,
} from './runtimeChoice.ts';
import type { EngineCall, OcrFault } from './types.ts';

export type RuntimeChooserDeps = {
  readonly timers: Timers;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  /** Keeps the measured choice between visits. */
  readonly store: Pick<KeyValueStore, 'get' | 'set'>;
  /** undefined until the device was profiled. */
  readonly profile: Store<DeviceProfile | undefined>;
  readonly limits: Store<ShareLimits>;
  drawProbe(call: EngineCall): Promise<Result<OcrProbe, OcrFault>>;
  runProbe(
    runtime: RuntimeKind,
    probe: OcrProbe,
    call: EngineCall,
  ): Promise<Result<OcrMeasurement, LaneFailure>>;
  planOf(runtime: RuntimeKind): WorkerPlan;
};

export type RuntimeChooserOptions = {
  readonly forceRuntime: RuntimeKind | undefined;
  /** Runtime and models: a measurement of others says nothing. */
  readonly version: string;
};

/** Decides lazily, measures at most once at a time, and remembers. Doesn't know how a runtime is run. */
export interface RuntimeChooser {
  /** Without measuring wherever the profile alone decides. */
  choose(call: EngineCall): Promise<Result<RuntimeChoice, LaneFailure>>;
  measure(call: EngineCall): Promise<Result<RuntimeChoice, LaneFailure>>;
}

/** A profile comes within seconds (its probes have limits); without one the choice is made without a GPU. */
const profilePatience = milliseconds(10_000);

type Chosen = Result<RuntimeChoice, LaneFailure>;

export const createRuntimeChooser = (
  deps: RuntimeChooserDeps,
  options: RuntimeChooserOptions,
): RuntimeChooser => {
  let measuring: Promise<Chosen> | undefined;
  const candidates = (): Candidates =>
    candidateRuntimes({
      forced: options.forceRuntime,
      limits: deps.limits.get(),
      gpu: deps.profile.get()?.gpu,
    });

  const measure = async (call: EngineCall): Promise<Chosen> => {
    await profileArrived(deps, call.signal);
    for (;;) {
      measuring ??= measureOrRecall(deps, options, candidates(), call).finally(() => {
        measuring = undefined;
      });
      const chosen = await measuring;
      // Whoever started it left; those who stay start again.
      const left = !chosen.ok && chosen.error.fault.code === 'cancelled' && !call.signal?.aborted;
      if (!left) return chosen;
    }
  };

  return {
    measure,
    async choose(call) {
      await profileArrived(deps, call.signal);
      const found = candidates();
      if (found.kind === 'measure') return measure(call);
      const stored = await recall(deps, options);
      return ok({ chosen: found.runtime, reason: found.reason, measured: stored?.measured ?? [] });
    },
  };
};

const measureOrRecall = async (
  deps: RuntimeChooserDeps,
  options: RuntimeChooserOptions,
  candidates: Candidates,
  call: EngineCall,
): Promise<Chosen> => {
  const stored = await recall(deps, options);
  if (stored) return ok(stored);
  const probe = await deps.drawProbe(call);
  if (!probe.ok) return err({ fault: probe.error, broken: false });
  const measureOn = (runtime: RuntimeKind) => measureRuntime(deps, options, runtime, probe.value, call);
  const first = await measureOn(candidates.kind === 'only' ? candidates.runtime : 'wasm');
  if (!first.ok) return first;
  if (candidates.kind === 'only') {
    const { runtime: chosen, reason } = candidates;
    return remember(deps, options, { chosen, reason, measured: [first.value.speed] });
  }
  const second = await measureOn('webgpu');
  if (!second.ok && second.error.fault.code === 'cancelled') return second;
  const webgpu = second.ok ? second.value : { failed: second.error.fault.message };
  return remember(deps, options, chooseRuntime(first.value, webgpu));
};

const measureRuntime = async (
  deps: RuntimeChooserDeps,
  options: RuntimeChooserOptions,
  runtime: RuntimeKind,
  probe: OcrProbe,
  call: EngineCall,
): Promise<Result<Measured, LaneFailure>> => {
  const answer = await deps.runProbe(runtime, probe, call);
  if (!answer.ok) return answer;
  const measurement = answer.value;
  const { detectMs, recognizeMs } = measurement;
  deps.telemetry.log('info', 'ocr', 'measured a runtime', { runtime, detectMs, recognizeMs });
  const speed = speedOf({
    measurement,
    probe,
    runtime,
    plan: deps.planOf(runtime),
    version: options.version,
    measuredAt: deps.clock.now(),
  });
  return ok({ speed, measurement });
};

/** What the measurement depends on: another device, driver, limit or version measures again. */
const fingerprint = (deps: RuntimeChooserDeps, options: RuntimeChooserOptions): string => {
  const profile = deps.profile.get();
  const gpuAllowed = deps.limits.get().gpu;
  const parts = [options.version, options.forceRuntime, profile?.gpu, profile?.cores, gpuAllowed];
  return JSON.stringify([...parts, deps.planOf('wasm')]);
};

const recall = async (
  deps: RuntimeChooserDeps,
  options: RuntimeChooserOptions,
): Promise<RuntimeChoice | undefined> => {
  const stored = await deps.store.get('speeds', 'ocr').catch(() => undefined);
  const parsed = parseWith(storedChoiceSchema, stored);
  const valid = parsed.ok && parsed.value.fingerprint === fingerprint(deps, options);
  return valid ? parsed.value.choice : undefined;
};

const remember = async (
  deps: RuntimeChooserDeps,
  options: RuntimeChooserOptions,
  choice: RuntimeChoice,
): Promise<Chosen> => {
  const value = { fingerprint: fingerprint(deps, options), choice };
  await deps.store.set('speeds', 'ocr', value).catch((cause: unknown) => {
    deps.telemetry.log('warn', 'ocr', `the measured speed is not kept: ${String(cause)}`);
  });
  return ok(choice);
};

const profileArrived = (
  deps: Pick<RuntimeChooserDeps, 'profile' | 'timers'>,
  signal: AbortSignal | undefined,
): Promise<void> => {
  if (deps.profile.get() || signal?.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const finish = (): void => {
      cancel();
      unsubscribe();
      signal?.removeEventListener('abort', finish);
      resolve();
    };
    const cancel = deps.timers.after(profilePatience, finish);
    const unsubscribe = deps.profile.subscribe((profile) => profile && finish());
    signal?.addEventListener('abort', finish);
  });
};
