import { refuse } from '../codec/refusal.ts';
import type { Tensor } from '../ir/types.ts';
import { readBytes, weightsOf } from '../merge/computedTensor.ts';
import type { LoraFactors } from './types.ts';

export type LoraDims = { readonly inputs: number; readonly rank: number; readonly outputs: number };

/** Throws `Refusal` unless A is [in, r] and B [r, out], float32, with r of 1 at least. */
export const dimsOf = (name: string, { a, b }: LoraFactors): LoraDims => {
  const [inputs, rank, ...moreA] = a.dims;
  const [rows, outputs, ...moreB] = b.dims;
  const isPair = rank !== undefined && rank === rows && rank > 0 && moreA.length + moreB.length === 0;
  if (inputs === undefined || outputs === undefined || !isPair)
    throw refuse(
      'invalid',
      `${name}: factors must be [in, r] and [r, out], and are [${a.dims.join(', ')}] and [${b.dims.join(', ')}]`,
    );
  if (a.dtype !== 'float32' || b.dtype !== 'float32')
    throw refuse('unsupported', `${name}: factors are float32, and these are ${a.dtype} and ${b.dtype}`);
  return { inputs, rank, outputs };
};

/** A factor's numbers, not to be written to. Throws `Refusal` if they can't be read. */
export const factorValues = async (name: string, tensor: Tensor): Promise<Float32Array> =>
  weightsOf(name, tensor, await readBytes(name, tensor, undefined));
