import type { BlobStore, Download } from '../../compute/ports.ts';
import { concatBytes } from '../../core/bytes.ts';
import { err, fault, ok } from '../../core/result.ts';

/** Addresses in the cache that no server answers: content is named by its hash alone. */
const addressOf = (sha256: string): string => `/models/by-hash/${sha256}`;

/** The Cache API by content hash. Where a browser refuses it (some private windows) every call fails. */
export const createCacheBlobStore = (cacheName = 'aivillage-models-v1'): BlobStore => ({
  async get(sha256) {
    const cache = await caches.open(cacheName);
    const response = await cache.match(addressOf(sha256));
    return response && new Uint8Array(await response.arrayBuffer());
  },
  async put(sha256, bytes) {
    try {
      const cache = await caches.open(cacheName);
      await cache.put(addressOf(sha256), new Response(inPieces(bytes)));
      return ok(undefined);
    } catch (cause) {
      const full = cause instanceof DOMException && cause.name === 'QuotaExceededError';
      const why = full ? 'this browser has no storage left for it' : `storage refused it (${String(cause)})`;
      return err(fault(full ? 'full' : 'unavailable', why));
    }
  },
  async delete(sha256) {
    const cache = await caches.open(cacheName);
    await cache.delete(addressOf(sha256));
  },
});

export const browserDownload: Download = async (
  url,
  { signal, maxBytes, fresh, traceparent, onProgress },
) => {
  try {
    const response = await fetch(url, {
      ...(signal ? { signal } : {}),
      cache: fresh ? 'reload' : 'default',
      credentials: 'same-origin',
      // Elsewhere it would need a permission first, and tell a stranger of our traces.
      ...(traceparent && isOwn(url) ? { headers: { traceparent } } : {}),
    });
    if (!response.ok || !response.body) {
      return err(fault('unavailable', `${url} answered ${response.status}`));
    }
    return ok(await readAll(response.body, maxBytes, onProgress));
  } catch (cause) {
    if (signal?.aborted) return err(fault('cancelled', `loading ${url} was cancelled`));
    return err(fault('unavailable', `${url} could not be loaded (${String(cause)}): check the connection`));
  }
};

const isOwn = (url: string): boolean =>
  URL.canParse(url, location.href) && new URL(url, location.href).origin === location.origin;

const pieceBytes = 256 * 1024;

/** Millions of bytes at once would be copied in one task, and hold up the page meanwhile. */
const inPieces = (bytes: Uint8Array<ArrayBuffer>): ReadableStream<Uint8Array<ArrayBuffer>> => {
  let offset = 0;
  return new ReadableStream({
    pull(controller) {
      if (offset >= bytes.byteLength) return controller.close();
      // A copy: the stream's reader may take the buffer for itself.
      controller.enqueue(bytes.slice(offset, offset + pieceBytes));
      offset += pieceBytes;
    },
  });
};

/**
 * Written to their place as they arrive. Of a body that is longer than allowed so much is kept that the reader sees it.
 */
const readAll = async (
  body: ReadableStream<Uint8Array>,
  maxBytes: number,
  onProgress: ((loaded: number) => void) | undefined,
): Promise<Uint8Array<ArrayBuffer>> => {
  const bytes = new Uint8Array(maxBytes);
  let loaded = 0;
  // A reader and not `for await`: Safari learned to iterate streams only recently.
  const reader = body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return bytes.subarray(0, loaded);
    if (loaded + value.byteLength > maxBytes) {
      await reader.cancel();
      return concatBytes(bytes.subarray(0, loaded), value);
    }
    bytes.set(value, loaded);
    loaded += value.byteLength;
    onProgress?.(loaded);
  }
};
