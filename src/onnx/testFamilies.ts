/** Small models of every family with their training steps, for tests of the rules, of the runtime and of the backends. */
import { unwrap } from '../core/result.ts';
import { addLora } from './autodiff/addLora.ts';
import { randomBy } from './autodiff/testDoubles.ts';
import { eightBitTrunk, fourBitTrunk } from './autodiff/testTrunks.ts';
import type { Fed } from './autodiff/trainingGraph.ts';
import { buildTrainingModel, type TrainingModel, type TrainingModelSpec } from './autodiff/trainingModel.ts';
import type { DecoderSpec } from './build/decoder/spec.ts';
import { buildDecoder } from './build/decoder.ts';
import { buildFedAvgCnn } from './build/fedAvgCnn.ts';
import { buildMlp } from './build/mlp.ts';
import { buildResNet } from './build/resNet.ts';
import { float32Tensor } from './build/tensors.ts';
import { buildTextClassifier } from './build/textClassifier.ts';
import type { Model } from './ir/types.ts';

const seed = { kind: 'seed', seed: 5 } as const;
const size = {
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

const smallLlama: DecoderSpec = {
  ...size,
  norm: 'rms',
  positions: { kind: 'rotary', theta: 10_000 },
  mlp: 'swiglu',
};
const smallGpt: DecoderSpec = {
  ...size,
  kvHeads: 2,
  bias: 'all',
  norm: 'layer',
  positions: { kind: 'learned' },
  mlp: 'gelu',
};
const sequence = 5;
const training = { kind: 'training', sequence } as const;
export const llama = (): Model => unwrap(buildDecoder(smallLlama, training, seed));

export type Family = { readonly name: string; readonly build: () => Model };

export const families: readonly Family[] = [
  {
    name: 'MLP',
    build: () =>
      unwrap(buildMlp({ family: 'mlp', inputs: 6, hidden: [5, 4], outputs: 3, activation: 'gelu' }, seed)),
  },
  {
    name: 'FedAvg CNN',
    build: () =>
      unwrap(
        buildFedAvgCnn(
          { family: 'fedavg-cnn', image: 8, channels: 1, convolutions: [2, 3], hidden: 6, classes: 4 },
          seed,
        ),
      ),
  },
  {
    name: 'ResNet',
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
  {
    name: 'text classifier',
    build: () =>
      unwrap(
        buildTextClassifier(
          { family: 'text-classifier', vocab: 9, embedding: 6, hidden: [5], classes: 3, activation: 'tanh' },
          seed,
        ),
      ),
  },
  { name: 'Llama', build: llama },
  { name: 'GPT', build: () => unwrap(buildDecoder(smallGpt, training, seed)) },
];

/**
 * Adapters beside a frozen trunk, as after some steps: of an adapter that does nothing yet, half the gradients are 0. With two
 * batches in a step.
 */
export const adaptersBeside = (trunk: Model) => {
  const { model, trainable } = unwrap(addLora(trunk, { rank: 2, alpha: 4, seed: 1 }));
  const random = randomBy(4);
  const initializers = new Map(
    [...model.graph.initializers].map(([name, tensor]) => {
      const count = tensor.dims.reduce((product, dim) => product * dim, 1);
      const values = Float32Array.from({ length: count }, () => random() - 0.5);
      return [name, name.endsWith('.lora_B') ? float32Tensor(tensor.dims, values) : tensor] as const;
    }),
  );
  return {
    model: { ...model, graph: { ...model.graph, initializers } },
    trainable,
    accumulate: 2,
    optimizer: { kind: 'momentum', momentum: 0.5 },
    clip: 100,
  } as const;
};

/** A step of AdamW with clipping: all that a step can have, on a batch of two. */
export const trainingOf = (model: Model, more: Partial<TrainingModelSpec> = {}): TrainingModel => {
  const free = model.graph.inputs.flatMap(({ type }) => (type.kind === 'tensor' ? (type.shape ?? []) : []));
  const names = [...new Set(free)].filter((dim) => typeof dim === 'string');
  return unwrap(
    buildTrainingModel(model, {
      sizes: Object.fromEntries(names.map((name) => [name, name === 'batch' ? 2 : sequence])),
      loss: { kind: 'softmax-cross-entropy', logits: 'logits' },
      optimizer: { kind: 'adamw', weightDecay: 0.01 },
      clip: 1,
      ...more,
    }),
  );
};

/** Numbers by chance, the same everywhere; integers stay below the smallest vocabulary and number of classes. */
export const batchFor = (fed: readonly Fed[], rate = 0.01): ReadonlyMap<string, readonly number[]> => {
  const random = randomBy(9);
  return new Map(
    fed.map(({ name, dtype, dims }) => {
      const count = dims.reduce((product, dim) => product * dim, 1);
      const values = Array.from({ length: count }, () =>
        dtype.startsWith('int') ? Math.floor(random() * 3) : random() * 2 - 1,
      );
      if (name === 'training.rate') return [name, [rate]];
      return [name, name.includes('mask') ? values.map(() => 1) : values];
    }),
  );
};

/** Every kind of training graph there is: each family, and each thing that a step can do besides. */
export const trainings: readonly { readonly name: string; readonly build: () => TrainingModel }[] = [
  ...families.map(({ name, build }) => ({ name, build: () => trainingOf(build()) })),
  ...[
    { name: 'adapters', trunk: (model: Model) => model },
    { name: 'adapters beside 4 bits', trunk: fourBitTrunk },
    { name: 'adapters beside 8 bits', trunk: eightBitTrunk },
  ].map(({ name, trunk }) => ({
    name,
    build: () => {
      const { model, ...more } = adaptersBeside(trunk(llama()));
      return trainingOf(model, more);
    },
  })),
  ...families.map(({ name, build }) => ({
    name: `${name}, clipped by example`,
    build: () => trainingOf(build(), { perExample: { clip: 1, noise: true } }),
  })),
  { name: 'Llama, computed again', build: () => trainingOf(llama(), { recompute: 'least' }) },
  { name: 'Llama, three steps a run', build: () => trainingOf(llama(), { steps: 3 }) },
];
