import { describe, expect, it } from 'vitest';
import type {
  ModelRunsWorkerApi,
  OpenedModel,
  QuantizedModel,
  QuantizeProgress,
  QuantizeWorkerApi,
} from '../../workers/protocol.ts';
import {
  createScriptedWorker,
  createVirtualTime,
  type ScriptedWorker,
  settle,
} from '../compute/testDoubles.ts';
import { createStore } from '../core/events.ts';
import { silentTelemetry } from '../core/ports/telemetry.ts';
import { err, type Fault, fault, ok, type Result } from '../core/result.ts';
import { createModelBench } from './modelBench.ts';
import { modelFilesOf, quantizedName } from './modelFiles.ts';
import { type ModelsView, noModel } from './modelsView.ts';

const asset = { mjs: '', wasm: '' };

const opened: OpenedModel = {
  description: {
    kind: 'onnx',
    bytes: 10,
    irVersion: 8,
    opsets: {},
    producer: '',
    inputs: [],
    outputs: [],
    inputTypes: [],
    outputTypes: [],
    nodes: 1,
    functions: 0,
    ops: [],
    parameters: 2,
    tensors: 1,
    tensorBytes: 8,
    bytesByType: [],
    largest: [],
    files: [],
    problems: [],
    missing: [],
    feeds: [],
    sizes: [],
  },
  plans: [],
};
const made: QuantizedModel = {
  file: new Blob(['small']),
  bytesBefore: 10,
  bytesAfter: 5,
  tensors: [],
  skipped: [],
  ms: 3,
};
const halfWay: QuantizeProgress = {
  tensor: 'w',
  tensorsDone: 1,
  tensors: 2,
  bytesDone: 4,
  bytes: 8,
  bytesPerSecond: 100,
};

/** Calls that the test answers when it likes. */
const createRig = () => {
  const time = createVirtualTime();
  const view = createStore<ModelsView>(noModel);
  const removed: string[] = [];
  const quantizers: ScriptedWorker<QuantizeWorkerApi>[] = [];
  const opening: ((answer: Result<OpenedModel, Fault>) => void)[] = [];
  const making: {
    readonly target: string;
    tell(progress: QuantizeProgress): void;
    answer(made: Result<QuantizedModel, Fault>): void;
  }[] = [];
  const checking: { readonly runtime: string; answer(result: Result<{ openMs: number }, Fault>): void }[] =
    [];
  const comparing: ((answer: Parameters<typeof ok>[0]) => void)[] = [];
  const quantizer: QuantizeWorkerApi = {
    open: () => new Promise((resolve) => void opening.push(resolve)),
    quantize: (_files, _recipe, target, tell) =>
      new Promise((answer) => void making.push({ target, tell, answer })),
  };
  const runner: ModelRunsWorkerApi = {
    check: (_files, { runtime }) => new Promise((answer) => void checking.push({ runtime, answer })),
    compare: (_input, _tell) => new Promise((resolve) => void comparing.push(resolve as never)),
  };
  const bench = createModelBench({
    ...time,
    telemetry: silentTelemetry,
    view,
    profile: () => undefined,
    anyGpu: false,
    threads: () => 1,
    assets: { wasm: asset, webgpu: asset },
    spawnQuantize() {
      const worker = createScriptedWorker(quantizer);
      quantizers.push(worker);
      return worker;
    },
    spawnRuns: () => createScriptedWorker(runner),
    scratch: {
      path: (name) => `tab/${name}`,
      async remove(path) {
        removed.push(path);
        return true;
      },
    },
  });
  const openOne = async (name = 'net.onnx') => {
    const done = bench.open([new File(['0123456789'], name)]);
    await settle();
    opening.at(-1)?.(ok(opened));
    await done;
  };
  return { bench, view, time, removed, quantizers, opening, making, checking, openOne };
};

describe('the bench', () => {
  it('opens, makes, tells how far it is, and hands the file over', async () => {
    const { bench, view, making, openOne } = createRig();
    await openOne();
    expect(view.get().file).toMatchObject({ phase: 'open', name: 'net.onnx' });
    const done = bench.quantize('int8');
    await settle();
    making[0]?.tell(halfWay);
    expect(view.get().work).toEqual({ phase: 'running', recipe: 'int8', progress: halfWay });
    making[0]?.answer(ok(made));
    await done;
    expect(view.get().work).toMatchObject({ phase: 'done', name: 'net.int8.onnx', file: made.file });
    // Progress has a channel of its own: its last word may come late.
    making[0]?.tell(halfWay);
    expect(view.get().work.phase).toBe('done');
  });

  it('stops at once, and what was half written goes', async () => {
    const { bench, view, making, removed, openOne } = createRig();
    await openOne();
    const done = bench.quantize('q4');
    await settle();
    bench.cancel();
    expect(view.get().work).toEqual({ phase: 'cancelled', recipe: 'q4' });
    await done;
    expect(removed).toEqual([making[0]?.target]);
    making[0]?.tell(halfWay);
    expect(view.get().work.phase).toBe('cancelled');
  });

  it('removes again what a stopped worker may have made meanwhile', async () => {
    const { bench, time, making, removed, quantizers, openOne } = createRig();
    await openOne();
    void bench.quantize('q4');
    await settle();
    bench.cancel();
    await time.advance(5_000);
    expect(quantizers[0]?.terminated()).toBe(true);
    expect(removed).toEqual([making[0]?.target, making[0]?.target]);
  });

  it('says that a worker died, removes its file, and goes on with another one', async () => {
    const { bench, view, removed, making, quantizers, openOne } = createRig();
    await openOne();
    const done = bench.quantize('ternary');
    await settle();
    quantizers[0]?.die('out of memory');
    await done;
    expect(view.get().work).toMatchObject({
      phase: 'failed',
      reason: expect.stringContaining('want of memory'),
    });
    expect(removed).toEqual([making[0]?.target]);
    const again = bench.quantize('int8');
    await settle();
    making[1]?.answer(ok(made));
    await again;
    expect(view.get().work.phase).toBe('done');
    expect(quantizers).toHaveLength(2);
  });

  it('shows the later of two files, whatever is read first', async () => {
    const { bench, view, opening } = createRig();
    const first = bench.open([new File(['1'], 'first.onnx')]);
    await settle();
    const second = bench.open([new File(['2'], 'second.onnx')]);
    await settle();
    opening[0]?.(err(fault('malformed', 'too late')));
    await first;
    await settle();
    opening[1]?.(ok(opened));
    await second;
    expect(view.get().file).toMatchObject({ phase: 'open', name: 'second.onnx' });
  });

  it('deletes what was made when another model is opened, and on request', async () => {
    const { bench, view, making, removed, openOne } = createRig();
    await openOne();
    const done = bench.quantize('int8');
    await settle();
    making[0]?.answer(ok(made));
    await done;
    await openOne('other.onnx');
    expect(removed).toEqual(['tab/0.onnx']);
    expect(view.get().work.phase).toBe('none');
    const again = bench.quantize('int8');
    await settle();
    making[1]?.answer(ok(made));
    await again;
    await bench.discard();
    expect(removed).toEqual(['tab/0.onnx', 'tab/1.onnx']);
    expect(view.get().work.phase).toBe('none');
  });

  it('refuses what is no model, in words', async () => {
    const { bench, view, opening } = createRig();
    await bench.open([new File(['a'], 'cat.png')]);
    expect(view.get().file).toMatchObject({
      phase: 'refused',
      reason: '“cat.png” is neither: an .onnx or a .safetensors file is read here.',
    });
    const done = bench.open([new File(['a'], 'a.onnx')]);
    await settle();
    opening[0]?.(err(fault('malformed', 'It is cut off.')));
    await done;
    expect(view.get().file).toEqual({ phase: 'refused', name: 'a.onnx', reason: 'It is cut off.' });
  });

  it('asks each runtime, and says where it did not', async () => {
    const { bench, view, checking, openOne } = createRig();
    await openOne();
    const done = bench.check();
    await settle();
    expect(view.get().checks.wasm.phase).toBe('running');
    checking[0]?.answer(ok({ openMs: 12 }));
    await done;
    expect(view.get().checks).toMatchObject({
      wasm: { phase: 'runs', openMs: 12 },
      webgpu: { phase: 'not-tried' },
    });
    const again = bench.check();
    await settle();
    checking[1]?.answer(err(fault('failed', 'Foo is not an operator')));
    await again;
    expect(view.get().checks.wasm).toEqual({ phase: 'refused', reason: 'Foo is not an operator' });
  });
});

describe('files dropped together', () => {
  const files = (...names: readonly string[]) => names.map((name) => new File([''], name));

  it('are a model and its data', () => {
    expect(modelFilesOf(files('net.bin', 'net.onnx', 'net.safetensors'))).toMatchObject({
      value: { name: 'net.onnx', beside: [{ name: 'net.bin' }, { name: 'net.safetensors' }] },
    });
  });

  it('are refused when it is not clear which is meant', () => {
    expect(modelFilesOf(files('a.onnx', 'b.onnx'))).toMatchObject({
      error: { message: '“a.onnx” and “b.onnx” are two models: give one at a time.' },
    });
  });
});

it('names say what was made', () => {
  expect(quantizedName('net.onnx', 'int8')).toBe('net.int8.onnx');
  expect(quantizedName('net.q4.onnx', 'unpack-int8')).toBe('net.int8.onnx');
  expect(quantizedName('Llama.1.ONNX', 'q4-hqq')).toBe('Llama.1.q4.onnx');
});
