import type { ByteSource } from '../../onnx/ir/types.ts';

/** A `Blob` or a `File` (from a picker, from OPFS): reads only what is asked for. */
export const createBlobSource = (blob: Blob): ByteSource => ({
  size: blob.size,
  async read(offset, length) {
    if (offset < 0 || length < 0 || offset + length > blob.size)
      throw new RangeError(`${length} bytes at ${offset} of a blob of ${blob.size}`);
    return new Uint8Array(await blob.slice(offset, offset + length).arrayBuffer());
  },
});
