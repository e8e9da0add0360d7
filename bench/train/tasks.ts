/**
 * What is trained, the same for all: the model with its initial weights, and its batches, by seed alone, so that every worker
 * makes them itself. Plain gradient descent everywhere.
 */
import { type Result, unwrap } from '../../src/core/result.ts';
import type { DecoderSpec } from '../../src/onnx/build/decoder/spec.ts';
import { buildDecoder } from '../../src/onnx/build/decoder.ts';
import { buildFedAvgCnn, paperCnn } from '../../src/onnx/build/fedAvgCnn.ts';
import { buildMlp } from '../../src/onnx/build/mlp.ts';
import { trainableNames } from '../../src/onnx/build/parameters.ts';
import { createStream, fillUniform } from '../../src/onnx/build/random.ts';
import { readFloat32 } from '../../src/onnx/build/tensors.ts';
import { addLora, type Model, type OnnxFault } from '../../src/onnx/index.ts';

export const taskNames = ['mlp_b50', 'cnn_b10', 'cnn_b50', 'lora_gpt'] as const;
export type TaskName = (typeof taskNames)[number];

export type Task = {
  readonly model: Model;
  /** What changes; all else is frozen. */
  readonly trainable: readonly string[];
  /** The size of a step. */
  readonly rate: number;
  readonly batch: number;
  readonly unroll: number;
  readonly input: { readonly name: string; readonly dtype: 'float32' | 'int32' };
  readonly inputDims: readonly number[];
  readonly labelDims: readonly number[];
  readonly batches: readonly Batch[];
};

export type Batch = { readonly input: Float32Array | Int32Array; readonly labels: Int32Array };
export type WeightValues = { readonly dims: readonly number[]; readonly data: Float32Array };

const seed = 7;
const batchCount = 10;
export const classes = 10;
export const pixels = 28 * 28;

/** As of nanoGPT's smallest, on characters. */
export const gptSpec = {
  family: 'decoder',
  vocab: 65,
  hidden: 256,
  layers: 4,
  heads: 4,
  kvHeads: 4,
  intermediate: 1024,
  context: 64,
  norm: 'layer',
  epsilon: 1e-5,
  positions: { kind: 'learned' },
  mlp: 'gelu',
  bias: 'all',
  tied: true,
} as const satisfies DecoderSpec;
export const gptSequence = 64;
export const lora = { rank: 8, alpha: 16, seed } as const;

/** Steps in one run of ours: a small model's weights take as long to copy as its arithmetic does. */
export const unrollOf = (name: TaskName): number => (name === 'mlp_b50' ? 10 : 1);

export const taskOf = (name: TaskName): Task => ({ ...makers[name](), unroll: unrollOf(name) });

/** Of all parameters, frozen ones among them, by name. */
export const weightsOf = ({ model, trainable }: Task): ReadonlyMap<string, WeightValues> => {
  const names = new Set([...trainableNames(model), ...trainable]);
  return new Map(
    [...model.graph.initializers]
      .filter(([name]) => names.has(name))
      .map(([name, tensor]) => [name, { dims: tensor.dims, data: unwrap(readFloat32(tensor)) }]),
  );
};

type OneTask = Omit<Task, 'unroll'>;

const mlpTask = (): OneTask =>
  imageTask(
    buildMlp(
      { family: 'mlp', inputs: pixels, hidden: [200, 200], outputs: classes, activation: 'relu' },
      { kind: 'seed', seed },
    ),
    [pixels],
    50,
  );

const cnnTask = (batch: number): OneTask =>
  imageTask(buildFedAvgCnn(paperCnn, { kind: 'seed', seed }), [1, 28, 28], batch);

const imageTask = (built: Result<Model, OnnxFault>, image: readonly number[], batch: number): OneTask => {
  const model = unwrap(built);
  return {
    model,
    trainable: trainableNames(model),
    rate: 0.005,
    batch,
    input: { name: 'input', dtype: 'float32' },
    inputDims: [batch, ...image],
    labelDims: [batch],
    batches: Array.from({ length: batchCount }, (_, i) => imageBatch(batch, `batch ${i}`)),
  };
};

const gptTask = (): OneTask => {
  const decoder = buildDecoder(gptSpec, { kind: 'training', sequence: gptSequence }, { kind: 'seed', seed });
  const dims = [4, gptSequence];
  return {
    ...unwrap(addLora(unwrap(decoder), lora)),
    rate: 1,
    batch: 4,
    input: { name: 'input_ids', dtype: 'int32' },
    inputDims: dims,
    labelDims: dims,
    batches: Array.from({ length: batchCount }, (_, i) => textBatch(4, `batch ${i}`)),
  };
};

const makers: Readonly<Record<TaskName, () => OneTask>> = {
  mlp_b50: mlpTask,
  cnn_b10: () => cnnTask(10),
  cnn_b50: () => cnnTask(50),
  lora_gpt: gptTask,
};

const imageBatch = (batch: number, name: string): Batch => {
  const input = new Float32Array(batch * pixels);
  fillUniform(input, createStream(seed, `images of ${name}`), 1);
  return { input, labels: wordsBelow(classes, batch, `labels of ${name}`) };
};

/** Each character is close behind the one before: something that can be learnt. */
const textBatch = (batch: number, name: string): Batch => {
  const steps = wordsBelow(4, batch * (gptSequence + 1), `text of ${name}`);
  const input = new Int32Array(batch * gptSequence);
  const labels = new Int32Array(batch * gptSequence);
  for (let row = 0; row < batch; row++) {
    let character = row;
    for (let at = 0; at < gptSequence; at++) {
      input[row * gptSequence + at] = character;
      character = (character + 1 + (steps[row * (gptSequence + 1) + at] ?? 0)) % gptSpec.vocab;
      labels[row * gptSequence + at] = character;
    }
  }
  return { input, labels };
};

/** Seeded whole numbers, each less than `limit`. */
export const wordsBelow = (limit: number, count: number, name: string): Int32Array => {
  const draw = createStream(seed, name);
  const values = new Int32Array(count);
  for (let at = 0; at < count; at += 4) {
    const words = draw(at / 4);
    for (let i = 0; i < 4; i++) values[at + i] = (words[i] ?? 0) % limit; // beyond the end this writes nothing
  }
  return values;
};
