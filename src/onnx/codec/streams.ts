import { err, type Result } from '../../core/result.ts';
import { type OnnxFault, onnxFault } from '../fault.ts';
import type { ByteSource, Model } from '../ir/types.ts';
import { readModelMessage } from './decode.ts';
import { encodeModelMessage } from './encode.ts';
import { inlineExternal, type OpenExternal } from './external.ts';
import { defaultLazyAbove } from './limits.ts';
import { startReading } from './messageReader.ts';
import { joinEncoded } from './messageWriter.ts';
import { attemptAsync } from './refusal.ts';
import { readSkeleton } from './skeleton.ts';
import { type Write, writePieces } from './sourceReading.ts';

export type ReadOptions = {
  /** Tensors of more bytes stay in the source, as slices. 64 KiB if it isn't given. */
  readonly lazyAbove?: number;
};

/**
 * A model from a file of any size. Memory is bounded by what is not a tensor's `raw_data`; the source must stay as it is for
 * as long as the model is used. Otherwise the same as `decodeModel`. A source that can't be read is `missing`.
 */
export const readModel = async (
  source: ByteSource,
  { lazyAbove = defaultLazyAbove }: ReadOptions = {},
): Promise<Result<Model, OnnxFault>> => {
  if (source.size === 0) return err(onnxFault('malformed', 'the file is empty'));
  return attemptAsync(async () => {
    const { encoded, holes } = await readSkeleton(source, lazyAbove);
    return readModelMessage(startReading(joinEncoded(encoded), holes));
  });
};

/**
 * The counterpart of `encodeModel` for models of any size: hands the file to `write` in order, slices in blocks of 4 MiB at
 * most, one at a time. With `open`, tensors in external files are put into the file; without, they stay where they are.
 * Nothing is written if the model can't be encoded; if a source fails midway, what was written is no model.
 */
export const writeModel = (
  model: Model,
  write: Write,
  open?: OpenExternal,
): Promise<Result<void, OnnxFault>> =>
  attemptAsync(async () => {
    const whole = open ? await inlineExternal(model, open) : model;
    await writePieces(encodeModelMessage(whole).pieces, write);
  });
