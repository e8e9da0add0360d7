import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ocrModelFiles } from '../src/compute/models/manifest.ts';
import { runtimeAssets } from '../src/compute/runtimes/assets.ts';
import type { FloatTensor, ModelSession, RuntimeError } from '../src/compute/runtimes/runtime.ts';
import { err, fault, ok, type Result } from '../src/core/result.ts';
import type { PackedImage } from '../src/inference/ocr/types.ts';
import { createOcrApi, type OcrRuntime } from './ocrApi.ts';
import { packImage } from './packing.ts';
import type { OcrLoad } from './protocol.ts';

const load: OcrLoad = {
  runtime: 'wasm',
  threads: 2,
  assets: runtimeAssets,
  detector: Uint8Array.of(1),
  recognizer: Uint8Array.of(2),
  dictionary: new Uint8Array(readFileSync(new URL(ocrModelFiles.dictionary.url))),
};
const blank = (width: number, height: number): Promise<PackedImage> =>
  packImage({ width, height, data: new Uint8Array(width * height * 3).fill(255) });

/** The detector sees nothing; the recogniser reads "a" in every line. */
const answerOf = (model: number, dims: readonly number[]): FloatTensor => {
  if (model === 1) {
    const [, , height = 0, width = 0] = dims;
    return { data: new Float32Array(height * width), dims: [1, 1, height, width] };
  }
  const data = new Float32Array(6625);
  data[letterA] = 1;
  return { data, dims: [1, 1, 6625] };
};
const letterA = 1 + new TextDecoder().decode(load.dictionary).split('\n').indexOf('a');

const createRig = (
  change: {
    runtime?: RuntimeError;
    open?: (model: number) => RuntimeError | undefined;
    run?: RuntimeError;
  } = {},
) => {
  const record = { runs: [] as number[], sessions: 0, released: 0, steps: 0, time: 0, runMs: 10 };
  let abort = new AbortController();
  const sessionOf = (model: number): ModelSession => ({
    inputNames: ['x'],
    outputNames: ['y'],
    async run(feeds) {
      record.runs.push(model);
      record.time += record.runMs;
      return change.run ? err(change.run) : ok({ y: answerOf(model, feeds['x']?.dims ?? []) });
    },
    async release() {},
  });
  const runtime: OcrRuntime = {
    kind: 'wasm',
    threads: 1,
    async createSession(bytes): Promise<Result<ModelSession, RuntimeError>> {
      const refusal = change.open?.(bytes[0] ?? 0);
      if (refusal) return err(refusal);
      record.sessions++;
      return ok(sessionOf(bytes[0] ?? 0));
    },
    async release() {
      record.released++;
    },
  };
  const onStep = { run: () => {} };
  const api = createOcrApi({
    openScope() {
      abort = new AbortController();
      return {
        signal: abort.signal,
        async step() {
          record.steps++;
          onStep.run();
        },
      };
    },
    monotonic: () => record.time,
    createRuntime: async () => (change.runtime ? err(change.runtime) : ok(runtime)),
  });
  return { api, record, onStep, abort: () => abort.abort() };
};

describe('the OCR worker', () => {
  it('reads lines after loading, with a sign of life for each', async () => {
    const { api, record } = createRig();
    expect(await api.load(load)).toEqual(ok({ threads: 1 }));
    const read = await api.recognize([await blank(64, 48), await blank(96, 48)]);
    expect(read).toMatchObject({ value: { lines: [{ text: 'a' }, { text: 'a' }] } });
    expect(record.steps).toBe(2);
    expect(await api.detect(await blank(64, 96))).toEqual(ok({ boxes: [] }));
  });

  it('opens its models once', async () => {
    const { api, record } = createRig();
    await api.load(load);
    await api.load(load);
    expect(record.sessions).toBe(2);
  });

  it('says so when it was not loaded', async () => {
    const { api } = createRig();
    expect(await api.recognize([])).toMatchObject({ error: { code: 'runtime' } });
  });

  it('stops between two lines when it is told to, and works again afterwards', async () => {
    const { api, record, onStep, abort } = createRig();
    await api.load(load);
    onStep.run = abort;
    const lines = [await blank(64, 48), await blank(64, 48), await blank(64, 48)];
    expect(await api.recognize(lines)).toMatchObject({ error: { code: 'cancelled' } });
    expect(record.runs).toHaveLength(1);
    onStep.run = () => {};
    expect((await api.recognize(lines)).ok).toBe(true);
  });

  it.each([
    [100, 96],
    [64, 50],
    [3232, 64],
    [3200, 3200],
  ])('refuses a page of %i × %i before a model sees it', async (width, height) => {
    const { api, record } = createRig();
    await api.load(load);
    const answer = await api.detect({ width, height, data: new Uint8Array(1) });
    expect(answer.ok).toBe(false);
    expect(!answer.ok && answer.error.code).toMatch(/damaged|too-large/);
    expect(record.runs).toHaveLength(0);
  });

  it.each([
    [64, 47],
    [9000, 48],
    [0, 48],
  ])('refuses a line of %i × %i before a model sees it', async (width, height) => {
    const { api, record } = createRig();
    await api.load(load);
    const answer = await api.recognize([await blank(64, 48), { width, height, data: new Uint8Array(1) }]);
    expect(answer).toMatchObject({ error: { code: 'damaged' } });
    expect(record.runs).toHaveLength(0);
  });

  it('tells a damaged model from a broken runtime', async () => {
    const failed = fault('failed' as const, 'protobuf parsing failed');
    const damaged = createRig({ open: (model) => (model === 2 ? failed : undefined) });
    expect(await damaged.api.load(load)).toMatchObject({ error: { code: 'model' } });
    expect(damaged.record.released).toBe(1);
    const missing = createRig({ runtime: fault('unsupported', 'no adapter') });
    expect(await missing.api.load(load)).toMatchObject({ error: { code: 'runtime', message: 'no adapter' } });
    const lost = createRig({ run: fault('device-lost', 'driver reset') });
    await lost.api.load(load);
    expect(await lost.api.recognize([await blank(64, 48)])).toMatchObject({ error: { code: 'runtime' } });
  });

  it('measures warm, three times where that is quick and once where it is slow', async () => {
    const { api, record } = createRig();
    await api.load(load);
    const probe = { page: await blank(64, 64), line: await blank(64, 48) };
    expect(await api.measure(probe)).toEqual(ok({ detectMs: 10, recognizeMs: 10, boxes: [], text: 'a' }));
    expect(record.runs).toEqual([1, 1, 1, 1, 2, 2, 2, 2]);
    record.runs.length = 0;
    record.runMs = 4000;
    expect(await api.measure(probe)).toMatchObject({ value: { detectMs: 4000 } });
    expect(record.runs).toEqual([1, 1, 2, 2]);
  });
});
