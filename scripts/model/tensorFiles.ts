/** Tensors that are computed while they are written: as .safetensors, and why one can't be. */
import { type Safetensors, type Tensor, tryTensors, writeSafetensors } from '../../src/onnx/index.ts';
import type { AtomicFiles } from '../../src/platform/node/index.ts';
import { type Io, Stop, stopIfAsked, taken } from './io.ts';
import { createProgress } from './progress.ts';

export const writeTensors = async (
  { io, files, output }: { readonly io: Io; readonly files: AtomicFiles; readonly output: string },
  { tensors, metadata }: Safetensors,
): Promise<number> => {
  const { write } = await files.create(output);
  const progress = createProgress(io, 'merging');
  const total = [...tensors.values()].reduce(
    (sum, { data }) => sum + ('length' in data ? (data.length ?? 0) : 0),
    0,
  );
  let bytes = 0;
  try {
    const written = await writeSafetensors(tensors, metadata, async (chunk) => {
      stopIfAsked(io);
      await write(chunk);
      bytes += chunk.byteLength;
      progress.show(bytes, total);
    });
    taken(written, output);
    return bytes;
  } catch (cause) {
    throw await refusalIn(tensors.values(), io, cause);
  } finally {
    progress.end();
  }
};

/** A tensor that can't be computed is only unreadable for the writer: it is asked for its own reason. */
export const refusalIn = async (tensors: Iterable<Tensor>, io: Io, cause: unknown): Promise<unknown> => {
  if (io.signal.aborted || !(cause instanceof Stop)) return cause;
  const tried = await tryTensors(tensors).catch(() => undefined);
  return tried?.ok === false ? new Stop(`${tried.error.code}: ${tried.error.message}`) : cause;
};
