import { err, type Fault, fault, ok, type Result } from '../../core/result.ts';
import type { RuntimeKind } from '../contracts.ts';
import type { RuntimeAssets } from './assets.ts';
import type { OrtModule } from './ort.ts';
import {
  outputLocations,
  type StatefulSession,
  type StateTensor,
  statefulSessionOf,
} from './statefulSession.ts';

export type RuntimeError = Fault<
  /** this device or browser can't */
  | 'unsupported'
  /** the GPU went away: driver reset, out of memory, device removed; the worker has to be replaced */
  | 'device-lost'
  /** the model or its input is not what the runtime can run */
  | 'failed'
>;

export type FloatTensor = { readonly data: Float32Array; readonly dims: readonly number[] };

export interface ModelSession {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  /** Float tensors in and out, by name. */
  run(
    feeds: Readonly<Record<string, FloatTensor>>,
  ): Promise<Result<Readonly<Record<string, FloatTensor>>, RuntimeError>>;
  release(): Promise<void>;
}

export interface Runtime {
  readonly kind: RuntimeKind;
  readonly threads: number;
  createSession(model: Uint8Array): Promise<Result<ModelSession, RuntimeError>>;
  /**
   * For a model whose outputs are its inputs again. On WebGPU every operator has to run there: one that fell back to the CPU would
   * move the state over and back in each run, so a model with such an operator is refused.
   */
  createStatefulSession(
    model: Uint8Array,
    options: {
      /** The names of all outputs. */
      readonly outputs: readonly string[];
      readonly state: readonly StateTensor[];
    },
  ): Promise<Result<StatefulSession, RuntimeError>>;
  /** Releases every session. */
  release(): Promise<void>;
}

export type RuntimeDeps = {
  loadOrt(runtime: RuntimeKind): Promise<OrtModule>;
  /** Undefined: the runtime finds its own files, as it does in Node. */
  readonly assets: Readonly<Record<RuntimeKind, RuntimeAssets>> | undefined;
  /** Between workers: WebAssembly's threads need it. */
  readonly sharedMemory: boolean;
  /** undefined where the browser has no WebGPU; resolves to null where it has no adapter. */
  readonly requestAdapter: (() => Promise<unknown>) | undefined;
};

/**
 * One onnxruntime-web in this worker. Knows the runtime's traps; doesn't know what the models compute. Runs are
 * serial: two overlapping runs on WebGPU deadlock the worker, and on WASM they would only share one heap's threads.
 */
export const createRuntime = async (
  deps: RuntimeDeps,
  options: { readonly kind: RuntimeKind; readonly threads: number },
): Promise<Result<Runtime, RuntimeError>> => {
  const { kind } = options;
  const refusal = kind === 'webgpu' ? await refuseWithoutAdapter(deps) : undefined;
  if (refusal) return err(refusal);
  // Threads need shared memory; on WebGPU the CPU part is too small to gain from them.
  const threads = kind === 'wasm' && deps.sharedMemory ? Math.max(1, options.threads) : 1;
  const loaded = await attempt('unsupported', `the ${kind} runtime could not be loaded`, () =>
    deps.loadOrt(kind),
  );
  if (!loaded.ok) return loaded;
  const ort = loaded.value;
  if (deps.assets) ort.env.wasm.wasmPaths = { ...deps.assets[kind] };
  ort.env.wasm.numThreads = threads;
  ort.env.wasm.proxy = false;
  ort.env.logLevel = 'error';
  return ok(runtimeOf(ort, kind, threads));
};

const refuseWithoutAdapter = async (deps: RuntimeDeps): Promise<RuntimeError | undefined> => {
  if (!deps.requestAdapter) return fault('unsupported', 'this browser has no WebGPU in workers');
  const adapter = await deps.requestAdapter().catch(() => null);
  return adapter ? undefined : fault('unsupported', 'WebGPU found no usable graphics adapter');
};

type Lane = <T>(run: () => Promise<T>) => Promise<T>;

const runtimeOf = (ort: OrtModule, kind: RuntimeKind, threads: number): Runtime => {
  const serial = createSerialLane();
  const sessions = new Set<{ release(): Promise<void> }>();
  const device = createDeviceWatch(ort, kind);
  const open = async (
    model: Uint8Array,
    options: SessionOptions,
  ): Promise<Result<OrtSession, RuntimeError>> => {
    const created = await serial(() =>
      attempt('failed', 'the model could not be opened', () =>
        ort.InferenceSession.create(model, {
          executionProviders: [kind],
          graphOptimizationLevel: 'all',
          // Warnings say on every load that shape operators stay on the CPU.
          logSeverityLevel: 3,
          ...options,
        }),
      ),
    );
    if (!created.ok) return err(device.lost() ?? created.error);
    await device.watch();
    return created;
  };
  const own = <T extends { release(): Promise<void> }>(session: T): T => {
    const owned: T = {
      ...session,
      async release() {
        if (sessions.delete(owned)) await session.release();
      },
    };
    sessions.add(owned);
    return owned;
  };
  const exclusively: Exclusively = (what, run) =>
    serial(async () => {
      const gone = device.lost();
      if (gone) return err(gone);
      const ran = await attempt('failed', what, run);
      // A lost device makes reads return zeros as often as errors: an answer after the loss is no answer.
      const after = device.lost();
      return after ? err(after) : ran;
    });
  return {
    kind,
    threads,
    async createSession(model) {
      const opened = await open(model, {});
      return opened.ok ? ok(own(sessionOf(ort, opened.value, exclusively, serial))) : opened;
    },
    async createStatefulSession(model, { outputs, state }) {
      const opened = await open(
        model,
        kind === 'webgpu'
          ? {
              preferredOutputLocation: outputLocations(outputs, state),
              // The other layout moves transpositions through comparisons, and bool ones run on the CPU only.
              executionProviders: [{ name: 'webgpu', preferredLayout: 'NCHW' }],
              extra: { session: { disable_cpu_ep_fallback: '1' } },
            }
          : {},
      );
      if (!opened.ok) return opened;
      return ok(own(statefulSessionOf({ ort, session: opened.value, exclusively }, state)));
    },
    async release() {
      for (const session of [...sessions]) await session.release();
    },
  };
};

type OrtSession = Awaited<ReturnType<OrtModule['InferenceSession']['create']>>;
type SessionOptions = NonNullable<Parameters<OrtModule['InferenceSession']['create']>[1]>;
/** Runs it when nothing else runs, unless the device is gone. */
type Exclusively = <T>(what: string, run: () => Promise<T>) => Promise<Result<T, RuntimeError>>;

const sessionOf = (
  ort: OrtModule,
  session: OrtSession,
  exclusively: Exclusively,
  serial: Lane,
): ModelSession => ({
  inputNames: session.inputNames,
  outputNames: session.outputNames,
  run: (feeds) => exclusively('the model could not be run', () => runOnce(ort, session, feeds)),
  release: () => serial(() => session.release()),
});

const runOnce = async (
  ort: OrtModule,
  session: OrtSession,
  feeds: Readonly<Record<string, FloatTensor>>,
): Promise<Record<string, FloatTensor>> => {
  const inputs = Object.fromEntries(
    Object.entries(feeds).map(([name, { data, dims }]) => [name, new ort.Tensor('float32', data, dims)]),
  );
  const outputs = await session.run(inputs);
  const results: Record<string, FloatTensor> = {};
  for (const [name, tensor] of Object.entries(outputs)) {
    const data = await tensor.getData();
    if (!(data instanceof Float32Array)) throw new Error(`output ${name} is ${tensor.type}, not float32`);
    results[name] = { data, dims: tensor.dims };
    tensor.dispose();
  }
  return results;
};

const createSerialLane = (): Lane => {
  let tail: Promise<unknown> = Promise.resolve();
  return (run) => {
    const next = tail.then(run, run);
    tail = next.catch(() => {});
    return next;
  };
};

type LosableDevice = { readonly lost: Promise<{ readonly reason: string; readonly message: string }> };

/** The runtime makes its own device with the first session, so the watch starts there. */
const createDeviceWatch = (ort: OrtModule, kind: RuntimeKind) => {
  let lost: RuntimeError | undefined;
  let watched: unknown;
  return {
    lost: () => lost,
    async watch(): Promise<void> {
      if (kind !== 'webgpu') return;
      const device = (await ort.env.webgpu.device) as LosableDevice | undefined;
      if (!device || watched === device) return;
      watched = device;
      void device.lost.then(({ reason, message }) => {
        // The runtime destroys its device with its last session and makes another with the next one.
        if (reason === 'destroyed') return;
        lost = fault(
          'device-lost',
          `the graphics device was lost (${reason}): ${message || 'no details given'}`,
        );
      });
    },
  };
};

const attempt = async <T>(
  code: RuntimeError['code'],
  what: string,
  run: () => Promise<T>,
): Promise<Result<T, RuntimeError>> => {
  try {
    return ok(await run());
  } catch (cause) {
    return err(fault(code, `${what}: ${cause instanceof Error ? cause.message : String(cause)}`));
  }
};
