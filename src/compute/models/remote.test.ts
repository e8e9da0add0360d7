import { describe, expect, it } from 'vitest';
import { utf8 } from '../../core/bytes.ts';
import { silentTelemetry, type Telemetry } from '../../core/ports/telemetry.ts';
import { ok } from '../../core/result.ts';
import type { ModelAnswer, ModelWorkerApi } from '../ports.ts';
import { createScriptedWorker, createVirtualTime, type ScriptedWorker, settle } from '../testDoubles.ts';
import { createRemoteModels } from './remote.ts';

const model = { name: 'tiny', url: 'https://x/tiny.onnx', sha256: 'ab', bytes: 3 };

const createRig = () => {
  const time = createVirtualTime();
  const workers: ScriptedWorker<ModelWorkerApi>[] = [];
  const asked: { onProgress(loaded: number, total: number): void; answer(value: ModelAnswer): void }[] = [];
  const said: string[] = [];
  const telemetry: Telemetry = {
    ...silentTelemetry,
    log: (level, _component, message) => void said.push(`${level} ${message}`),
    count: (name, by) => void said.push(`${name} ${by}`),
    observe: (name, value) => void said.push(`${name} ${value}`),
  };
  const models = createRemoteModels({
    spawnModelWorker() {
      const worker = createScriptedWorker<ModelWorkerApi>({
        load: (_model, onProgress) => new Promise((answer) => asked.push({ onProgress, answer })),
      });
      workers.push(worker);
      return worker;
    },
    ...time,
    telemetry,
  });
  return { models, workers, asked, said };
};

describe('models from a worker', () => {
  it('passes progress and bytes on, and says what the worker noticed', async () => {
    const { models, asked, said } = createRig();
    const progress: number[] = [];
    const loading = models.load(model, { onProgress: (loaded) => progress.push(loaded) });
    asked[0]!.onProgress(2, 3);
    asked[0]!.answer({
      result: ok(utf8('abc')),
      noticed: [
        { kind: 'log', level: 'warn', component: 'models', message: 'storage is full', fields: undefined },
        { kind: 'count', name: 'model_files_damaged_total', value: 1, labels: {} },
        { kind: 'observe', name: 'model_load_seconds', value: 2, labels: { from: 'network' } },
      ],
    });
    expect(await loading).toEqual(ok(utf8('abc')));
    expect(progress).toEqual([2]);
    expect(said).toContain('warn storage is full');
    expect(said).toContain('model_files_damaged_total 1');
    expect(said).toContain('model_load_seconds 2');
  });

  it('answers a cancel at once and tells the worker', async () => {
    const { models, workers } = createRig();
    const abort = new AbortController();
    const loading = models.load(model, { signal: abort.signal });
    abort.abort();
    expect(await loading).toMatchObject({ error: { code: 'cancelled' } });
    expect(workers[0]!.aborted()).toBe(1);
  });

  it('says that a model is unavailable when its worker dies, and starts another for the next', async () => {
    const { models, workers, asked } = createRig();
    const loading = models.load(model);
    workers[0]!.die('out of memory');
    expect(await loading).toMatchObject({
      error: { code: 'unavailable', message: expect.stringContaining('tiny could not be loaded') },
    });
    const again = models.load(model);
    await settle();
    asked[1]!.answer({ result: ok(utf8('abc')), noticed: [] });
    expect((await again).ok).toBe(true);
  });
});
