import { describe, expect, it } from 'vitest';
import { equalBytes } from '../../core/bytes.ts';
import { unwrap } from '../../core/result.ts';
import type { DecoderSpec } from '../build/decoder/spec.ts';
import { buildDecoder } from '../build/decoder.ts';
import { buildFedAvgCnn } from '../build/fedAvgCnn.ts';
import { createGraphBuilder } from '../build/graphBuilder.ts';
import { buildMlp } from '../build/mlp.ts';
import { float32Tensor } from '../build/tensors.ts';
import { encodeModel, joinChunks, splitExternal } from '../codec/index.ts';
import { float, int, ints } from '../ir/attributes.ts';
import { tensorOf } from '../ir/tensor.ts';
import type { ByteSource, Model, Tensor } from '../ir/types.ts';
import { verifyModel } from '../verify.ts';
import { prepareQuantization, quantizeModel } from './quantize.ts';
import type { QuantizeSpec, Scheme, TensorReport } from './scheme.ts';
import { collect, normalWeights, operatorsIn, written } from './testDoubles.ts';

const int8: Scheme = { kind: 'int8' };
const rtn: Scheme = { kind: 'q4', method: 'rtn', block: 32 };
const hqq: Scheme = { kind: 'q4', method: 'hqq', block: 64 };
const ternary: Scheme = { kind: 'ternary' };
const schemes = [int8, rtn, hqq, ternary];

const llama: DecoderSpec = {
  family: 'decoder',
  vocab: 96,
  hidden: 64,
  layers: 2,
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
const gpt: DecoderSpec = {
  ...llama,
  kvHeads: 4,
  norm: 'layer',
  positions: { kind: 'learned' },
  mlp: 'gelu',
  bias: 'all',
};
const seed = { kind: 'seed', seed: 5 } as const;
const serve = (spec: DecoderSpec) => unwrap(buildDecoder(spec, { kind: 'serving' }, seed));
const mlp = () =>
  unwrap(buildMlp({ family: 'mlp', inputs: 64, hidden: [96], outputs: 32, activation: 'relu' }, seed));
const cnn = () =>
  unwrap(
    buildFedAvgCnn(
      { family: 'fedavg-cnn', image: 8, channels: 1, convolutions: [8, 16], hidden: 64, classes: 32 },
      seed,
    ),
  );

const models: readonly (readonly [string, () => Model])[] = [
  ['an MLP', mlp],
  ['a CNN', cnn],
  ['a tied Llama', () => serve(llama)],
  ['an untied Llama', () => serve({ ...llama, tied: false })],
  ['a tied GPT', () => serve(gpt)],
];

/** y = x · w, w [rows, columns], or what `use` makes of them. */
const product = (
  weight: Tensor,
  use: (b: ReturnType<typeof createGraphBuilder>, x: string, w: string) => string = (b, x, w) =>
    b.node('MatMul', [x, w]),
): Model => {
  const b = createGraphBuilder({ name: 'product' });
  const x = b.input('x', weight.dtype, ['n', 'k']);
  b.output(use(b, x, b.initializer('w', weight)), weight.dtype, ['n', undefined]);
  return b.build();
};
const matrix = (rows: number, columns: number, seedOf = 1) =>
  float32Tensor([rows, columns], normalWeights(rows * columns, seedOf));

const prepared = (model: Model, spec: QuantizeSpec) => unwrap(prepareQuantization(model, spec));
const reasons = (model: Model, spec: QuantizeSpec) =>
  Object.fromEntries(prepared(model, spec).skipped.map(({ name, reason }) => [name, reason]));

describe('a quantised model', () => {
  it.each(models)(
    'of %s keeps the rules of ONNX, and has the bytes that were foretold',
    async (_name, build) => {
      const model = build();
      for (const scheme of schemes) {
        const plan = prepared(model, { scheme });
        const { bytes, report, model: read } = await written(plan);
        expect(verifyModel(read, { finite: true })).toEqual([]);
        expect(bytes.byteLength).toBe(plan.bytesAfter);
        expect(report.bytesBefore).toBe(joinChunks(unwrap(encodeModel(model))).byteLength);
        expect(report.ratio).toBe(report.bytesBefore / report.bytesAfter);
        expect(report.tensors.length).toBeGreaterThan(0);
        for (const { name, bytesBefore, bytesAfter, error } of report.tensors) {
          expect(bytesAfter, name).toBeLessThan(bytesBefore / 3);
          expect(error.relative, name).toBeLessThan({ int8: 0.02, q4: 0.15, ternary: 0.6 }[scheme.kind]);
        }
      }
    },
  );

  it('is the same bytes each time', async () => {
    for (const scheme of [int8, hqq, ternary]) {
      const plan = prepared(serve(llama), { scheme });
      const again = prepared(serve(llama), { scheme });
      const first = (await written(plan)).bytes;
      expect(equalBytes((await written(again)).bytes, first)).toBe(true);
      expect(equalBytes((await written(plan)).bytes, first)).toBe(true);
    }
  });

  it('has each weight once, however many nodes use it', async () => {
    const tied = await written(prepared(serve(llama), { scheme: hqq }));
    const lookup = tied.model.graph.nodes.find(({ op }) => op === 'GatherBlockQuantized');
    const head = tied.model.graph.nodes.find(({ name }) => name === '/lm_head/MatMul_Q4');
    expect(lookup?.inputs[0]).toBe('lm_head.MatMul.weight_Q4');
    expect(head?.inputs).toEqual([
      expect.any(String),
      'lm_head.MatMul.weight_Q4',
      'lm_head.MatMul.weight_scales',
    ]);
    expect(operatorsIn(tied.model)).not.toContain('Transpose');
    const twice = product(matrix(64, 64), (b, x, w) => b.node('MatMul', [b.node('MatMul', [x, w]), w]));
    expect([...prepared(twice, { scheme: rtn }).model.graph.initializers.keys()]).toEqual([
      'w_Q4',
      'w_scales',
      'w_zero_points',
    ]);
  });

  it('takes names that are free', () => {
    const b = createGraphBuilder({ name: 'taken' });
    const x = b.input('w_Q4', 'float32', ['n', 64]);
    b.output(b.node('MatMul', [x, b.initializer('w', matrix(64, 32))]), 'float32', ['n', 32]);
    expect([...prepared(b.build(), { scheme: rtn }).model.graph.initializers.keys()]).toEqual([
      'w_Q4_1',
      'w_scales',
      'w_zero_points',
    ]);
  });

  it('computes in 16 bits where the model does', async () => {
    for (const dtype of ['float16', 'bfloat16'] as const) {
      const weight = unwrap(tensorOf(dtype, [64, 32], normalWeights(2048, 2)));
      for (const scheme of schemes) {
        const { model, report } = await written(prepared(product(weight), { scheme }));
        expect(verifyModel(model)).toEqual([]);
        expect(report.tensors[0]?.error.relative).toBeLessThan(0.6);
      }
    }
  });

  it('has the ratios on disk that were promised, from 10 M parameters on', () => {
    const model = unwrap(
      buildDecoder(
        {
          ...llama,
          vocab: 16_384,
          hidden: 512,
          layers: 4,
          heads: 8,
          kvHeads: 2,
          intermediate: 1_536,
          context: 512,
        },
        { kind: 'serving' },
        { kind: 'zeros' },
      ),
    );
    const ratioOf = (scheme: Scheme) => {
      const { bytesBefore, bytesAfter } = prepared(model, { scheme });
      return bytesBefore / bytesAfter;
    };
    expect(ratioOf(int8)).toBeGreaterThan(3.9);
    expect(ratioOf(hqq)).toBeGreaterThan(6.3);
    expect(ratioOf({ kind: 'q4', method: 'rtn', block: 32, symmetric: true })).toBeGreaterThan(6.3);
    expect(ratioOf(ternary)).toBeGreaterThan(12);
  });
});

describe('what stays as it is', () => {
  it('is told with its reason', () => {
    const spec = { scheme: rtn };
    const w = matrix(64, 64);
    expect(reasons(product(w), { ...spec, keep: ['w'] })).toEqual({ w: 'it is to be kept' });
    expect(reasons(product(w), { ...spec, keep: (name) => name === 'w' })).toEqual({ w: 'it is to be kept' });
    expect(
      reasons(
        product(w, (b, x, y) => b.node('MatMul', [y, x])),
        spec,
      )['w'],
    ).toContain('as input 0');
    expect(
      reasons(
        product(w, (b, x, y) => b.node('Add', [x, y])),
        spec,
      )['w'],
    ).toContain('Add');
    const gemm = (attributes: Record<string, ReturnType<typeof int>>) =>
      reasons(
        product(w, (b, x, y) => b.node('Gemm', [x, y], attributes)),
        spec,
      )['w'];
    expect(gemm({ alpha: float(2) })).toContain('alpha');
    expect(gemm({ transA: int(1) })).toContain('transA');
    const both = product(w, (b, x, y) =>
      b.node('MatMul', [b.node('MatMul', [x, y]), b.node('Transpose', [y], { perm: ints(1, 0) })]),
    );
    expect(reasons(both, spec)).toEqual({ w: 'its uses sum over different axes: one form does not fit all' });
    const cube = float32Tensor([4, 16, 32], normalWeights(2048, 1));
    expect(reasons(product(cube), spec)['w']).toContain('MatMul');
    const doubles = unwrap(tensorOf('float64', [64, 32], normalWeights(2048, 1)));
    expect(reasons(product(doubles), spec)['w']).toContain('float64');
    expect(reasons(cnn(), spec)['conv1.weight']).toContain('no form in blocks');
  });

  it('is every table, if embeddings are to stay', () => {
    const names = Object.keys(reasons(serve({ ...llama, tied: false }), { scheme: hqq, embeddings: false }));
    expect(names).toEqual(['model.embed_tokens.weight']);
  });

  it('is a weight that others can see: outputs, and graphs within', () => {
    const { graph, ...model } = product(matrix(64, 64));
    const type = { kind: 'tensor', dtype: 'float32', shape: [64, 64] } as const;
    const seen = { ...model, graph: { ...graph, outputs: [...graph.outputs, { name: 'w', type }] } };
    expect(reasons(seen, { scheme: rtn })['w']).toContain('input or output');
  });

  it('is nothing of a spec that makes no sense', () => {
    const refused = (scheme: unknown) => prepareQuantization(mlp(), { scheme: scheme as Scheme });
    expect(refused({ kind: 'q3' })).toMatchObject({ error: { code: 'unsupported' } });
    expect(refused({ kind: 'q4', method: 'rtn', block: 48 })).toMatchObject({
      error: { code: 'unsupported' },
    });
    expect(refused({ kind: 'q4', method: 'gptq', block: 32 })).toMatchObject({
      error: { code: 'unsupported' },
    });
    expect(prepareQuantization(mlp(), { scheme: rtn, smallest: -1 })).toMatchObject({ ok: false });
  });
});

describe('writing', () => {
  it.each([int8, rtn, hqq, ternary])(
    'refuses weights that are not finite, by name and index: $kind',
    async (scheme) => {
      for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
        const weights = normalWeights(64 * 48, 1);
        weights[1234] = bad;
        const model = product(float32Tensor([64, 48], weights));
        const refused = await quantizeModel(model, { scheme }, collect().write);
        expect(refused).toMatchObject({ ok: false, error: { code: 'invalid' } });
        expect(!refused.ok && refused.error.message).toContain(`"w" has ${bad} at index 1234`);
      }
    },
  );

  it('tells of each weight when it is done, and stops on request', async () => {
    const signal = { aborted: false };
    const seen: [TensorReport, number, number][] = [];
    const model = serve(llama);
    const stopped = await quantizeModel(model, { scheme: hqq }, collect().write, {
      signal,
      onTensor(report, done, total) {
        seen.push([report, done, total]);
        signal.aborted = done === 3;
      },
    });
    expect(stopped).toMatchObject({ ok: false, error: { code: 'cancelled' } });
    expect(seen.map(([, done, total]) => [done, total])).toEqual([
      [1, 11],
      [2, 11],
      [3, 11],
    ]);
    expect(seen[0]?.[0]).toMatchObject({ name: 'lm_head.MatMul.weight', dims: [64, 96], scheme: 'q4' });
    const early = await quantizeModel(model, { scheme: hqq }, collect().write, { signal: { aborted: true } });
    expect(early).toMatchObject({ error: { code: 'cancelled' } });
  });

  it('stops within a weight, where it lets others in', async () => {
    const signal = { aborted: false };
    let breaths = 0;
    const model = product(float32Tensor([1024, 3072], new Float32Array(1024 * 3072)));
    const stopped = await quantizeModel(model, { scheme: rtn }, collect().write, {
      signal,
      breathe: async () => {
        breaths++;
        signal.aborted = true;
      },
    });
    expect(stopped).toMatchObject({ error: { code: 'cancelled' } });
    expect(breaths).toBe(1);
  });

  it('passes a failure of the one who writes on', async () => {
    const full = quantizeModel(mlp(), { scheme: rtn }, () => Promise.reject(new Error('the disk is full')));
    await expect(full).rejects.toThrow('the disk is full');
  });

  /** The model with its weights in another file, which notes what is read of it. */
  const outside = async (model: Model) => {
    const split = splitExternal(model, { location: 'weights.bin', above: 1_000 });
    const file = collect();
    unwrap(await split.writeData(file.write));
    const bytes = file.bytes();
    const reads: number[] = [];
    const source: ByteSource = {
      size: bytes.byteLength,
      async read(offset, length) {
        reads.push(length);
        return bytes.slice(offset, offset + length);
      },
    };
    const open = (location: string) => Promise.resolve(location === 'weights.bin' ? source : undefined);
    return { model: split.model, open, reads };
  };

  it('reads weights from files beside the model, each once, and writes the same', async () => {
    const inside = await written(prepared(serve(gpt), { scheme: hqq }));
    const { model, open, reads } = await outside(serve(gpt));
    const file = collect();
    const report = unwrap(await quantizeModel(model, { scheme: hqq }, file.write, { open }));
    expect(equalBytes(file.bytes(), inside.bytes)).toBe(true);
    expect(report.tensors).toEqual(inside.report.tensors);
    expect(reads.length).toBe(report.tensors.length + report.skipped.length);
    const missing = await quantizeModel(model, { scheme: hqq }, collect().write);
    expect(missing).toMatchObject({ ok: false, error: { code: 'missing' } });
  });

  it('has one weight in memory, and forgets it before the next is read', async () => {
    const { model, open } = await outside(serve({ ...llama, tied: false }));
    const order: string[] = [];
    const file = quantizeModel(
      model,
      { scheme: hqq },
      async (chunk) => void order.push(`${chunk.byteLength}`),
      {
        open,
        onTensor: ({ name }) => order.push(name),
      },
    );
    const { tensors } = unwrap(await file);
    // Before a weight is computed all parts of the one before have been written.
    for (const [i, { name, bytesAfter }] of tensors.entries()) {
      const next = tensors[i + 1];
      const between = order.slice(order.indexOf(name) + 1, next ? order.indexOf(next.name) : undefined);
      expect(between.reduce((sum, bytes) => sum + Number(bytes), 0)).toBeGreaterThanOrEqual(bytesAfter);
    }
  });
});
