/** What the tests of gradients by example share: models of every family, their batches, and the long way round. */
import { unwrap } from '../../../core/result.ts';
import { bindDims } from '../../bindDims.ts';
import { buildDecoder } from '../../build/decoder.ts';
import { buildFedAvgCnn } from '../../build/fedAvgCnn.ts';
import { buildMlp } from '../../build/mlp.ts';
import { trainableNames } from '../../build/parameters.ts';
import { buildResNet } from '../../build/resNet.ts';
import { buildTextClassifier } from '../../build/textClassifier.ts';
import { inferTypes } from '../../infer.ts';
import type { Model } from '../../ir/types.ts';
import { evaluate } from '../../reference/evaluate.ts';
import { type NdArray, ndArray } from '../../reference/ndArray.ts';
import { tensorToNdArray } from '../../reference/tensors.ts';
import { knownValues, sizeOf } from '../emitter.ts';
import { randomBy, valuesOf } from '../testDoubles.ts';
import {
  buildTrainingGraph,
  type Fed,
  type Loss,
  type TrainingGraph,
  type TrainingSpec,
} from '../trainingGraph.ts';

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
export const crossEntropy: Loss = { kind: 'softmax-cross-entropy', logits: 'logits' };
export const maskedEntropy: Loss = { kind: 'softmax-cross-entropy', logits: 'logits', masked: true };

type Family = { readonly build: () => Model; readonly loss: Loss };

export const families: Readonly<Record<string, Family>> = {
  MLP: {
    loss: { kind: 'mean-squared-error', output: 'logits' },
    build: () =>
      unwrap(buildMlp({ family: 'mlp', inputs: 6, hidden: [5, 4], outputs: 3, activation: 'gelu' }, seed)),
  },
  'FedAvg CNN': {
    loss: { kind: 'binary-cross-entropy', logits: 'logits' },
    build: () =>
      unwrap(
        buildFedAvgCnn(
          { family: 'fedavg-cnn', image: 8, channels: 2, convolutions: [2, 3], hidden: 6, classes: 4 },
          seed,
        ),
      ),
  },
  'CNN of more channels than places': {
    loss: crossEntropy,
    build: () =>
      unwrap(
        buildFedAvgCnn(
          { family: 'fedavg-cnn', image: 4, channels: 1, convolutions: [6, 7], hidden: 3, classes: 4 },
          seed,
        ),
      ),
  },
  ResNet: {
    loss: crossEntropy,
    build: () =>
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
  },
  'text classifier': {
    loss: crossEntropy,
    build: () =>
      unwrap(
        buildTextClassifier(
          { family: 'text-classifier', vocab: 9, embedding: 6, hidden: [5], classes: 3, activation: 'tanh' },
          seed,
        ),
      ),
  },
  'Llama, tied': {
    loss: maskedEntropy,
    build: () =>
      unwrap(
        buildDecoder(
          { ...decoder, norm: 'rms', positions: { kind: 'rotary', theta: 10_000 }, mlp: 'swiglu' },
          training,
          seed,
        ),
      ),
  },
  'GPT, untied': {
    loss: maskedEntropy,
    build: () =>
      unwrap(
        buildDecoder(
          {
            ...decoder,
            ...{
              hidden: 16,
              intermediate: 24,
              tied: false,
              kvHeads: 2,
              bias: 'all',
              norm: 'layer',
              mlp: 'gelu',
            },
            positions: { kind: 'learned' },
          },
          training,
          seed,
        ),
      ),
  },
};

export const bound = (model: Model, batch: number): Model => {
  const dims = model.graph.inputs.flatMap(({ type }) => (type.kind === 'tensor' ? (type.shape ?? []) : []));
  const names = new Set(dims.filter((dim) => typeof dim === 'string'));
  return unwrap(
    bindDims(model, Object.fromEntries([...names].map((name) => [name, name === 'batch' ? batch : 5]))),
  );
};

export const trainingOf = (model: Model, more: Partial<TrainingSpec>): TrainingGraph => {
  const { graph } = model;
  return unwrap(
    buildTrainingGraph({
      graph,
      known: knownValues(graph, unwrap(inferTypes(model))),
      loss: crossEntropy,
      trainable: trainableNames(model),
      optimizer: { kind: 'sgd' },
      ...more,
    }),
  );
};

/** A batch by chance; whole numbers are below every vocabulary, and masks leave places at the end out. */
export const batchOf = (fed: readonly Fed[], chance = 9): Map<string, NdArray> => {
  const random = randomBy(chance);
  return new Map(
    fed.map(({ name, dtype, dims }) => {
      const numbers = Array.from({ length: sizeOf(dims) }, (_, at) => {
        if (name === 'training.rate') return 1;
        if (name.endsWith('mask'))
          return at % (dims.at(-1) ?? 1) <= 1 + Math.floor(at / (dims.at(-1) ?? 1)) ? 1 : 0;
        return dtype.startsWith('int') ? Math.floor(random() * 3) : random() * 2 - 1;
      });
      return [name, ndArray(dtype === 'int64' || dtype === 'int32' ? dtype : 'float32', dims, numbers)];
    }),
  );
};

export const weightsOf = ({ carried }: TrainingGraph): Map<string, NdArray> =>
  new Map(
    carried.map(({ input, dims, initial }) => [
      input,
      initial
        ? unwrap(tensorToNdArray(initial))
        : ndArray(
            'float32',
            dims,
            Array.from({ length: sizeOf(dims) }, () => 0),
          ),
    ]),
  );

/** One example of a batch, as a batch. */
export const exampleOf = (
  feeds: ReadonlyMap<string, NdArray>,
  example: number,
  batch: number,
): Map<string, NdArray> =>
  new Map(
    [...feeds].map(([name, array]) => {
      if (array.dims[0] !== batch) return [name, array];
      const size = sizeOf(array.dims) / batch;
      const numbers = valuesOf(array).slice(example * size, (example + 1) * size);
      return [name, ndArray(array.dtype, [1, ...array.dims.slice(1)], numbers)];
    }),
  );

/** By plain descent with a rate of 1: what a step takes off is the gradient. */
export const gradientsBy = (training: TrainingGraph, feeds: ReadonlyMap<string, NdArray>) => {
  const weights = weightsOf(training);
  const found = unwrap(evaluate(training.graph, new Map([...weights, ...feeds])));
  const gradients = new Map(
    training.carried.map(({ input, output }) => {
      const next = valuesOf(found.get(output));
      return [input, valuesOf(weights.get(input)).map((value, at) => value - (next[at] ?? 0))];
    }),
  );
  const norms = training.norms === undefined ? [] : valuesOf(found.get(training.norms));
  return { gradients, norms, loss: valuesOf(found.get(training.loss))[0] ?? Number.NaN };
};

/** Every example run alone, its gradient clipped, and the mean of these: what all the rest is to equal. */
export const oneByOne = (
  build: () => Model,
  loss: Loss,
  at: { readonly clip: number; readonly batch: number; readonly feeds: ReadonlyMap<string, NdArray> },
) => {
  const single = trainingOf(bound(build(), 1), { loss });
  const norms: number[] = [];
  const mean = new Map<string, number[]>();
  for (let example = 0; example < at.batch; example++) {
    const { gradients } = gradientsBy(single, exampleOf(at.feeds, example, at.batch));
    const norm = Math.hypot(...[...gradients.values()].flat());
    norms.push(norm);
    for (const [name, values] of gradients) {
      const before = mean.get(name) ?? values.map(() => 0);
      mean.set(
        name,
        values.map((value, i) => (before[i] ?? 0) + (value * Math.min(1, at.clip / norm)) / at.batch),
      );
    }
  }
  return { norms, mean };
};

/** The greatest difference, by weight. */
export const differences = (
  found: ReadonlyMap<string, readonly number[]>,
  expected: ReadonlyMap<string, readonly number[]>,
) =>
  Object.fromEntries(
    [...expected].map(([name, values]) => [
      name,
      Math.max(...values.map((value, at) => Math.abs(value - (found.get(name)?.[at] ?? Number.NaN)))),
    ]),
  );
