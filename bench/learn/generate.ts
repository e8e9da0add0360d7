/** What was trained, written anew for serving: fused operators, and a cache of keys and values that grows from run to run. */
import type { HostTensors, Runtime, StatefulSession } from '../../src/compute/index.ts';
import { unwrap } from '../../src/core/result.ts';
import { decoderParameters } from '../../src/onnx/build/decoder/parameters.ts';
import { headSizeOf } from '../../src/onnx/build/decoder/spec.ts';
import { buildDecoder } from '../../src/onnx/build/decoder.ts';
import { float32Tensor } from '../../src/onnx/build/tensors.ts';
import { bindDims, createStream, encodeModel, joinChunks, type Model } from '../../src/onnx/index.ts';
import { recipe, trainingForm } from './recipe.ts';
import type { TrainedDecoder } from './trainedDecoder.ts';

type Weights = TrainedDecoder['weights'];

/** Characters by chance, each by its likelihood at `temperature`, after `prompt`. */
export const sampleText = async (
  runtime: Runtime,
  weights: Weights,
  options: {
    readonly prompt: Int32Array;
    readonly length: number;
    readonly temperature: number;
    readonly seed: number;
  },
): Promise<Int32Array> => {
  const { prompt, length, temperature } = options;
  const draw = createUniform(options.seed);
  const all = Int32Array.from({ length: prompt.length + length }, (_, at) => prompt[at] ?? 0);
  for (let at = prompt.length; at < all.length; ) {
    // It has learnt no more places than the sequence has: it goes on from the last half of them.
    const known = all.subarray(Math.max(0, at - recipe.sequence / 2), at);
    const decoder = await openDecoder(runtime, weights);
    let logits = await decoder.next(known);
    for (let place = known.length; place < recipe.sequence && at < all.length; place++) {
      const token = chooseToken(logits, temperature, draw());
      all[at++] = token;
      logits = await decoder.next(Int32Array.of(token));
    }
    await decoder.release();
  }
  return all.subarray(prompt.length);
};

/** Between the logits of the form that was trained and those of the form that serves, half of them by its cache. */
export const largestDifference = async (
  runtime: Runtime,
  weights: Weights,
  tokens: Int32Array,
): Promise<number> => {
  const expected = await trainedLogits(runtime, weights, tokens);
  const decoder = await openDecoder(runtime, weights);
  const half = tokens.length / 2;
  const parts = [
    tokens.subarray(0, half),
    ...Array.from(tokens.subarray(half), (token) => Int32Array.of(token)),
  ];
  let [largest, at] = [0, 0];
  for (const part of parts)
    for (const logit of await decoder.next(part)) {
      const difference = Math.abs(logit - (expected[at++] ?? Number.NaN));
      if (!(difference <= largest)) largest = difference;
    }
  await decoder.release();
  if (at !== expected.length) throw new Error(`${at} logits, not ${expected.length}`);
  return largest;
};

type Decoder = {
  /** The logits behind each of the tokens, which follow those that were given before. */
  next(tokens: Int32Array): Promise<Float32Array>;
  release(): Promise<void>;
};

const openDecoder = async (runtime: Runtime, weights: Weights): Promise<Decoder> => {
  const { spec } = recipe;
  const model = unwrap(
    buildDecoder(spec, { kind: 'serving' }, { kind: 'given', tensors: tensorsOf(weights) }),
  );
  const caches = Array.from({ length: spec.layers }, (_, layer) =>
    ['key', 'value'].map((part) => ({
      input: `past_key_values.${layer}.${part}`,
      output: `present.${layer}.${part}`,
      dims: [1, spec.kvHeads, 0, headSizeOf(spec)],
      initial: undefined,
    })),
  ).flat();
  const session = unwrap(
    await runtime.createStatefulSession(encoded(model), {
      outputs: ['logits', ...caches.map(({ output }) => output)],
      state: caches,
    }),
  );
  let total = 0;
  return {
    async next(tokens) {
      total += tokens.length;
      return logitsOf(session, {
        input_ids: wholeNumbers(tokens),
        attention_mask: wholeNumbers(new Int32Array(total).fill(1)),
      });
    },
    release: () => session.release(),
  };
};

const trainedLogits = async (
  runtime: Runtime,
  weights: Weights,
  tokens: Int32Array,
): Promise<Float32Array> => {
  const model = trainingForm({ kind: 'given', tensors: tensorsOf(weights) });
  const bound = unwrap(bindDims(model, { batch: 1 }));
  const session = unwrap(
    await runtime.createStatefulSession(encoded(bound), { outputs: ['logits'], state: [] }),
  );
  const logits = await logitsOf(session, { input_ids: wholeNumbers(tokens) });
  await session.release();
  return logits;
};

const logitsOf = async (session: StatefulSession, feeds: HostTensors): Promise<Float32Array> => {
  const { logits } = unwrap(await session.run(feeds));
  if (logits?.dtype !== 'float32') throw new Error('there are no logits');
  return logits.data;
};

const encoded = (model: Model): Uint8Array => joinChunks(unwrap(encodeModel(model)));

const tensorsOf = (weights: Weights) =>
  new Map(
    decoderParameters(recipe.spec).map(({ name, dims }) => [
      name,
      float32Tensor(dims, weights.get(name) ?? new Float32Array()),
    ]),
  );

const wholeNumbers = (values: Int32Array) =>
  ({ dtype: 'int64', dims: [1, values.length], data: BigInt64Array.from(values, BigInt) }) as const;

/** In [0, 1), the same from the same seed. */
const createUniform = (seed: number): (() => number) => {
  const stream = createStream(seed, 'sample');
  let drawn = 0;
  return () => (stream(drawn++)[0] ?? 0) / 2 ** 32;
};

/** Of the last row of logits: where `chance` falls among the likelihoods, laid end to end. */
const chooseToken = (logits: Float32Array, temperature: number, chance: number): number => {
  const last = logits.subarray(logits.length - recipe.spec.vocab);
  const greatest = last.reduce((most, logit) => Math.max(most, logit), Number.NEGATIVE_INFINITY);
  const shares = Array.from(last, (logit) => Math.exp((logit - greatest) / temperature));
  let left = chance * shares.reduce((sum, share) => sum + share, 0);
  const token = shares.findIndex((share) => {
    left -= share;
    return left < 0;
  });
  return token < 0 ? shares.length - 1 : token;
};
