import { beforeAll, describe, expect, it } from 'vitest';
import { createRuntime, type HostTensor, type HostTensors, loadOrt, type Runtime } from '../compute/index.ts';
import { unwrap } from '../core/result.ts';
import { buildMlp } from '../onnx/build/mlp.ts';
import { buildTrainingModel, type TrainingModel } from '../onnx/index.ts';
import { batchFor, llama, trainingOf as ofFamily } from '../onnx/testFamilies.ts';
import { createTrainStep, type TrainStep } from './trainStep.ts';

let runtime: Runtime;
beforeAll(async () => {
  runtime = unwrap(
    await createRuntime(
      { loadOrt, assets: undefined, sharedMemory: false, requestAdapter: undefined },
      { kind: 'wasm', threads: 1 },
    ),
  );
});

const trainingOf = (steps = 1): TrainingModel =>
  unwrap(
    buildTrainingModel(
      unwrap(
        buildMlp(
          { family: 'mlp', inputs: 4, hidden: [8], outputs: 3, activation: 'relu' },
          { kind: 'seed', seed: 3 },
        ),
      ),
      {
        sizes: { batch: 3 },
        loss: { kind: 'softmax-cross-entropy', logits: 'logits' },
        optimizer: { kind: 'adamw' },
        steps,
      },
    ),
  );

const open = async (training = trainingOf()): Promise<TrainStep> =>
  unwrap(await createTrainStep(runtime, training));

const batch = (rate: number): HostTensors => ({
  input: { dtype: 'float32', dims: [3, 4], data: Float32Array.from({ length: 12 }, (_, at) => (at % 5) - 2) },
  'training.labels': { dtype: 'int32', dims: [3], data: Int32Array.of(0, 2, 1) },
  'training.rate': { dtype: 'float32', dims: [], data: Float32Array.of(rate) },
});

const lossesOf = async (step: TrainStep, runs: number): Promise<readonly number[]> => {
  const losses: number[] = [];
  for (let run = 0; run < runs; run++) losses.push(...unwrap(await step.run(batch(0.05))));
  return losses;
};

describe('a training step', () => {
  it('learns from run to run, and gives its weights', async () => {
    const step = await open();
    const before = unwrap(await step.weights());
    const losses = await lossesOf(step, 40);
    expect(losses.at(-1)).toBeLessThan((losses[0] ?? 0) / 10);
    const after = unwrap(await step.weights());
    expect([...after.keys()]).toEqual(['fc0.weight', 'fc0.bias', 'fc1.weight', 'fc1.bias']);
    expect(after.get('fc0.weight')).not.toEqual(before.get('fc0.weight'));
    await step.release();
  });

  it('teaches a small Llama a batch by heart', async () => {
    const training = ofFamily(llama());
    const step = await open(training);
    const numbers = batchFor(training.fed);
    const feeds = Object.fromEntries(
      step.fed.map(({ name, dtype, dims }): [string, HostTensor] => {
        const values = numbers.get(name) ?? [];
        return dtype === 'int32'
          ? [name, { dtype, dims, data: Int32Array.from(values) }]
          : [name, { dtype: 'float32', dims, data: Float32Array.from(values) }];
      }),
    );
    const losses: number[] = [];
    for (let run = 0; run < 250; run++) losses.push(...unwrap(await step.run(feeds)));
    expect(losses[0]).toBeGreaterThan(1.5);
    expect(losses.at(-1)).toBeLessThan(0.2);
    await step.release();
  });

  it('goes on from a snapshot exactly as it would have gone on', async () => {
    const step = await open();
    await lossesOf(step, 5);
    const snapshot = unwrap(await step.snapshot());
    const expected = await lossesOf(step, 5);
    const other = await open();
    unwrap(await other.restore(snapshot));
    expect(await lossesOf(other, 5)).toEqual(expected);
    // And the snapshot is a copy: what went on after it didn't change it.
    unwrap(await step.restore(snapshot));
    expect(await lossesOf(step, 5)).toEqual(expected);
    await step.release();
    await other.release();
  });

  it('does several steps in a run, with a loss for each', async () => {
    const one = await open();
    const expected = await lossesOf(one, 4);
    const four = await open(trainingOf(4));
    expect(four.steps).toBe(4);
    const stacked = Object.fromEntries(
      Object.entries(batch(0.05)).map(([name, tensor]) => [name, repeated(tensor, 4)]),
    );
    expect([...unwrap(await four.run(stacked))]).toEqual(expected);
    expect(unwrap(await four.weights())).toEqual(unwrap(await one.weights()));
  });

  it.each<readonly [string, HostTensors, string]>([
    ['nothing', {}, "no 'input': float32[3,4]"],
    [
      'another shape',
      { ...batch(0.1), 'training.labels': { dtype: 'int32', dims: [2], data: Int32Array.of(0, 1) } },
      "'training.labels' is int32[2], and int32[3] is needed",
    ],
    [
      'numbers of another type',
      { ...batch(0.1), 'training.labels': { dtype: 'int64', dims: [3], data: BigInt64Array.of(0n, 1n, 2n) } },
      'is int64[3]',
    ],
    ['something more', { ...batch(0.1), noise: batch(0.1)['training.rate'] as HostTensor }, "no 'noise'"],
  ])('refuses a batch of %s in words, and stays as it was', async (_what, wrong, words) => {
    const step = await open();
    const before = unwrap(await step.snapshot());
    expect(await step.run(wrong)).toMatchObject({ error: { message: expect.stringContaining(words) } });
    expect(unwrap(await step.snapshot())).toEqual(before);
  });

  it('keeps its state when the runtime fails', async () => {
    const step = await open();
    const before = unwrap(await step.snapshot());
    const wrong: HostTensors = {
      ...batch(0.1),
      // A class that there isn't: the runtime itself refuses it.
      'training.labels': { dtype: 'int32', dims: [3], data: Int32Array.of(0, 9, 1) },
    };
    expect(await step.run(wrong)).toMatchObject({ error: { code: 'failed' } });
    expect(unwrap(await step.snapshot())).toEqual(before);
  });

  it('restores all or nothing', async () => {
    const step = await open();
    const before = unwrap(await step.snapshot());
    const state = new Map([
      ['fc0.bias', new Float32Array(8).fill(1)],
      ['fc1.bias', new Float32Array(2)],
    ]);
    expect(await step.restore(state)).toMatchObject({
      error: { message: 'fc1.bias has 3 numbers, and 2 were given' },
    });
    expect(await step.restore(new Map([['fc9', new Float32Array(1)]]))).toMatchObject({ ok: false });
    expect(unwrap(await step.snapshot())).toEqual(before);
  });
});

const repeated = (tensor: HostTensor, times: number): HostTensor => {
  const dims = [times, ...tensor.dims];
  if (tensor.dtype === 'float32') {
    const data = new Float32Array(times * tensor.data.length);
    for (let at = 0; at < times; at++) data.set(tensor.data, at * tensor.data.length);
    return { dtype: 'float32', dims, data };
  }
  if (tensor.dtype !== 'int32') throw new Error(`no ${tensor.dtype} in this test`);
  const data = new Int32Array(times * tensor.data.length);
  for (let at = 0; at < times; at++) data.set(tensor.data, at * tensor.data.length);
  return { dtype: 'int32', dims, data };
};
