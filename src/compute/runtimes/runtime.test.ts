import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { settle } from '../testDoubles.ts';
import { runtimeAssets, runtimeVersion } from './assets.ts';
import type { OrtModule } from './ort.ts';
import { createRuntime, type RuntimeDeps } from './runtime.ts';

class DoubleTensor {
  readonly type = 'float32';
  readonly data: Float32Array;
  readonly dims: readonly number[];
  disposed = false;
  constructor(_type: string, data: Float32Array, dims: readonly number[]) {
    this.data = data;
    this.dims = dims;
  }
  getData = async () => this.data;
  dispose() {
    this.disposed = true;
  }
}

/** A runtime whose one model doubles its input, and tells whether two runs ever overlapped. */
const createOrt = () => {
  const record = { running: 0, most: 0, released: 0, fail: undefined as string | undefined };
  let loseDevice = (_info: { reason: string; message: string }): void => {};
  const lost = new Promise<{ reason: string; message: string }>((resolve) => {
    loseDevice = resolve;
  });
  const env = { wasm: {} as Record<string, unknown>, webgpu: { device: Promise.resolve({ lost }) } };
  const ort = {
    env,
    Tensor: DoubleTensor,
    InferenceSession: {
      async create(model: Uint8Array) {
        if (model.byteLength === 0) throw new Error('protobuf parsing failed');
        return {
          inputNames: ['x'],
          outputNames: ['y'],
          async run({ x }: { x: DoubleTensor }) {
            record.running++;
            record.most = Math.max(record.most, record.running);
            await settle();
            record.running--;
            if (record.fail) throw new Error(record.fail);
            return {
              y: new DoubleTensor(
                'float32',
                x.data.map((value) => value * 2),
                x.dims,
              ),
            };
          },
          async release() {
            record.released++;
          },
        };
      },
    },
  };
  return { ort: ort as unknown as OrtModule, env, record, loseDevice };
};

const depsOf = (ort: OrtModule, change: Partial<RuntimeDeps> = {}): RuntimeDeps => ({
  loadOrt: async () => ort,
  assets: runtimeAssets,
  sharedMemory: true,
  requestAdapter: async () => ({}),
  ...change,
});
const input = { x: { data: Float32Array.of(1, 2), dims: [2] } };
const model = Uint8Array.of(1);

describe('the runtime in a worker', () => {
  it('runs a model on its own files', async () => {
    const { ort, env } = createOrt();
    const runtime = await createRuntime(depsOf(ort), { kind: 'wasm', threads: 4 });
    if (!runtime.ok) throw new Error('no runtime');
    const session = await runtime.value.createSession(model);
    if (!session.ok) throw new Error('no session');
    expect(await session.value.run(input)).toEqual({
      ok: true,
      value: { y: { data: Float32Array.of(2, 4), dims: [2] } },
    });
    expect(env.wasm).toMatchObject({ numThreads: 4, wasmPaths: runtimeAssets.wasm, proxy: false });
  });

  it('takes one thread where memory cannot be shared, and on WebGPU', async () => {
    const shut = await createRuntime(depsOf(createOrt().ort, { sharedMemory: false }), {
      kind: 'wasm',
      threads: 4,
    });
    expect(shut).toMatchObject({ value: { threads: 1 } });
    const gpu = await createRuntime(depsOf(createOrt().ort), { kind: 'webgpu', threads: 4 });
    expect(gpu).toMatchObject({ value: { threads: 1 } });
  });

  it.each([
    ['no WebGPU', undefined],
    ['no adapter', async () => null],
    ['an adapter request that fails', () => Promise.reject(new Error('GPU process crashed'))],
  ])('refuses WebGPU with %s, before anything is loaded', async (_name, requestAdapter) => {
    let asked = false;
    const { ort } = createOrt();
    const deps = depsOf(ort, {
      requestAdapter,
      loadOrt: async () => {
        asked = true;
        return ort;
      },
    });
    const runtime = await createRuntime(deps, { kind: 'webgpu', threads: 1 });
    expect(runtime).toMatchObject({ ok: false, error: { code: 'unsupported' } });
    expect(asked).toBe(false);
  });

  it('never lets two runs overlap, of whatever sessions: that deadlocks a WebGPU worker', async () => {
    const { ort, record } = createOrt();
    const runtime = await createRuntime(depsOf(ort), { kind: 'webgpu', threads: 1 });
    if (!runtime.ok) throw new Error('no runtime');
    const [one, two] = [await runtime.value.createSession(model), await runtime.value.createSession(model)];
    if (!one.ok || !two.ok) throw new Error('no session');
    await Promise.all([one.value.run(input), two.value.run(input), one.value.run(input)]);
    expect(record.most).toBe(1);
  });

  it('answers a failed run with a typed error and goes on', async () => {
    const { ort, record } = createOrt();
    const runtime = await createRuntime(depsOf(ort), { kind: 'wasm', threads: 1 });
    if (!runtime.ok) throw new Error('no runtime');
    const session = await runtime.value.createSession(model);
    if (!session.ok) throw new Error('no session');
    record.fail = 'input has another shape';
    const failed = await session.value.run(input);
    expect(failed).toMatchObject({ error: { code: 'failed' } });
    if (!failed.ok) expect(failed.error.message).toContain('another shape');
    record.fail = undefined;
    expect((await session.value.run(input)).ok).toBe(true);
  });

  it('takes no answer from a device that was lost', async () => {
    const { ort, loseDevice } = createOrt();
    const runtime = await createRuntime(depsOf(ort), { kind: 'webgpu', threads: 1 });
    if (!runtime.ok) throw new Error('no runtime');
    const session = await runtime.value.createSession(model);
    if (!session.ok) throw new Error('no session');
    const running = session.value.run(input);
    loseDevice({ reason: 'unknown', message: 'driver reset' });
    expect(await running).toMatchObject({ error: { code: 'device-lost' } });
    const after = await session.value.run(input);
    expect(after).toMatchObject({ error: { code: 'device-lost' } });
  });

  it('takes the device that the runtime itself put away for no loss', async () => {
    const { ort, loseDevice } = createOrt();
    const runtime = await createRuntime(depsOf(ort), { kind: 'webgpu', threads: 1 });
    if (!runtime.ok) throw new Error('no runtime');
    const session = await runtime.value.createSession(model);
    if (!session.ok) throw new Error('no session');
    await session.value.release();
    loseDevice({ reason: 'destroyed', message: 'Device was destroyed.' });
    await settle();
    expect(await runtime.value.createSession(model)).toMatchObject({ ok: true });
  });

  it('says which model is damaged, and when the runtime itself is missing', async () => {
    const { ort } = createOrt();
    const runtime = await createRuntime(depsOf(ort), { kind: 'wasm', threads: 1 });
    if (!runtime.ok) throw new Error('no runtime');
    expect(await runtime.value.createSession(new Uint8Array())).toMatchObject({ error: { code: 'failed' } });
    const missing = depsOf(ort, { loadOrt: () => Promise.reject(new Error('404')) });
    expect(await createRuntime(missing, { kind: 'wasm', threads: 1 })).toMatchObject({
      error: { code: 'unsupported' },
    });
  });

  it('releases each session once', async () => {
    const { ort, record } = createOrt();
    const runtime = await createRuntime(depsOf(ort), { kind: 'wasm', threads: 1 });
    if (!runtime.ok) throw new Error('no runtime');
    const one = await runtime.value.createSession(model);
    await runtime.value.createSession(model);
    if (one.ok) await one.value.release();
    await runtime.value.release();
    await runtime.value.release();
    expect(record.released).toBe(2);
  });
});

describe('the assets', () => {
  it('belong to the installed version', () => {
    const file = new URL('../../../package.json', import.meta.url);
    const { dependencies } = JSON.parse(readFileSync(file, 'utf8'));
    expect(runtimeVersion).toBe(`onnxruntime-web ${dependencies['onnxruntime-web']}`);
    for (const { mjs, wasm } of Object.values(runtimeAssets)) {
      expect(readFileSync(new URL(mjs)).byteLength).toBeGreaterThan(10_000);
      expect(readFileSync(new URL(wasm)).byteLength).toBeGreaterThan(1_000_000);
    }
  });
});
