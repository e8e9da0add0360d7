import type { ByteSource } from '../ir/types.ts';

/** Bytes that are in memory already, as a source. What is read from it is a copy. */
export const bytesSource = (bytes: Uint8Array): ByteSource => ({
  size: bytes.byteLength,
  async read(offset, length) {
    if (offset < 0 || length < 0 || offset + length > bytes.byteLength)
      throw new RangeError(`${length} bytes at ${offset} of ${bytes.byteLength}`);
    return new Uint8Array(bytes.subarray(offset, offset + length));
  },
});
