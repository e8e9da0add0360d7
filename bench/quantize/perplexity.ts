/**
 * What quantisation costs a trained decoder: bits it takes to say a text it has never seen, in float32 and with the weights as
 * they are stored. The weights are quantised by the product's own pass, in the decoder's form for training, and are floats of the
 * same values again for the run.
 */
import * as ort from 'onnxruntime-web/wasm';
import { unwrap } from '../../src/core/result.ts';
import { decoderParameters } from '../../src/onnx/build/decoder/parameters.ts';
import type { DecoderSpec } from '../../src/onnx/build/decoder/spec.ts';
import { buildDecoder } from '../../src/onnx/build/decoder.ts';
import { float32Tensor, readFloat32, transpose } from '../../src/onnx/build/tensors.ts';
import {
  decodeModel,
  encodeModel,
  joinChunks,
  type Model,
  prepareQuantization,
  prepareReencoding,
  type Quantization,
  runQuantization,
  type Scheme,
  verifyModel,
} from '../../src/onnx/index.ts';

export type TrainedDecoder = {
  readonly spec: DecoderSpec;
  /** By the names of `decoderParameters`. */
  readonly weights: ReadonlyMap<string, Float32Array>;
  /** Tokens that it sees at once. */
  readonly sequence: number;
  /** Text that it was not trained on. */
  readonly heldOut: Int32Array;
};

/** Mean of −log2 of the probability of the next token. */
export type Bits = number;

/** Bits for each token over those of float32. */
export type Cost = {
  readonly bits: Bits;
  /**
   * The mean of this and of what the errors of all weights cost with their signs turned round. To first order an error helps or
   * harms by chance, and in a small model that chance is as large as what is measured: here it cancels.
   */
  readonly bothWays: Bits;
};

export const float32Bits = (decoder: TrainedDecoder): Promise<Bits> => bitsPerToken(decoder);

/** `exact`: of the same decoder in float32. */
export const quantizationCost = async (
  decoder: TrainedDecoder,
  scheme: Scheme,
  exact: Bits,
): Promise<Cost> => {
  const stored = await storedWeights(decoder, scheme);
  const bits = (await bitsPerToken({ ...decoder, weights: stored })) - exact;
  const turned = (await bitsPerToken({ ...decoder, weights: mirrored(stored, decoder.weights) })) - exact;
  return { bits, bothWays: (bits + turned) / 2 };
};

const trainingForm = ({ spec, weights, sequence }: TrainedDecoder): Model => {
  const tensors = decoderParameters(spec).map(
    ({ name, dims }) => [name, float32Tensor(dims, weights.get(name) ?? new Float32Array())] as const,
  );
  const given = { kind: 'given', tensors: new Map(tensors) } as const;
  return unwrap(buildDecoder(spec, { kind: 'training', sequence }, given));
};

/** What is written and read again, as floats. */
const storedWeights = async (decoder: TrainedDecoder, scheme: Scheme): Promise<TrainedDecoder['weights']> => {
  const stored = await written(
    unwrap(prepareQuantization(trainingForm(decoder), { scheme, embeddings: decoder.spec.tied })),
  );
  const { graph } = await written(unwrap(prepareReencoding(stored, 'float32')));
  return new Map(
    [...decoder.weights.keys()].map((name) => {
      const tensor = graph.initializers.get(name);
      if (!tensor) throw new Error(`${name} has not come back as floats`);
      const values = unwrap(readFloat32(tensor));
      const [rows = 0, columns = 0] = tensor.dims;
      // A table that is a product's weights as well comes back as the product has it.
      const turns = decoder.spec.tied && name === 'model.embed_tokens.weight';
      return [name, turns ? transpose(values, rows, columns) : values];
    }),
  );
};

/** As far from the originals on the other side. */
const mirrored = (
  stored: TrainedDecoder['weights'],
  originals: TrainedDecoder['weights'],
): TrainedDecoder['weights'] =>
  new Map(
    [...originals].map(([name, values]) => {
      const off = stored.get(name);
      return [name, values.map((value, i) => 2 * value - (off?.[i] ?? Number.NaN))];
    }),
  );

const written = async (quantization: Quantization): Promise<Model> => {
  const chunks: Uint8Array[] = [];
  unwrap(
    await runQuantization(quantization, async (chunk) => {
      chunks.push(chunk.slice());
    }),
  );
  const model = unwrap(decodeModel(joinChunks(chunks)));
  const [problem] = verifyModel(model);
  if (problem) throw new Error(`a quantised model breaks a rule: ${problem.message}`);
  return model;
};

const batch = 16;

/** Pieces of the text of `sequence` tokens, each of its own; what doesn't fill a batch at the end is left out. */
const bitsPerToken = async (decoder: TrainedDecoder): Promise<Bits> => {
  const { spec, sequence, heldOut } = decoder;
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = 'error';
  const session = await ort.InferenceSession.create(joinChunks(unwrap(encodeModel(trainingForm(decoder)))));
  const atOnce = batch * sequence;
  let bits = 0;
  let count = 0;
  for (let at = 0; at + atOnce < heldOut.length; at += atOnce) {
    const ids = BigInt64Array.from(heldOut.subarray(at, at + atOnce), BigInt);
    const { logits } = await session.run({ input_ids: new ort.Tensor('int64', ids, [batch, sequence]) });
    const data = logits?.data;
    if (!(data instanceof Float32Array)) throw new Error('the decoder gave no logits');
    for (let i = 0; i < atOnce; i++)
      bits += bitsOf(data.subarray(i * spec.vocab, (i + 1) * spec.vocab), heldOut[at + i + 1] ?? 0);
    count += atOnce;
  }
  await session.release();
  return bits / count;
};

const bitsOf = (logits: Float32Array, token: number): Bits => {
  let largest = Number.NEGATIVE_INFINITY;
  for (const logit of logits) if (logit > largest) largest = logit;
  let sum = 0;
  for (const logit of logits) sum += Math.exp(logit - largest);
  return (Math.log(sum) + largest - (logits[token] ?? Number.NaN)) / Math.LN2;
};
