/**
 * A small decoder that has learned English letter by letter, for measuring what quantisation costs: 0.8 million weights, trained
 * here for some minutes on the King James Bible as Debian's bible-kjv prints it, and kept below .cache.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { root } from '../../scripts/lib/village.ts';
import { createRuntime, loadOrt } from '../../src/compute/index.ts';
import { unwrap } from '../../src/core/result.ts';
import type { DecoderSpec } from '../../src/onnx/build/decoder/spec.ts';
import { buildDecoder } from '../../src/onnx/build/decoder.ts';
import { describeParameters } from '../../src/onnx/build/families.ts';
import { createStream } from '../../src/onnx/build/random.ts';
import { buildTrainingModel } from '../../src/onnx/index.ts';
import { createTrainStep } from '../../src/training/trainStep.ts';
import type { TrainedDecoder } from './perplexity.ts';

const spec: DecoderSpec = {
  family: 'decoder',
  vocab: 128,
  hidden: 128,
  layers: 4,
  heads: 4,
  kvHeads: 2,
  intermediate: 384,
  context: 128,
  norm: 'rms',
  epsilon: 1e-5,
  positions: { kind: 'rotary', theta: 10_000 },
  mlp: 'swiglu',
  bias: 'none',
  tied: true,
};
const [batch, sequence] = [8, 128];
/** The end of the text: sixty-five thousand letters that it never saw. */
const heldOut = 2 ** 16;
const steps = Number(process.env['STAND_IN_STEPS'] ?? 500);
const highestRate = 3e-3;
const cache = `${root}.cache/quantize/`;

/** Undefined where the text is not installed. */
export const standIn = async (say: (text: string) => void): Promise<TrainedDecoder | undefined> => {
  const text = bibleText();
  if (text === undefined) return undefined;
  const tokens = Int32Array.from(text, (byte) => byte & 127);
  const file = `${cache}stand-in-${steps}.f32`;
  if (!existsSync(file)) {
    say(`training a small decoder, ${steps} steps: some minutes, once`);
    mkdirSync(cache, { recursive: true });
    writeFileSync(file, await train(tokens.subarray(0, -heldOut), say));
  }
  return { spec, weights: weightsIn(readFileSync(file)), sequence, heldOut: tokens.slice(-heldOut) };
};

const bibleText = (): Uint8Array | undefined => {
  try {
    const printed = execFileSync('bible', ['-f', 'gen1:1-rev22:21'], {
      encoding: 'utf8',
      maxBuffer: 2 ** 24,
    });
    return Buffer.from(printed.replace(/^\S+\s/gm, ''), 'latin1');
  } catch {
    return undefined;
  }
};

const parameters = () => unwrap(describeParameters(spec));

const weightsIn = (bytes: Uint8Array): TrainedDecoder['weights'] => {
  const all = new Float32Array(new Uint8Array(bytes).buffer);
  let at = 0;
  return new Map(
    parameters().map(({ name, dims }) => {
      const count = dims.reduce((product, dim) => product * dim, 1);
      at += count;
      return [name, all.slice(at - count, at)];
    }),
  );
};

const train = async (tokens: Int32Array, say: (text: string) => void): Promise<Uint8Array> => {
  const training = unwrap(
    buildTrainingModel(
      unwrap(buildDecoder(spec, { kind: 'training', sequence }, { kind: 'seed', seed: 1 })),
      {
        sizes: { batch },
        loss: { kind: 'softmax-cross-entropy', logits: 'logits' },
        optimizer: { kind: 'adamw', beta2: 0.95, weightDecay: 0.1 },
        clip: 1,
      },
    ),
  );
  const runtime = unwrap(
    await createRuntime(
      { loadOrt, assets: undefined, crossOriginIsolated: false, requestAdapter: undefined },
      { kind: 'wasm', threads: 1 },
    ),
  );
  const step = unwrap(await createTrainStep(runtime, training));
  let recent = 0;
  for (let done = 0; done < steps; done++) {
    const [loss = Number.NaN] = unwrap(await step.run(batchOf(tokens, done)));
    recent = recent === 0 ? loss : 0.95 * recent + 0.05 * loss;
    if ((done + 1) % 100 === 0)
      say(`step ${done + 1}: ${(recent / Math.LN2).toFixed(3)} bits a letter while it learns`);
  }
  const weights = unwrap(await step.weights());
  await runtime.release();
  return Buffer.concat(
    parameters().map(({ name }) => {
      const values = weights.get(name) ?? new Float32Array();
      return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    }),
  );
};

/** Pieces of the text by chance, the same in every run. The rate rises for a twentieth of the time, and falls as a cosine. */
const batchOf = (tokens: Int32Array, step: number) => {
  const draw = createStream(1, `batch ${step}`);
  const inputs = new Int32Array(batch * sequence);
  const labels = new Int32Array(batch * sequence);
  for (let i = 0; i < batch; i++) {
    const start = (draw(i)[0] ?? 0) % (tokens.length - sequence - 1);
    inputs.set(tokens.subarray(start, start + sequence), i * sequence);
    labels.set(tokens.subarray(start + 1, start + 1 + sequence), i * sequence);
  }
  const warmUp = steps / 20;
  const rate =
    highestRate * (step < warmUp ? (step + 1) / warmUp : 0.55 + 0.45 * Math.cos((Math.PI * step) / steps));
  return {
    input_ids: { dtype: 'int32', dims: [batch, sequence], data: inputs },
    'training.labels': { dtype: 'int32', dims: [batch, sequence], data: labels },
    'training.rate': { dtype: 'float32', dims: [], data: Float32Array.of(rate) },
  } as const;
};
