import type { Runtime } from '../../src/compute/index.ts';
import { unwrap } from '../../src/core/result.ts';
import { buildFedAvgCnn, type FedAvgCnnSpec } from '../../src/onnx/build/fedAvgCnn.ts';
import { buildTrainingModel, type Model, withWeights } from '../../src/onnx/index.ts';
import {
  cosineRate,
  createBatches,
  createEvaluator,
  createTrainStep,
  type Evaluation,
  type Progress,
  train,
} from '../../src/training/index.ts';
import { examplesOf, type Fashion, type LabelledImages, pixelScale } from './fashion.ts';

export type ClassifierRecipe = {
  readonly spec: FedAvgCnnSpec;
  readonly batch: number;
  readonly updates: number;
  readonly peak: number;
  readonly warmup: number;
  readonly seed: number;
};

/** Trains on one half of the data with AdamW, and measures on the other. */
export const learnFashion = async (
  runtime: Runtime,
  { train: seen, test: unseen }: Pick<Fashion, 'train' | 'test'>,
  recipe: ClassifierRecipe,
  onRun?: (progress: Progress) => void,
): Promise<Evaluation> => {
  const { batch, updates, peak, warmup, seed } = recipe;
  const model = unwrap(buildFedAvgCnn(recipe.spec, { kind: 'seed', seed }));
  const training = unwrap(
    buildTrainingModel(model, {
      sizes: { batch },
      loss: { kind: 'softmax-cross-entropy', logits: 'logits' },
      optimizer: { kind: 'adamw' },
    }),
  );
  const step = unwrap(await createTrainStep(runtime, training));
  const batches = unwrap(createBatches(step.fed, examplesOf(seen), seed));
  const schedule = cosineRate({ peak, warmup, total: updates });
  unwrap(await train(step, { batches, schedule, updates, onRun }));
  const trained = unwrap(withWeights(model, unwrap(await step.weights())));
  await step.release();
  return evaluate(runtime, trained, unseen);
};

const evaluationBatch = 100;
const size = 28 * 28;

/** The last batch is filled up with labels that don't count. */
const evaluate = async (
  runtime: Runtime,
  model: Model,
  { count, pixels, labels }: LabelledImages,
): Promise<Evaluation> => {
  const sizes = { batch: evaluationBatch };
  const evaluator = unwrap(await createEvaluator(runtime, model, { logits: 'logits', sizes }));
  const dims = [evaluationBatch, 1, 28, 28];
  for (let from = 0; from < count; from += evaluationBatch) {
    const data = new Float32Array(evaluationBatch * size);
    const part = pixels.subarray(from * size, (from + evaluationBatch) * size);
    for (const [at, pixel] of part.entries()) data[at] = pixel * pixelScale.scale + pixelScale.offset;
    const wanted = new Int32Array(evaluationBatch).fill(-1);
    wanted.set(labels.subarray(from, from + evaluationBatch));
    unwrap(await evaluator.add({ input: { dtype: 'float32', dims, data } }, wanted));
  }
  await evaluator.release();
  return evaluator.result();
};
