import { err, ok, type Result } from '../../core/result.ts';
import { onnxFault } from '../fault.ts';
import type { Encoder } from './encoders.ts';
import { emptySum, weightError } from './errors.ts';
import type { Rows } from './rows.ts';
import { cancelled, type QuantizeFault, type QuantizeOptions, type WeightError } from './scheme.ts';

export type Computed = { readonly parts: readonly Uint8Array[]; readonly error: WeightError };

/**
 * One weight, in pieces of whole channels of about 4 MiB: beside the rows' source and the result nothing larger is in memory,
 * unless a single channel is. `invalid` at the first weight that is not finite.
 */
export const computeWeight = async (
  name: string,
  rows: Rows,
  encoder: Encoder,
  { signal, breathe }: Pick<QuantizeOptions, 'signal' | 'breathe'>,
): Promise<Result<Computed, QuantizeFault>> => {
  const encoding = encoder.begin();
  const errors = emptySum();
  const atOnce = Math.max(1, Math.floor(pieceElements / Math.max(1, rows.length)));
  for (let from = 0; from < rows.channels; from += atOnce) {
    if (signal?.aborted) return err(cancelled);
    const count = Math.min(atOnce, rows.channels - from);
    const weights = rows.read(from, count);
    const odd = weights.findIndex((weight) => !Number.isFinite(weight));
    if (odd >= 0) return err(notFinite(name, rows, from, odd, weights[odd]));
    encoding.put(weights, from, count, errors);
    await breathe?.();
  }
  return ok({ parts: encoding.finish(), error: weightError(errors) });
};

const pieceElements = 2 ** 20;

const notFinite = (name: string, rows: Rows, from: number, at: number, weight: number | undefined) => {
  const index = rows.indexOf(from + Math.floor(at / rows.length), at % rows.length);
  return onnxFault(
    'invalid',
    `weight "${name}" has ${weight} at index ${index}: only finite numbers are quantised`,
  );
};
