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
      await cache.put(addressOf(sha256), new Response(bytes));
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

export const browserDownload: Download = async (url, { signal, maxBytes, fresh, onProgress }) => {
  try {
    const response = await fetch(url, {
      ...(signal ? { signal } : {}),
      cache: fresh ? 'reload' : 'default',
      credentials: 'same-origin',
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

/** One byte more than allowed is kept, so that the reader sees that the file is too long. */
const readAll = async (
  body: ReadableStream<Uint8Array>,
  maxBytes: number,
  onProgress: ((loaded: number) => void) | undefined,
): Promise<Uint8Array<ArrayBuffer>> => {
  const chunks: Uint8Array[] = [];
  let loaded = 0;
  // A reader and not `for await`: Safari learned to iterate streams only recently.
  const reader = body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    chunks.push(value);
    loaded += value.byteLength;
    onProgress?.(loaded);
    if (loaded > maxBytes) {
      await reader.cancel();
      break;
    }
  }
  return concatBytes(...chunks);
};
