import type { FileHandle } from 'node:fs/promises';
import type { ByteSource } from '../../onnx/ir/types.ts';

/** A file that is open for reading, as it is now. Whoever opened it closes it, after the last read. */
export const createFileSource = async (file: FileHandle): Promise<ByteSource> => {
  const { size } = await file.stat();
  return {
    size,
    async read(offset, length) {
      if (offset < 0 || length < 0 || offset + length > size)
        throw new RangeError(`${length} bytes at ${offset} of a file of ${size}`);
      const bytes = new Uint8Array(length);
      for (let done = 0; done < length; ) {
        const { bytesRead } = await file.read(
          bytes,
          done,
          Math.min(length - done, bytesPerRead),
          offset + done,
        );
        if (bytesRead === 0) throw new RangeError(`the file ends at ${offset + done}, it had ${size} bytes`);
        done += bytesRead;
      }
      return bytes;
    },
  };
};

/** The system's calls take less than 2 GiB. */
const bytesPerRead = 2 ** 30;
