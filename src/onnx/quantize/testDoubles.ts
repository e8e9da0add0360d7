/** What the tests of this folder share: weights by chance, and ways through encoders and files. */
import { unwrap } from '../../core/result.ts';
import { randomBy } from '../autodiff/testDoubles.ts';
import { decodeModel, joinChunks, type Write } from '../codec/index.ts';
import type { Model } from '../ir/types.ts';
import type { Encoder } from './encoders.ts';
import { emptySum, weightError } from './errors.ts';
import { type Quantization, runQuantization } from './prepare.ts';

/** Normal; with `outliers`, one in fifty is ten times as far out. */
export const normalWeights = (count: number, seed: number, outliers: 'none' | 'outliers' = 'none') => {
  const random = randomBy(seed);
  return Float32Array.from({ length: count }, () => {
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    return 0.02 * normal * (outliers === 'outliers' && random() < 0.02 ? 10 : 1);
  });
};

/** All channels at once. */
export const encodeAll = (encoder: Encoder, weights: Float32Array, channels: number) => {
  const errors = emptySum();
  const encoding = encoder.begin();
  encoding.put(weights, 0, channels, errors);
  return { parts: encoding.finish(), error: weightError(errors) };
};

export const collect = () => {
  const chunks: Uint8Array[] = [];
  const write: Write = async (chunk) => {
    chunks.push(chunk.slice());
  };
  return { write, bytes: () => joinChunks(chunks) };
};

/** The file as it is written, its model as it is read again, and the report. */
export const written = async (quantization: Quantization) => {
  const file = collect();
  const report = unwrap(await runQuantization(quantization, file.write));
  const bytes = file.bytes();
  return { bytes, report, model: unwrap(decodeModel(bytes)) };
};

export const operatorsIn = ({ graph }: Model): readonly string[] => graph.nodes.map(({ op }) => op);
