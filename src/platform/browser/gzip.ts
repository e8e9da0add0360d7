import { concatBytes } from '../../core/bytes.ts';

type Unpacked = { readonly bytes: Uint8Array; readonly damage?: 'too-large' | 'damaged' };

export const compressGzip = async (bytes: Uint8Array): Promise<Uint8Array> =>
  new Uint8Array(
    await new Response(streamOf(bytes).pipeThrough(new CompressionStream('gzip'))).arrayBuffer(),
  );

/** Stops as soon as there is more than `maxBytes`: nothing is unpacked to find out how large it would be. */
export const decompressGzip = async (bytes: Uint8Array, maxBytes: number): Promise<Unpacked> => {
  const reader = streamOf(bytes).pipeThrough(new DecompressionStream('gzip')).getReader();
  const parts: Uint8Array[] = [];
  let length = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return { bytes: concatBytes(...parts) };
      length += value.byteLength;
      if (length > maxBytes) {
        await reader.cancel();
        return { bytes: new Uint8Array(), damage: 'too-large' };
      }
      parts.push(value);
    }
  } catch {
    return { bytes: concatBytes(...parts), damage: 'damaged' };
  }
};

/** In pieces: what was unpacked before a damaged place is given out. */
const streamOf = (bytes: Uint8Array): ReadableStream<Uint8Array<ArrayBuffer>> => {
  const pieceBytes = 16_384;
  let offset = 0;
  return new ReadableStream({
    pull(controller) {
      if (offset >= bytes.byteLength) return controller.close();
      controller.enqueue(bytes.slice(offset, offset + pieceBytes));
      offset += pieceBytes;
    },
  });
};
