import { describe, expect, it } from 'vitest';
import { createRuntime } from '../src/compute/runtimes/runtime.ts';
import { unwrap } from '../src/core/result.ts';
import { buildTextClassifier } from '../src/onnx/build/textClassifier.ts';
import { encodeModel } from '../src/onnx/index.ts';
import { createOutputSums } from './compareOutputs.ts';
import { describeModel } from './modelDescription.ts';
import { createModelRunsApi } from './modelRunsApi.ts';
import type { CompareSettings, InputSpec, ModelFiles, RunPlace } from './protocol.ts';
import { createQuantizeApi } from './quantizeApi.ts';
import { drawInputs } from './seededInputs.ts';

const asset = { mjs: '', wasm: '' };
const place: RunPlace = { runtime: 'wasm', threads: 1, assets: { wasm: asset, webgpu: asset } };
const settings = (change: Partial<CompareSettings> = {}): CompareSettings => ({
  sizes: {},
  bounds: {},
  runs: 2,
  seed: 1,
  ...change,
});

/** On the runtime itself. */
const createApi = (abort = new AbortController()) => {
  let time = 0;
  return createModelRunsApi({
    openScope: () => ({ signal: abort.signal, step: async () => {} }),
    monotonic() {
      time += 5;
      return time;
    },
    createRuntime: (options) =>
      createRuntime(
        {
          loadOrt: () => import('onnxruntime-web/wasm'),
          assets: undefined,
          sharedMemory: false,
          requestAdapter: undefined,
        },
        options,
      ),
  });
};

const classifier = (): ModelFiles => {
  const spec = { family: 'text-classifier', vocab: 200, embedding: 32, hidden: [64], classes: 40 } as const;
  const model = unwrap(buildTextClassifier({ ...spec, activation: 'relu' }, { kind: 'seed', seed: 5 }));
  return {
    name: 'a.onnx',
    file: new Blob(unwrap(encodeModel(model)).map((part) => part.slice())),
    beside: [],
  };
};

const describeOnnx = async (files: ModelFiles) => {
  const { description } = unwrap(await describeModel(files));
  if (description.kind !== 'onnx') throw new Error('it is an .onnx');
  return description;
};

const quantized = async (files: ModelFiles): Promise<ModelFiles> => {
  const parts: Uint8Array[] = [];
  const api = createQuantizeApi({
    openScope: () => ({ signal: new AbortController().signal, step: async () => {} }),
    monotonic: () => 0,
    openOutput: async () => ({
      write: async (chunk) => void parts.push(chunk.slice()),
      finish: async () => new Blob(parts as BlobPart[]),
      discard: async () => {},
    }),
  });
  const { file } = unwrap(await api.quantize(files, 'int8', 'made', () => {}));
  return { name: 'b.onnx', file, beside: [] };
};

describe('two models on the same inputs', () => {
  it('are compared on the runtime', async () => {
    const before = classifier();
    const { feeds, sizes } = await describeOnnx(before);
    const bounds = Object.fromEntries(feeds.map(({ name, rows }) => [name, rows ?? 2]));
    const chosen = Object.fromEntries(sizes.map(({ name, suggested }) => [name, suggested]));
    const input = {
      before,
      after: await quantized(before),
      feeds,
      settings: settings({ sizes: chosen, bounds }),
      place,
    };
    const told: number[] = [];
    const result = unwrap(await createApi().compare(input, (done, total) => void told.push(done / total)));
    expect(told.at(-1)).toBe(1);
    expect(result).toMatchObject({ runs: 2, msBefore: 5, msAfter: 5 });
    const [output] = result.outputs;
    expect(output?.relative).toBeGreaterThan(0);
    expect(output?.relative).toBeLessThan(0.1);
    expect(output?.cosine).toBeGreaterThan(0.99);
    const same = unwrap(await createApi().compare({ ...input, after: before }, () => {}));
    expect(same.outputs[0]).toMatchObject({ relative: 0, cosine: expect.closeTo(1, 9), sameTop: 1, max: 0 });
  });

  it('stop between two runs', async () => {
    const before = classifier();
    const { feeds, sizes } = await describeOnnx(before);
    const abort = new AbortController();
    const chosen = Object.fromEntries(sizes.map(({ name, suggested }) => [name, suggested]));
    const input = { before, after: before, feeds, settings: settings({ sizes: chosen }), place };
    const stopped = await createApi(abort).compare(input, () => abort.abort());
    expect(stopped).toMatchObject({ error: { code: 'cancelled' } });
  });

  it('that the runtime does not run say which and why', async () => {
    const before = classifier();
    const { feeds, sizes } = await describeOnnx(before);
    const chosen = Object.fromEntries(sizes.map(({ name, suggested }) => [name, suggested]));
    const input = {
      before,
      after: before,
      feeds: feeds.slice(0, 1),
      settings: settings({ sizes: chosen }),
      place,
    };
    const failed = await createApi().compare(input, () => {});
    expect(failed).toMatchObject({
      error: { message: expect.stringMatching(/^The model before: .*mask/) },
    });
  });

  it('a model that opens is told so', async () => {
    expect(await createApi().check(classifier(), place)).toEqual({ ok: true, value: { openMs: 5 } });
  });
});

describe('drawn inputs', () => {
  const feed = (name: string, dtype: InputSpec['dtype'], dims: InputSpec['dims']): InputSpec => ({
    name,
    dtype,
    dims,
    obstacle: undefined,
    rows: undefined,
  });

  it('are the same for a seed, and others in each run', () => {
    const feeds = [feed('x', 'float32', ['n', 400])];
    const draw = (run: number) => unwrap(drawInputs(feeds, settings({ sizes: { n: 3 } }), run))['x'];
    expect(draw(0)).toEqual(draw(0));
    expect(draw(0)).not.toEqual(draw(1));
    const values = Array.from(draw(0)?.data ?? [], Number);
    expect(values).toHaveLength(1_200);
    expect(values.reduce((sum, value) => sum + value * value, 0) / 1_200).toBeCloseTo(1, 0);
  });

  it('respect what integers are for', () => {
    const feeds = [
      feed('ids', 'int64', [1, 50]),
      feed('attention_mask', 'int64', [1, 4]),
      feed('position_ids', 'int32', [2, 3]),
      feed('past', 'float32', [1, 'past', 2]),
    ];
    const drawn = unwrap(drawInputs(feeds, settings({ sizes: { past: 0 }, bounds: { ids: 7 } }), 0));
    const ids = Array.from(drawn['ids']?.data ?? [], Number);
    expect(Math.min(...ids)).toBe(0);
    expect(Math.max(...ids)).toBe(6);
    expect(Array.from(drawn['attention_mask']?.data ?? [], Number)).toEqual([1, 1, 1, 1]);
    expect(Array.from(drawn['position_ids']?.data ?? [], Number)).toEqual([0, 1, 2, 0, 1, 2]);
    expect(drawn['past']).toMatchObject({ dims: [1, 0, 2], data: new Float32Array(0) });
  });

  it('are refused before they are made, with the reason', () => {
    const text = { ...feed('text', 'string', [1]), obstacle: 'values of string are not made here' };
    const refusals = [
      drawInputs([text], settings(), 0),
      drawInputs([feed('x', 'float32', ['n'])], settings(), 0),
      drawInputs([feed('x', 'float32', [2 ** 20, 2 ** 20])], settings(), 0),
    ].map((one) => (one.ok ? '' : one.error.message));
    expect(refusals[0]).toContain('"text" can\'t be made: values of string');
    expect(refusals[1]).toContain('needs a size for "n"');
    expect(refusals[2]).toContain('smaller sizes');
  });
});

describe('differences of outputs', () => {
  const floats = (dims: readonly number[], ...data: number[]) => ({
    y: { dtype: 'float32', dims, data: Float32Array.from(data) } as const,
  });

  it('are those of all runs together', () => {
    const sums = createOutputSums();
    unwrap(sums.add(floats([1, 2], 3, 4), floats([1, 2], 3, 5)));
    unwrap(sums.add(floats([1, 2], 2, 1), floats([1, 2], 1, 2)));
    const [y] = sums.differences();
    expect(y?.relative).toBeCloseTo(Math.sqrt(3 / 30), 6);
    expect(y?.cosine).toBeCloseTo((9 + 20 + 2 + 2) / Math.sqrt(30 * 39), 6);
    expect(y).toMatchObject({ max: 1, sameTop: 0.5, notFinite: 0 });
  });

  it('count what is not finite apart, unless both agree', () => {
    const sums = createOutputSums();
    const lowest = Number.NEGATIVE_INFINITY;
    unwrap(sums.add(floats([3], lowest, 1, 2), floats([3], lowest, Number.NaN, 2)));
    expect(sums.differences()).toMatchObject([{ notFinite: 1, relative: 0, cosine: 1 }]);
  });

  it('need the same outputs of the same sizes', () => {
    const sums = createOutputSums();
    expect(sums.add(floats([2], 1, 2), floats([1, 2], 1, 2)).ok).toBe(false);
    expect(sums.add(floats([2], 1, 2), {}).ok).toBe(false);
  });
});
