import type { ByteSource } from '../ir/types.ts';

/**
 * Bytes that are computed when they are first read, and forgotten when their last one was: what a pass makes of a tensor, as a
 * slice that `writeModel` and `writeSafetensors` write like any other. A model of any size is rewritten so with one tensor in
 * memory at a time.
 *
 * `size` must be known before; a computation that gives another number of bytes is a bug, and throws. Its rejection is the
 * reader's, and the next read computes again. Read it forward and once: a read after the last byte computes again.
 */
export const computedSource = (size: number, compute: () => Promise<Uint8Array> | Uint8Array): ByteSource => {
  let kept: Promise<Uint8Array> | undefined;
  const whole = async (): Promise<Uint8Array> => {
    const bytes = await compute();
    if (bytes.byteLength !== size) throw new Error(`${bytes.byteLength} bytes were computed, not ${size}`);
    return bytes;
  };
  return {
    size,
    async read(offset, length) {
      if (offset < 0 || length < 0 || offset + length > size)
        throw new RangeError(`${length} bytes at ${offset} of ${size}`);
      const computing = kept ?? whole();
      kept = computing;
      try {
        return new Uint8Array((await computing).subarray(offset, offset + length));
      } catch (cause) {
        kept = undefined;
        throw cause;
      } finally {
        if (offset + length === size) kept = undefined;
      }
    },
  };
};
