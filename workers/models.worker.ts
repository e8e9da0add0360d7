import { createBrowserClock } from '../src/platform/browser/clock.ts';
import { createBrowserCrypto } from '../src/platform/browser/crypto.ts';
import { browserDownload, createCacheBlobStore } from '../src/platform/browser/models.ts';
import { sharesMemory } from '../src/platform/browser/sharedMemory.ts';
import { exposeApi } from './expose.ts';
import { createModelApi } from './modelApi.ts';

exposeApi((openScope) =>
  createModelApi({
    openScope,
    blobs: createCacheBlobStore(),
    download: browserDownload,
    crypto: createBrowserCrypto(),
    clock: createBrowserClock(),
    // Memory that page and workers share is passed on without a copy; where it is missing, messages copy.
    handOver(bytes) {
      if (!sharesMemory()) return bytes;
      const shared = new Uint8Array(new SharedArrayBuffer(bytes.byteLength));
      shared.set(bytes);
      return shared;
    },
  }),
);
