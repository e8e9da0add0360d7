/** Quantised models on the runtime itself: they compute what their stored weights say. */
import * as ort from 'onnxruntime-web/wasm';
import { beforeAll, describe, expect, it } from 'vitest';
import { unwrap } from '../../core/result.ts';
import { randomBy } from '../autodiff/testDoubles.ts';
import type { DecoderSpec } from '../build/decoder/spec.ts';
import { buildDecoder } from '../build/decoder.ts';
import { buildFedAvgCnn } from '../build/fedAvgCnn.ts';
import { createGraphBuilder, type GraphBuilder } from '../build/graphBuilder.ts';
import { buildMlp } from '../build/mlp.ts';
import { float32Tensor, readFloat32 } from '../build/tensors.ts';
import { encodeModel, joinChunks } from '../codec/index.ts';
import { int } from '../ir/attributes.ts';
import type { Model, Tensor } from '../ir/types.ts';
import { evaluate } from '../reference/evaluate.ts';
import { ndArray, toNumbers } from '../reference/ndArray.ts';
import { verifyModel } from '../verify.ts';
import { prepareQuantization } from './quantize.ts';
import { prepareReencoding, type ReencodeTarget } from './reencode.ts';
import type { Scheme } from './scheme.ts';
import { normalWeights, operatorsIn, written } from './testDoubles.ts';

beforeAll(() => {
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = 'error';
});

const int8: Scheme = { kind: 'int8' };
const rtn: Scheme = { kind: 'q4', method: 'rtn', block: 32 };
const hqq: Scheme = { kind: 'q4', method: 'hqq', block: 32 };
const ternary: Scheme = { kind: 'ternary', block: 32 };

const quantized = async (model: Model, scheme: Scheme) =>
  (await written(unwrap(prepareQuantization(model, { scheme })))).model;
const reencoded = async (model: Model, target: ReencodeTarget) =>
  (await written(unwrap(prepareReencoding(model, target)))).model;

const run = async (model: Model, feeds: Readonly<Record<string, ort.Tensor>>): Promise<readonly number[]> => {
  const session = await ort.InferenceSession.create(joinChunks(unwrap(encodeModel(model))));
  const [name = ''] = session.outputNames;
  const found = await session.run(feeds, [name]);
  await session.release();
  return [...((found[name]?.data as Float32Array | undefined) ?? [])];
};

const floatsBy = (seed: number, dims: readonly number[]) => {
  const random = randomBy(seed);
  return new ort.Tensor(
    'float32',
    Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => 2 * random() - 1),
    dims,
  );
};

const relative = (found: readonly number[], expected: readonly number[]) => {
  expect(found.length).toBe(expected.length);
  const norm = (values: readonly number[]) => Math.hypot(...values);
  return norm(found.map((value, i) => value - (expected[i] ?? Number.NaN))) / norm(expected);
};

/** x [2, rows] times a weight [rows, columns]. */
const product = (rows: number, columns: number): Model => {
  const b = createGraphBuilder({ name: 'product' });
  const x = b.input('x', 'float32', ['n', rows]);
  const w = b.initializer('w', float32Tensor([rows, columns], normalWeights(rows * columns, 3, 'outliers')));
  b.output(b.node('MatMul', [x, w]), 'float32', ['n', columns]);
  return b.build();
};

const initializer = ({ graph }: Model, name: string): Tensor => {
  const tensor = graph.initializers.get(name);
  if (tensor?.data.kind !== 'bytes') throw new Error(`${name} is not there`);
  return tensor;
};
const bytesOf = ({ data }: Tensor) => (data.kind === 'bytes' ? data.bytes.slice() : new Uint8Array());

describe('a product with blocks of codes', () => {
  it.each([
    ['q4 rounded', rtn, 64],
    ['q4 optimised', hqq, 64],
    ['q4 of blocks that don’t fit', { ...hqq, block: 64 } as Scheme, 100],
    ['q4 with one block', { ...rtn, block: 128 } as Scheme, 40],
    ['q4 without zero points', { ...rtn, symmetric: true } as Scheme, 96],
    ['ternary', ternary, 64],
    ['ternary of blocks that don’t fit', { kind: 'ternary', block: 128 } as Scheme, 201],
  ])('is that with the weights they stand for: %s', async (_name, scheme, rows) => {
    const model = await quantized(product(rows, 32), scheme);
    const x = floatsBy(7, [2, rows]);
    const feed = ndArray('float32', [2, rows], [...(x.data as Float32Array)]);
    const expected = [...unwrap(evaluate(model, new Map([['x', feed]]))).values()][0];
    if (expected === undefined) throw new Error('no output');
    expect(operatorsIn(model)).toEqual(['MatMulNBits']);
    expect(relative(await run(model, { x }), toNumbers(expected))).toBeLessThan(1e-6);
  });
});

describe('a product in 8 bits', () => {
  /** ONNX Runtime quantises activations as DynamicQuantizeLinear: one scale for all, zero in the range. */
  const quantizedX = (x: readonly number[]) => {
    const [low, high] = [Math.min(0, ...x), Math.max(0, ...x)];
    const scale = Math.fround((high - low) / 255);
    const point = Math.round(-low / scale);
    return x.map((value) => scale * (Math.min(255, Math.max(0, Math.round(value / scale) + point)) - point));
  };

  it('is exact but for the activations, which have 255 steps', async () => {
    const [rows, columns] = [96, 40];
    const model = await quantized(product(rows, columns), int8);
    const codes = new Int8Array(bytesOf(initializer(model, 'w_quantized')).buffer);
    const scales = unwrap(readFloat32(initializer(model, 'w_scale')));
    const x = floatsBy(8, [2, rows]);
    const rounded = quantizedX([...(x.data as Float32Array)]);
    const expected = Array.from({ length: 2 * columns }, (_, at) => {
      const [row, column] = [Math.floor(at / columns), at % columns];
      let sum = 0;
      for (let k = 0; k < rows; k++)
        sum += (rounded[row * rows + k] ?? 0) * (codes[k * columns + column] ?? 0);
      return sum * (scales[column] ?? 0);
    });
    expect(relative(await run(model, { x }), expected)).toBeLessThan(1e-6);
  });

  it('does not saturate where all products are as large as can be', async () => {
    const b = createGraphBuilder({ name: 'extremes' });
    const x = b.input('x', 'float32', ['n', 512]);
    const weights = Float32Array.from({ length: 512 * 8 }, (_, i) => (i % 8 < 4 ? 127 : -127));
    b.output(b.node('MatMul', [x, b.initializer('w', float32Tensor([512, 8], weights))]), 'float32', [
      'n',
      8,
    ]);
    const model = await quantized(b.build(), int8);
    const ones = new ort.Tensor('float32', new Float32Array(512).fill(255), [1, 512]);
    expect(await run(model, { x: ones })).toEqual([
      ...Array(4).fill(512 * 127 * 255),
      ...Array(4).fill(-512 * 127 * 255),
    ]);
  });
});

const llama: DecoderSpec = {
  family: 'decoder',
  vocab: 96,
  hidden: 64,
  layers: 1,
  heads: 4,
  kvHeads: 2,
  intermediate: 128,
  context: 32,
  norm: 'rms',
  epsilon: 1e-5,
  positions: { kind: 'rotary', theta: 10_000 },
  mlp: 'swiglu',
  bias: 'none',
  tied: true,
};
const seed = { kind: 'seed', seed: 5 } as const;
const serve = (spec: DecoderSpec) => unwrap(buildDecoder(spec, { kind: 'serving' }, seed));

const longs = (values: readonly number[]) =>
  new ort.Tensor('int64', BigInt64Array.from(values, BigInt), [1, values.length]);
const feedsOf = (spec: DecoderSpec) => {
  const tokens = [1, 5, 9, 30, 95];
  const cache = new ort.Tensor('float32', new Float32Array(0), [
    1,
    spec.kvHeads,
    0,
    spec.hidden / spec.heads,
  ]);
  const layers = Array.from({ length: spec.layers }, (_, i) => i);
  return {
    input_ids: longs(tokens),
    attention_mask: longs(tokens.map(() => 1)),
    ...(spec.positions.kind === 'learned' ? { position_ids: longs(tokens.map((_, i) => i)) } : {}),
    ...Object.fromEntries(
      layers.flatMap((i) => ['key', 'value'].map((part) => [`past_key_values.${i}.${part}`, cache])),
    ),
  };
};

describe('a whole model', () => {
  const models: readonly (readonly [string, Model, () => Readonly<Record<string, ort.Tensor>>])[] = [
    ['a tied Llama', serve(llama), () => feedsOf(llama)],
    ['an untied Llama', serve({ ...llama, tied: false }), () => feedsOf(llama)],
    [
      'a tied GPT',
      serve({
        ...llama,
        kvHeads: 4,
        norm: 'layer',
        positions: { kind: 'learned' },
        mlp: 'gelu',
        bias: 'all',
      }),
      () => feedsOf({ ...llama, kvHeads: 4, positions: { kind: 'learned' } }),
    ],
    [
      'an MLP',
      unwrap(buildMlp({ family: 'mlp', inputs: 64, hidden: [96], outputs: 32, activation: 'relu' }, seed)),
      () => ({ input: floatsBy(1, [3, 64]) }),
    ],
    [
      'a CNN',
      unwrap(
        buildFedAvgCnn(
          { family: 'fedavg-cnn', image: 8, channels: 1, convolutions: [8, 16], hidden: 64, classes: 32 },
          seed,
        ),
      ),
      () => ({ input: floatsBy(1, [3, 1, 8, 8]) }),
    ],
  ];

  it.each(models)('is close to itself in float32: %s', async (_name, model, feeds) => {
    const exact = await run(model, feeds());
    expect(relative(await run(await quantized(model, int8), feeds()), exact), 'int8').toBeLessThan(0.03);
    expect(relative(await run(await quantized(model, hqq), feeds()), exact), 'hqq').toBeLessThan(0.25);
    expect(relative(await run(await quantized(model, ternary), feeds()), exact), 'ternary').toBeLessThan(1);
  });

  it.each(models.slice(0, 4))(
    'comes back from blocks as what it was there: %s',
    async (_name, model, feeds) => {
      for (const scheme of [hqq, ternary]) {
        const wire = await quantized(model, scheme);
        const expected = await run(wire, feeds());
        const float = await reencoded(wire, 'float32');
        expect(verifyModel(float)).toEqual([]);
        expect(operatorsIn(float)).not.toContain('MatMulNBits');
        expect(relative(await run(float, feeds()), expected)).toBeLessThan(1e-5);
        const bytes = await reencoded(wire, 'int8');
        expect(verifyModel(bytes)).toEqual([]);
        expect(operatorsIn(bytes)).not.toContain('MatMulNBits');
        expect(relative(await run(bytes, feeds()), expected)).toBeLessThan(0.05);
      }
    },
  );
});

describe('blocks in 8 bits', () => {
  const weightsOf = async (model: Model, rows: number) => {
    const identity = Float32Array.from({ length: rows * rows }, (_, i) => (i % (rows + 1) === 0 ? 1 : 0));
    return run(model, { x: new ort.Tensor('float32', identity, [rows, rows]) });
  };

  it('are at most half a step of their channel further from the weights', async () => {
    const [rows, columns] = [64, 24];
    const wire = await quantized(product(rows, columns), hqq);
    const bytes = await written(unwrap(prepareReencoding(wire, 'int8')));
    const inBlocks = await weightsOf(wire, rows);
    const scales = unwrap(readFloat32(initializer(bytes.model, 'w_scale')));
    const codes = new Int8Array(bytesOf(initializer(bytes.model, 'w_quantized')).buffer);
    let largest = 0;
    inBlocks.forEach((weight, i) => {
      const scale = scales[i % columns] ?? 0;
      const off = Math.abs(weight - scale * (codes[i] ?? 0));
      expect(off).toBeLessThanOrEqual(scale / 2 + 1e-7);
      largest = Math.max(largest, off);
    });
    expect(bytes.report.tensors[0]?.error.max).toBeCloseTo(largest, 7);
  });

  it('leave tables and strangers as they are, and say so', async () => {
    const b = createGraphBuilder({ name: 'strange', domains: { 'com.microsoft': 1 } });
    const x = b.input('x', 'float32', ['n', 32]);
    const parts = (model: Model) =>
      ['w_Q4', 'w_scales'].map((name) => b.initializer(name, initializer(model, name)));
    const [codes = '', scales = ''] = parts(
      await quantized(product(32, 32), { ...rtn, symmetric: true } as Scheme),
    );
    const multiply = (builder: GraphBuilder, a: string, inputs: readonly string[]) =>
      builder.node(
        'MatMulNBits',
        [a, codes, ...inputs],
        { K: int(32), N: int(32), bits: int(4), block_size: int(32) },
        { domain: 'com.microsoft' },
      );
    const once = multiply(b, x, [scales]);
    b.output(b.node('Mul', [once, b.node('ReduceMean', [scales])]), 'float32', ['n', 32]);
    const model = b.build();
    const { model: same, skipped } = unwrap(prepareReencoding(model, 'int8'));
    expect(skipped).toEqual([{ name: 'w_Q4', reason: 'ReduceMean "/ReduceMean" takes "w_scales" as well' }]);
    expect(same.graph.nodes).toEqual(model.graph.nodes);
    const untied = await quantized(serve({ ...llama, tied: false }), hqq);
    expect(operatorsIn(await reencoded(untied, 'int8'))).toContain('GatherBlockQuantized');
    expect(prepareReencoding(model, 'q3' as ReencodeTarget)).toMatchObject({
      error: { code: 'unsupported' },
    });
  });
});
