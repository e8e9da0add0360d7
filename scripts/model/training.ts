/** A model and data into a trained model: what `train` does between reading and writing. */
import type { Runtime } from '../../src/compute/index.ts';
import { linearLayersOf } from '../../src/onnx/autodiff/linearLayers.ts';
import type { Loss } from '../../src/onnx/autodiff/trainingGraph.ts';
import { trainableNames } from '../../src/onnx/build/parameters.ts';
import { float32Tensor } from '../../src/onnx/build/tensors.ts';
import {
  adapterOf,
  addLora,
  buildTrainingModel,
  isDecoderLayer,
  type LoraAdapter,
  type Model,
  type Tensor,
  type TrainingModel,
  withWeights,
} from '../../src/onnx/index.ts';
import {
  type Batches,
  constantRate,
  cosineRate,
  createBatches,
  createTrainStep,
  createWindows,
  type Examples,
  train as runTraining,
  type TrainStep,
} from '../../src/training/index.ts';
import { evaluate, type Quality } from './evaluation.ts';
import { counted, grouped, percent, short } from './format.ts';
import { breathe, type Io, misused, Stop, taken } from './io.ts';
import { matcherOf } from './options.ts';
import { createProgress } from './progress.ts';
import { restoreSnapshot, type Settings, saveSnapshot } from './snapshot.ts';
import { holdOut, type TrainData } from './trainData.ts';
import {
  fittedExamples,
  type LossKind,
  lossOutputOf,
  outputDims,
  requireClasses,
  type Sizes,
  sizesOf,
} from './trainFit.ts';

export type Asked = {
  readonly path: string;
  readonly data: string;
  readonly epochs: number | undefined;
  readonly updates: number | undefined;
  readonly optimizer: 'adamw' | 'momentum' | 'sgd';
  /** Of the data's kind if it is undefined. */
  readonly loss: LossKind | undefined;
  /** The output that the loss is of. */
  readonly of: string | undefined;
  readonly rate: number;
  readonly schedule: 'constant' | 'cosine';
  /** Updates. */
  readonly warmup: number;
  readonly batch: number;
  readonly sequence: number;
  readonly clip: number | undefined;
  readonly lora: { readonly rank: number; readonly alpha: number } | undefined;
  /** Patterns of names. */
  readonly targets: readonly string[];
  readonly freeze: readonly string[];
  /** Share of the data that is held out. */
  readonly validation: number;
  readonly seed: number;
  readonly unroll: number;
  readonly snapshot: string | undefined;
};

export type Trained = {
  /** With what was trained; beside an adapter, as it was with the adapter in it. */
  readonly model: Model;
  readonly adapter: LoraAdapter | undefined;
  readonly updates: number;
  readonly parameters: number;
  readonly losses: Float32Array;
  readonly before: Quality | undefined;
  readonly after: Quality | undefined;
};

/** What training needs to know, worked out of the model and the data. */
type Setup = {
  readonly model: Model;
  readonly training: TrainingModel;
  readonly sizes: Sizes;
  readonly output: string;
  readonly loss: LossKind;
  readonly batch: number;
  readonly data: TrainData;
  readonly validation: Examples | undefined;
};

export const trainModel = async (
  asked: Asked,
  model: Model,
  all: TrainData,
  runtime: Runtime,
  io: Io,
): Promise<Trained> => {
  const setup = setUp(asked, model, all);
  const measure = async (subject: Model): Promise<Quality | undefined> =>
    setup.validation && evaluate(io, runtime, subject, { ...setup, examples: setup.validation });
  const before = await measure(setup.model);
  if (before) io.note(`before: ${qualityText(before, setup.loss)}\n`);
  const step = taken(await createTrainStep(runtime, setup.training), asked.path);
  const { losses, updates } = await runSteps(asked, setup, step, io);
  const weights = taken(await step.weights());
  await step.release();
  const trained = taken(withWeights(setup.model, weights));
  const after = await measure(trained);
  const tensors = new Map<string, Tensor>();
  for (const { input, dims } of setup.training.carried)
    tensors.set(
      input,
      float32Tensor(dims, weights.get(input) ?? new Float32Array(dims.reduce((a, b) => a * b, 1))),
    );
  return {
    model: trained,
    adapter: asked.lora ? taken(adapterOf(setup.model, tensors)) : undefined,
    updates,
    parameters: [...weights.values()].reduce((sum, { length }) => sum + length, 0),
    losses,
    before,
    after,
  };
};

const setUp = (asked: Asked, given: Model, all: TrainData): Setup => {
  const output = lossOutputOf(given, asked.of);
  const loss = asked.loss ?? lossFor(all);
  const sizes = sizesOf(given, all, asked);
  const { model, trainable } = withAdapter(asked, given);
  const training = taken(
    buildTrainingModel(model, {
      sizes,
      trainable,
      loss: lossSpec(loss, output),
      optimizer:
        asked.optimizer === 'momentum' ? { kind: 'momentum', momentum: 0.9 } : { kind: asked.optimizer },
      steps: asked.unroll,
      ...(asked.clip === undefined ? {} : { clip: asked.clip }),
    }),
    asked.path,
  );
  const dims = outputDims(given, sizes, output);
  const fitted = fittedData(given, training, all, asked.unroll);
  if (loss === 'cross-entropy') requireClasses(labelsOf(fitted), dims.at(-1) ?? 0);
  const { training: data, validation } = holdOut(fitted, asked.validation, asked.seed);
  const held = validation && examplesOf(validation, training, asked.unroll);
  return { model, training, sizes, output, loss, batch: dims[0] ?? 1, data, validation: held };
};

const lossFor = (data: TrainData): LossKind =>
  data.kind === 'examples' && data.examples.columns.some(({ name }) => name === 'training.target')
    ? 'mse'
    : 'cross-entropy';

const lossSpec = (kind: LossKind, output: string): Loss => {
  if (kind === 'mse') return { kind: 'mean-squared-error', output };
  return { kind: kind === 'bce' ? 'binary-cross-entropy' : 'softmax-cross-entropy', logits: output };
};

const withAdapter = (
  { lora, targets, freeze, seed }: Asked,
  model: Model,
): { readonly model: Model; readonly trainable: readonly string[] } => {
  const isFrozen = matcherOf(freeze);
  if (lora === undefined) {
    // A number without dims is a constant of the graph in other exporters' files, an epsilon or an exponent.
    const isWeight = (name: string) => (model.graph.initializers.get(name)?.dims.length ?? 0) > 0;
    const trainable = trainableNames(model).filter((name) => isWeight(name) && !isFrozen(name));
    if (trainable.length === 0) throw new Stop('No float32 weight of the model is left to be trained.');
    return { model, trainable };
  }
  const layers = linearLayersOf(model.graph);
  const isTarget = matcherOf(targets);
  const isDecoder = layers.some(isDecoderLayer);
  return taken(
    addLora(model, {
      ...lora,
      seed,
      targets: (layer) => {
        if (isFrozen(layer.weight)) return false;
        if (targets.length > 0) return isTarget(layer.weight) || isTarget(layer.node);
        return !isDecoder || isDecoderLayer(layer);
      },
    }),
  );
};

/** A step's own dims come before the batch's. */
const leadingOf = (unroll: number): number => (unroll > 1 ? 2 : 1);

const fittedData = (model: Model, { fed }: TrainingModel, data: TrainData, unroll: number): TrainData =>
  data.kind === 'text'
    ? data
    : { kind: 'examples', examples: fittedExamples(model, fed, data.examples, leadingOf(unroll)) };

const labelsOf = (data: TrainData) => {
  if (data.kind === 'text') return data.tokens;
  return data.examples.columns.find(({ name }) => name === 'training.labels')?.data ?? new Uint8Array();
};

/** A text to be measured with: windows one after the other, so many that it doesn't take long. */
const examplesOf = (data: TrainData, { fed }: TrainingModel, unroll: number): Examples | undefined => {
  if (data.kind === 'examples') return data.examples;
  const ids = fed.find(({ name }) => name === 'input_ids');
  const length = ids?.dims.slice(leadingOf(unroll))[0] ?? 0;
  const count = Math.min(mostWindows, Math.floor((data.tokens.length - 1) / length));
  if (!(count >= 1)) return undefined;
  const column = (name: string, from: number) => ({
    name,
    dims: [length],
    data: data.tokens.subarray(from, from + count * length),
  });
  return { count, columns: [column('input_ids', 0), column('training.labels', 1)] };
};
const mostWindows = 256;

const batchesOf = ({ data, training: { fed } }: Setup, seed: number): Batches =>
  taken(
    data.kind === 'text' ? createWindows(fed, data.tokens, seed) : createBatches(fed, data.examples, seed),
  );

const updatesOf = ({ epochs, updates }: Asked, { data, batch }: Setup): number => {
  if (updates !== undefined) return updates;
  if (data.kind === 'examples') return Math.max(1, Math.round(((epochs ?? 1) * data.examples.count) / batch));
  if (epochs !== undefined) throw misused('A text has no epochs: windows of it are drawn. Say --updates.');
  return 200;
};

const runSteps = async (
  asked: Asked,
  setup: Setup,
  step: TrainStep,
  io: Io,
): Promise<{ readonly losses: Float32Array; readonly updates: number }> => {
  const { snapshot, seed, rate, warmup } = asked;
  const updates = updatesOf(asked, setup);
  const batches = batchesOf(setup, seed);
  const settings = settingsOf(asked, setup);
  const from = snapshot === undefined ? 0 : await restoreSnapshot(snapshot, step, settings);
  if (from > 0) io.note(`going on after ${counted(from, 'update')}\n`);
  for (let run = 0; run < from / step.steps; run++) batches.next();
  let done = from;
  const save = async () =>
    snapshot === undefined
      ? undefined
      : saveSnapshot(snapshot, step, setup.training.carried, { updates: done, settings });
  const progress = createProgress(io, 'training');
  let [saved, smooth] = [io.now(), Number.NaN];
  const result = await runTraining(step, {
    batches,
    schedule:
      asked.schedule === 'cosine'
        ? cosineRate({ peak: rate, total: updates, warmup })
        : warmedUp(rate, warmup),
    updates: Math.max(0, updates - from),
    from,
    signal: io.signal,
    async onRun({ done: more, losses }) {
      done = from + more;
      for (const loss of losses) smooth = Number.isNaN(smooth) ? loss : 0.95 * smooth + 0.05 * loss;
      progress.show(more, updates - from, `${done} of ${updates}, loss ${short(smooth)}`);
      await breathe();
      if (io.now() - saved < snapshotEvery) return;
      await save();
      saved = io.now();
    },
  });
  progress.end();
  if (!result.ok && result.error.code !== 'cancelled') throw new Stop(`${result.error.message}.`);
  await save();
  if (!result.ok)
    throw new Stop(
      `Stopped after ${done} of ${updates} updates; ${snapshot === undefined ? 'nothing was written.' : `${snapshot} has them, and the same command goes on from there.`}`,
    );
  return { losses: result.value, updates: done };
};

/** Milliseconds. */
const snapshotEvery = 30_000;

const warmedUp =
  (rate: number, warmup: number) =>
  (update: number): number =>
    constantRate(rate)(update) * Math.min(1, (update + 1) / Math.max(1, warmup));

const settingsOf = (asked: Asked, { loss, output, batch }: Setup): Settings => ({
  data: asked.data,
  seed: asked.seed,
  batch,
  unroll: asked.unroll,
  optimizer: asked.optimizer,
  loss,
  output,
  lora: asked.lora?.rank ?? 0,
  validation: asked.validation,
});

const qualityText = ({ loss, accuracy, count }: Quality, kind: LossKind): string => {
  const right = accuracy === undefined ? '' : `, accuracy ${percent(accuracy)}`;
  return `${kind === 'mse' ? 'mean squared error' : 'loss'} ${short(loss)}${right} on ${grouped(count)} held out`;
};
