import { describe, expect, it } from 'vitest';
import type { ImageWorkerApi, OcrLoad, OcrMeasurement, OcrWorkerApi } from '../../../workers/protocol.ts';
import type { DeviceProfile, ModelStore, RuntimeKind, ShareLimits } from '../../compute/contracts.ts';
import type { OcrModelFiles } from '../../compute/models/manifest.ts';
import { createScheduler } from '../../compute/scheduler/scheduler.ts';
import {
  createScriptedWorker,
  createSharedLocks,
  createVirtualTime,
  type ScriptedWorker,
  settle,
} from '../../compute/testDoubles.ts';
import { utf8 } from '../../core/bytes.ts';
import { createStore } from '../../core/events.ts';
import { silentTelemetry, type Telemetry } from '../../core/ports/telemetry.ts';
import { err, fault, ok, type Result } from '../../core/result.ts';
import { createOcrEngine, type OcrEngineOptions } from './engine.ts';
import type { DetectInput, OcrFault, PackedImage } from './types.ts';

const packed: PackedImage = { width: 32, height: 32, data: utf8('pixels') };
const input: DetectInput = { image: packed };
const file = (name: string) => ({ name, url: `/${name}`, sha256: name.repeat(16), bytes: 4 });
const modelFiles: OcrModelFiles = {
  detector: file('det1'),
  recognizer: file('rec1'),
  dictionary: file('dic1'),
};
const gpu: DeviceProfile['gpu'] = {
  kind: 'adapter',
  vendor: 'nvidia',
  architecture: 'ampere',
  description: undefined,
  software: false,
  features: [],
  limits: {} as never,
};
const profile = (change: Partial<DeviceProfile> = {}): DeviceProfile => ({
  label: 'Test',
  mobile: false,
  cores: 4,
  memoryGiB: 8,
  gpu: { kind: 'none', reason: 'this browser has no WebGPU' },
  battery: { charging: true, level: 1 },
  network: undefined,
  storage: undefined,
  crossOriginIsolated: true,
  ...change,
});
const limits: ShareLimits = { cores: 4, gpu: true, onlyWhenCharging: false, paused: false };

/** What a device does on each runtime. */
type Behaviour = {
  load?: (runtime: RuntimeKind) => Result<{ threads: number }, OcrFault> | undefined;
  measure?: (runtime: RuntimeKind) => OcrMeasurement;
  detect?: (runtime: RuntimeKind) => Promise<Result<{ boxes: [] }, OcrFault>>;
};

const measurement = (change: Partial<OcrMeasurement> = {}): OcrMeasurement => ({
  detectMs: 100,
  recognizeMs: 10,
  boxes: [{ quad: [0, 0, 9, 0, 9, 9, 0, 9], score: 0.9 }],
  text: 'Village 1984 read',
  ...change,
});

const createRig = (
  behaviour: Behaviour = {},
  setup: {
    profile?: DeviceProfile;
    limits?: ShareLimits;
    options?: Partial<OcrEngineOptions>;
    kept?: Map<string, unknown>;
    models?: ModelStore;
    telemetry?: Telemetry;
  } = {},
) => {
  const time = createVirtualTime();
  const workers: { worker: ScriptedWorker<OcrWorkerApi>; runtime: () => RuntimeKind | undefined }[] = [];
  const loads: OcrLoad[] = [];
  const detects: RuntimeKind[] = [];
  const kept = setup.kept ?? new Map<string, unknown>();
  const limitStore = createStore(setup.limits ?? limits);
  const profileStore = createStore<DeviceProfile | undefined>(setup.profile ?? profile());
  const spawnOcrWorker = () => {
    let runtime: RuntimeKind | undefined;
    const loadedRuntime = () => runtime ?? 'wasm';
    const api: OcrWorkerApi = {
      async load(load) {
        loads.push(load);
        runtime = load.runtime;
        return behaviour.load?.(load.runtime) ?? ok({ threads: load.threads });
      },
      async detect() {
        detects.push(loadedRuntime());
        return behaviour.detect ? behaviour.detect(loadedRuntime()) : ok({ boxes: [] });
      },
      recognize: async (lines) => ok({ lines: lines.map(() => ({ text: 'read', confidence: 1 })) }),
      measure: async () => ok(behaviour.measure?.(loadedRuntime()) ?? measurement()),
      async dispose() {},
    };
    const worker = createScriptedWorker(api);
    workers.push({ worker, runtime: () => runtime });
    return worker;
  };
  const imageApi: ImageWorkerApi = {
    openPage: async () => err(fault('empty', 'The file is empty (0 bytes).')),
    cropLines: async () => ok([packed]),
    drawProbe: async () => ok({ page: packed, line: packed }),
  };
  const engine = createOcrEngine(
    {
      spawnImageWorker: () => createScriptedWorker(imageApi),
      spawnOcrWorker,
      models: setup.models ?? {
        async load(model, loadOptions) {
          loadOptions?.onProgress?.(model.bytes, model.bytes);
          return ok(utf8(model.name));
        },
      },
      scheduler: createScheduler(
        { locks: createSharedLocks(), telemetry: silentTelemetry },
        { coreSlots: 1 },
      ),
      store: {
        get: async (_namespace, key) => kept.get(key),
        async set(_namespace, key, value) {
          kept.set(key, value);
        },
      },
      profile: profileStore,
      limits: limitStore,
      timers: time.timers,
      clock: time.clock,
      telemetry: setup.telemetry ?? silentTelemetry,
    },
    { modelFiles, assets: {} as never, runtimeVersion: 'test 1', ...setup.options },
  );
  return { engine, time, workers, loads, detects, kept, limits: limitStore, profile: profileStore };
};

describe('the OCR engine', () => {
  it('does nothing until it is needed, then loads the models once per worker', async () => {
    const { engine, workers, loads } = createRig();
    expect(engine.state.get()).toMatchObject({ phase: 'idle', choice: undefined });
    expect(workers).toHaveLength(0);
    const phases: string[] = [];
    engine.state.subscribe(({ phase, progress }) => phases.push(`${phase} ${progress.toFixed(1)}`));
    expect((await engine.detect(input)).ok).toBe(true);
    expect((await engine.recognize({ lines: [packed] })).ok).toBe(true);
    expect(loads).toHaveLength(1);
    expect(phases).toContain('loading 0.9');
    expect(engine.state.get()).toMatchObject({ phase: 'ready', progress: 1 });
  });

  it('measures how long each worker takes to open its models', async () => {
    const opened: unknown[] = [];
    const telemetry: Telemetry = {
      ...silentTelemetry,
      observe: (name, _value, labels) => void (name === 'model_open_seconds' && opened.push(labels)),
    };
    const { engine } = createRig({}, { telemetry });
    await engine.detect(input);
    await engine.detect(input);
    expect(opened).toEqual([{ runtime: 'wasm' }]);
  });

  it('chooses WebAssembly without measuring where there is no GPU, and says why', async () => {
    const { engine } = createRig();
    await engine.detect(input);
    expect(engine.state.get().choice).toEqual({
      chosen: 'wasm',
      reason: 'this browser has no WebGPU',
      measured: [],
    });
  });

  it('does not try a software GPU', async () => {
    const { engine, loads } = createRig({}, { profile: profile({ gpu: { ...gpu, software: true } }) });
    await engine.detect(input);
    expect(engine.state.get().choice).toMatchObject({ chosen: 'wasm' });
    expect(loads.map(({ runtime }) => runtime)).toEqual(['wasm']);
  });

  it('takes the GPU when it is faster than all WebAssembly workers together', async () => {
    const measure = (runtime: RuntimeKind) =>
      runtime === 'webgpu' ? measurement({ detectMs: 5, recognizeMs: 1 }) : measurement();
    const { engine, detects, time } = createRig({ measure }, { profile: profile({ gpu }) });
    expect((await engine.detect(input)).ok).toBe(true);
    expect(engine.state.get().choice).toMatchObject({
      chosen: 'webgpu',
      reason: expect.stringContaining('×'),
    });
    expect(engine.state.get().choice?.measured.map(({ runtime }) => runtime)).toEqual(['wasm', 'webgpu']);
    expect(detects).toEqual(['webgpu']);
    expect(engine.slots()).toBe(1);
    await time.advance(0);
  });

  it('stays on WebAssembly for output that is compared bit by bit, also where the GPU is faster', async () => {
    const measure = (runtime: RuntimeKind) =>
      runtime === 'webgpu' ? measurement({ detectMs: 5, recognizeMs: 1 }) : measurement();
    const { engine, detects } = createRig({ measure }, { profile: profile({ gpu }) });
    await engine.detect(input);
    expect((await engine.detect(input, { exact: true })).ok).toBe(true);
    expect(detects).toEqual(['webgpu', 'wasm']);
    expect(engine.state.get().choice?.chosen).toBe('webgpu');
  });

  it('reads with one thread for output that is compared bit by bit, whatever the others have', async () => {
    const { engine, loads } = createRig(
      {},
      { profile: profile({ cores: 8, memoryGiB: 4 }), limits: { ...limits, cores: 8 } },
    );
    await engine.detect(input);
    await engine.detect(input, { exact: true });
    expect(loads.map(({ runtime, threads }) => [runtime, threads])).toEqual([
      ['wasm', 4],
      ['wasm', 1],
    ]);
    await engine.close();
  });

  it('keeps WebAssembly when its workers together are faster than the GPU', async () => {
    const measure = (runtime: RuntimeKind) =>
      runtime === 'webgpu' ? measurement({ detectMs: 50, recognizeMs: 5 }) : measurement();
    const { engine } = createRig({ measure }, { profile: profile({ gpu }) });
    await engine.measure();
    expect(engine.state.get().choice).toMatchObject({ chosen: 'wasm' });
    expect(engine.slots()).toBe(4);
  });

  it.each([
    ['text', measurement({ detectMs: 1, recognizeMs: 1, text: 'Vilage 1984 read' })],
    ['boxes', measurement({ detectMs: 1, recognizeMs: 1, boxes: [] })],
  ])('does not trust a fast GPU that computes other %s', async (what, wrong) => {
    const measure = (runtime: RuntimeKind) => (runtime === 'webgpu' ? wrong : measurement());
    const { engine } = createRig({ measure }, { profile: profile({ gpu }) });
    const choice = await engine.measure();
    expect(choice).toMatchObject({ value: { chosen: 'wasm' } });
    expect(choice.ok && choice.value.reason).toContain(what);
  });

  it('measures once per device, runtime and models, and forgets when one of them changes', async () => {
    const kept = new Map<string, unknown>();
    let measured = 0;
    const measure = () => {
      measured++;
      return measurement();
    };
    const setup = { profile: profile({ gpu }), kept };
    await createRig({ measure }, setup).engine.measure();
    expect(measured).toBe(2);
    await createRig({ measure }, setup).engine.measure();
    expect(measured).toBe(2);
    await createRig({ measure }, { ...setup, options: { runtimeVersion: 'test 2' } }).engine.measure();
    expect(measured).toBe(4);
    kept.set('ocr', { fingerprint: 1, choice: 'webgpu please' });
    await createRig({ measure }, setup).engine.measure();
    expect(measured).toBe(6);
  });

  it('measures once for everybody who asks at the same time, also if the first one leaves', async () => {
    const { engine } = createRig({}, { profile: profile({ gpu }) });
    const abort = new AbortController();
    const first = engine.measure({ signal: abort.signal });
    const second = engine.measure();
    abort.abort();
    expect(await first).toMatchObject({ ok: false, error: { code: 'cancelled' } });
    expect((await second).ok).toBe(true);
  });

  it('goes on with WebAssembly when the GPU fails half-way, and shows the reason', async () => {
    const { engine, detects } = createRig(
      {
        measure: (runtime) =>
          runtime === 'webgpu' ? measurement({ detectMs: 1, recognizeMs: 1 }) : measurement(),
        detect: async (runtime) =>
          runtime === 'webgpu' ? err(fault('runtime', 'the graphics device was lost')) : ok({ boxes: [] }),
      },
      { profile: profile({ gpu }) },
    );
    expect((await engine.detect(input)).ok).toBe(true);
    expect(detects).toEqual(['webgpu', 'wasm']);
    expect(engine.state.get().choice).toMatchObject({
      chosen: 'wasm',
      reason: expect.stringContaining('device was lost'),
    });
    await engine.detect(input);
    expect(detects).toEqual(['webgpu', 'wasm', 'wasm']);
  });

  it('does not try the GPU again with the tasks that waited for it', async () => {
    const { engine, detects } = createRig(
      {
        measure: (runtime) =>
          runtime === 'webgpu' ? measurement({ detectMs: 1, recognizeMs: 1 }) : measurement(),
        detect: async (runtime) =>
          runtime === 'webgpu' ? err(fault('runtime', 'the graphics device was lost')) : ok({ boxes: [] }),
      },
      { profile: profile({ gpu }) },
    );
    await engine.measure();
    const answers = await Promise.all([1, 2, 3].map(() => engine.detect(input)));
    expect(answers.map((answer) => answer.ok)).toEqual([true, true, true]);
    expect(detects).toEqual(['webgpu', 'wasm', 'wasm', 'wasm']);
  });

  it('never leaves a runtime that was asked for', async () => {
    const refuse = (runtime: RuntimeKind) =>
      runtime === 'webgpu' ? err(fault('runtime' as const, 'no adapter')) : undefined;
    const { engine, loads } = createRig({ load: refuse }, { options: { forceRuntime: 'webgpu' } });
    expect(await engine.detect(input)).toMatchObject({ error: { code: 'runtime', message: 'no adapter' } });
    expect(loads.map(({ runtime }) => runtime)).toEqual(['webgpu']);
    expect(engine.state.get()).toMatchObject({ phase: 'failed', error: { message: 'no adapter' } });
  });

  it('tries once more when a worker dies, with a new one', async () => {
    let calls = 0;
    const { engine, workers } = createRig({
      detect: () => (++calls === 1 ? new Promise(() => {}) : Promise.resolve(ok({ boxes: [] }))),
    });
    const answer = engine.detect(input);
    await settle();
    workers[0]!.worker.die('out of memory');
    expect((await answer).ok).toBe(true);
    expect(workers).toHaveLength(2);
  });

  it('replaces a worker whose runtime broke, and the next task works', async () => {
    let calls = 0;
    const { engine, workers } = createRig({
      detect: async () =>
        ++calls === 1 ? err(fault('runtime', 'memory access out of bounds')) : ok({ boxes: [] }),
    });
    expect(await engine.detect(input)).toMatchObject({ error: { message: 'memory access out of bounds' } });
    expect(workers[0]!.worker.terminated()).toBe(true);
    expect((await engine.detect(input)).ok).toBe(true);
  });

  it('keeps the worker, and its good name, when the input is at fault', async () => {
    const { engine, workers } = createRig({
      detect: async () => err(fault('damaged', 'not a DEFLATE stream')),
    });
    expect(await engine.detect(input)).toMatchObject({ error: { code: 'damaged' } });
    expect(workers[0]!.worker.terminated()).toBe(false);
    expect(engine.state.get().phase).toBe('ready');
  });

  it('says that a worker is stuck after a minute, and replaces it', async () => {
    let calls = 0;
    const { engine, time, workers } = createRig({
      detect: () => (++calls === 1 ? new Promise(() => {}) : Promise.resolve(ok({ boxes: [] }))),
    });
    const answer = engine.detect(input);
    await time.advance(60_000);
    expect(await answer).toMatchObject({ error: { code: 'runtime' } });
    expect(workers[0]!.worker.terminated()).toBe(true);
    expect((await engine.detect(input)).ok).toBe(true);
    expect(engine.state.get().phase).toBe('ready');
  });

  it('cancels at once, and the worker that does not stop is ended', async () => {
    const { engine, time, workers } = createRig({ detect: () => new Promise(() => {}) });
    const abort = new AbortController();
    const answer = engine.detect(input, { signal: abort.signal });
    await settle();
    abort.abort();
    expect(await answer).toMatchObject({ error: { code: 'cancelled' } });
    await time.advance(250);
    expect(workers[0]!.worker.terminated()).toBe(true);
  });

  it('passes on what is wrong with the models, and works once they arrive', async () => {
    let broken = true;
    const models: ModelStore = {
      load: async (model) =>
        broken ? err(fault('corrupt', 'the file arrived damaged twice')) : ok(utf8(model.name)),
    };
    const { engine } = createRig({}, { models });
    expect(await engine.detect(input)).toMatchObject({ error: { code: 'model' } });
    expect(engine.state.get()).toMatchObject({ phase: 'failed' });
    broken = false;
    expect((await engine.detect(input)).ok).toBe(true);
    expect(engine.state.get()).toMatchObject({ phase: 'ready', error: undefined });
  });

  it('uses as many workers as the limits allow, and follows them', async () => {
    let running = 0;
    let most = 0;
    const releases: (() => void)[] = [];
    const { engine, limits: limitStore } = createRig(
      {
        detect: () =>
          new Promise((resolve) => {
            most = Math.max(most, ++running);
            releases.push(() => {
              running--;
              resolve(ok({ boxes: [] }));
            });
          }),
      },
      { limits: { ...limits, cores: 2 } },
    );
    const answers = [1, 2, 3].map(() => engine.detect(input));
    await settle();
    expect(most).toBe(2);
    limitStore.set({ ...limits, cores: 3 });
    await settle();
    expect(most).toBe(3);
    for (const release of releases) release();
    await Promise.all(answers);
    limitStore.set({ ...limits, paused: true });
    expect(engine.slots()).toBe(0);
    expect(engine.availability()).toEqual({ slots: 0, reason: 'paused' });
    expect(engine.ownSlots()).toBeGreaterThan(0);
  });

  it('chooses again when the person takes the GPU back', async () => {
    const measure = (runtime: RuntimeKind) =>
      runtime === 'webgpu' ? measurement({ detectMs: 1, recognizeMs: 1 }) : measurement();
    const { engine, limits: limitStore, workers } = createRig({ measure }, { profile: profile({ gpu }) });
    await engine.detect(input);
    expect(engine.state.get().choice?.chosen).toBe('webgpu');
    limitStore.set({ ...limits, gpu: false });
    expect(workers.find(({ runtime }) => runtime() === 'webgpu')?.worker.terminated()).toBe(true);
    await engine.detect(input);
    expect(engine.state.get().choice).toMatchObject({
      chosen: 'wasm',
      reason: expect.stringContaining('limits'),
    });
  });

  it('passes on faults of images', async () => {
    const { engine } = createRig();
    expect(await engine.openPage(new Blob([]))).toMatchObject({ error: { code: 'empty' } });
  });

  it('ends everything when it is closed', async () => {
    const { engine, workers } = createRig({ detect: () => new Promise(() => {}) });
    const answer = engine.detect(input);
    await settle();
    await engine.close();
    expect(await answer).toMatchObject({ error: { code: 'cancelled' } });
    expect(workers[0]!.worker.terminated()).toBe(true);
    expect(await engine.detect(input)).toMatchObject({ error: { code: 'cancelled' } });
  });

  it('ends its workers when it is told to, and starts new ones with the next task', async () => {
    const { engine, workers } = createRig();
    await engine.detect(input);
    engine.restartWorkers();
    expect(engine.state.get().phase).toBe('idle');
    expect((await engine.detect(input)).ok).toBe(true);
    expect(workers).toHaveLength(2);
  });

  it('leaves the GPU when it is told to, and only if it is there', async () => {
    const { engine, detects } = createRig(
      { measure: (runtime) => measurement({ detectMs: runtime === 'webgpu' ? 1 : 500 }) },
      { profile: profile({ gpu }) },
    );
    expect(engine.leaveGpu('nothing runs yet')).toBe(false);
    await engine.measure();
    expect(engine.state.get().choice?.chosen).toBe('webgpu');
    expect(engine.leaveGpu('it answers no more')).toBe(true);
    await engine.detect(input);
    expect(detects).toEqual(['wasm']);
    expect(engine.leaveGpu('again')).toBe(false);
  });
});
