/** Training steps of the product: the model's training graph in the runtime of the product. */
import {
  createRuntime,
  type HostTensor,
  type HostTensors,
  loadOrt,
  runtimeAssets,
} from '../../src/compute/index.ts';
import { unwrap } from '../../src/core/result.ts';
import { buildTrainingModel } from '../../src/onnx/index.ts';
import { createBatches, createTrainStep, type TrainStep } from '../../src/training/index.ts';
import { type Batch, classes, pixels, type Task, taskOf, wordsBelow } from './tasks.ts';
import { type FedTrainer, timed } from './trainer.ts';

const dataSet = 30_000;

export const createOurs = (): FedTrainer => {
  let prepared: Prepared | undefined;
  let fed: (() => HostTensors) | undefined;
  let done = 0;
  const ready = (): Prepared => {
    if (!prepared) throw new Error('prepare comes first');
    return prepared;
  };
  return {
    async prepare(name, variant) {
      const task = taskOf(name);
      prepared = { task, step: await openStep(task, Number(variant)), feeds: feedsOf(task) };
    },
    steps: (count) => {
      const { task, step, feeds } = ready();
      return timed(() => runAll(step, count / task.unroll, () => feeds[done++ % feeds.length] ?? {}));
    },
    bareSteps: (count) => {
      const { step, feeds } = ready();
      return timed(() => runAll(step, count, () => feeds[0] ?? {}));
    },
    fedSteps: (count) => {
      const { task, step } = ready();
      fed ??= dataFeed(task, step);
      const next = fed;
      return timed(() => runAll(step, count, next));
    },
  };
};

type Prepared = { readonly task: Task; readonly step: TrainStep; readonly feeds: readonly HostTensors[] };

const openStep = async ({ model, trainable, batch, unroll }: Task, threads: number) => {
  const runtime = unwrap(
    await createRuntime(
      { loadOrt, assets: runtimeAssets, sharedMemory: crossOriginIsolated, requestAdapter: undefined },
      { kind: 'wasm', threads },
    ),
  );
  if (runtime.threads !== threads) throw new Error(`${threads} threads: the page is not isolated`);
  const training = buildTrainingModel(model, {
    sizes: { batch },
    trainable,
    loss: { kind: 'softmax-cross-entropy', logits: 'logits' },
    optimizer: { kind: 'sgd' },
    steps: unroll,
  });
  return unwrap(await createTrainStep(runtime, unwrap(training)));
};

const runAll = async (step: TrainStep, runs: number, next: () => HostTensors): Promise<readonly number[]> => {
  const losses: number[] = [];
  for (let run = 0; run < runs; run++) losses.push(...unwrap(await step.run(next())));
  return losses;
};

/** One for each run: with several steps in a run their batches lie one behind the other. */
const feedsOf = ({ batches, unroll, inputDims, labelDims, input, rate }: Task): readonly HostTensors[] => {
  const leading = unroll === 1 ? [] : [unroll];
  return Array.from({ length: batches.length / unroll }, (_, run) => {
    const mine = batches.slice(run * unroll, (run + 1) * unroll);
    const inputs = joined(mine.map((batch) => batch.input));
    const dims = [...leading, ...inputDims];
    return {
      [input.name]:
        input.dtype === 'float32'
          ? { dtype: 'float32', dims, data: Float32Array.from(inputs) }
          : ints(inputs, dims),
      'training.labels': ints(joined(mine.map(({ labels }) => labels)), [...leading, ...labelDims]),
      'training.rate': rates(rate, leading),
    };
  });
};

/** The product's own feed over images of a byte a pixel, scaled to [−1, 1]. */
const dataFeed = ({ rate }: Task, { fed }: TrainStep): (() => HostTensors) => {
  const images = Uint8Array.from(wordsBelow(256, dataSet * pixels, 'examples'));
  const labels = Uint8Array.from(wordsBelow(classes, dataSet, 'labels of examples'));
  const batches = unwrap(
    createBatches(
      fed,
      {
        count: dataSet,
        columns: [
          { name: 'input', dims: [1, 28, 28], data: images, scale: 1 / 127.5, offset: -1 },
          { name: 'training.labels', dims: [], data: labels },
        ],
      },
      1,
    ),
  );
  return () => ({ ...batches.next(), 'training.rate': rates(rate, []) });
};

const rates = (rate: number, dims: readonly number[]): HostTensor => ({
  dtype: 'float32',
  dims,
  data: new Float32Array(dims[0] ?? 1).fill(rate),
});

const joined = (parts: readonly Batch['input'][]): readonly number[] => parts.flatMap((part) => [...part]);
const ints = (values: readonly number[], dims: readonly number[]): HostTensor => ({
  dtype: 'int32',
  dims,
  data: Int32Array.from(values),
});
