/** A small Llama that learns characters: all that a training of it depends on, in one value, for ours and PyTorch's alike. */

import { utf8 } from '../../src/core/bytes.ts';
import { sha256Hex } from '../../src/core/hash.ts';
import { unwrap } from '../../src/core/result.ts';
import type { DecoderSpec } from '../../src/onnx/build/decoder/spec.ts';
import { buildDecoder, type DecoderWeights } from '../../src/onnx/build/decoder.ts';
import { buildTrainingModel, type Model, type TrainingModel } from '../../src/onnx/index.ts';
import {
  type Batches,
  cosineRate,
  createWindows,
  type Schedule,
  type TrainStep,
} from '../../src/training/index.ts';
import { readText, vocabulary } from './text.ts';

const spec: DecoderSpec = {
  family: 'decoder',
  vocab: vocabulary,
  hidden: 192,
  layers: 3,
  heads: 6,
  kvHeads: 2,
  intermediate: 512,
  context: 512,
  norm: 'rms',
  epsilon: 1e-5,
  positions: { kind: 'rotary', theta: 10_000 },
  mlp: 'swiglu',
  bias: 'none',
  tied: true,
};

export const recipe = {
  spec,
  sequence: 128,
  batch: 8,
  updates: 1_000,
  seed: 1,
  optimizer: { kind: 'adamw', beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0.1 },
  clip: 1,
  rate: { peak: 3e-3, warmup: 50, least: 1e-4 },
} as const;

/** Changes with whatever could change the weights that come out. */
export const hashRecipe = (): string => {
  const { training, heldOut } = readText();
  return sha256Hex(utf8(JSON.stringify([recipe, sha256Hex(training), sha256Hex(heldOut)])));
};

export const schedule: Schedule = cosineRate({ ...recipe.rate, total: recipe.updates });

export const trainingForm = (weights: DecoderWeights): Model =>
  unwrap(buildDecoder(recipe.spec, { kind: 'training', sequence: recipe.sequence }, weights));

export const initialModel = (): Model => trainingForm({ kind: 'seed', seed: recipe.seed });

export const trainingOf = (model: Model): TrainingModel =>
  unwrap(
    buildTrainingModel(model, {
      sizes: { batch: recipe.batch },
      loss: { kind: 'softmax-cross-entropy', logits: 'logits' },
      optimizer: recipe.optimizer,
      clip: recipe.clip,
    }),
  );

export const windowsOf = (fed: TrainStep['fed']): Batches =>
  unwrap(createWindows(fed, readText().training, recipe.seed));
