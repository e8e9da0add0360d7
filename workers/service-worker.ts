/**
 * Keeps the page working without a network: the shell is stored when this worker installs, the runtime's WebAssembly when
 * it is first used. The page stores the models itself (src/platform/browser/models.ts). A new version waits until the page
 * says that the person agreed.
 */
import { clientsClaim } from 'workbox-core';
import { cleanupOutdatedCaches, createHandlerBoundToURL, precacheAndRoute } from 'workbox-precaching';
import { NavigationRoute, registerRoute } from 'workbox-routing';
import { isKeptAsset, isOtherVersion } from './assetCache.ts';

declare const self: ServiceWorkerGlobalScope & {
  readonly __WB_MANIFEST: readonly { readonly url: string; readonly revision: string | null }[];
};

/** Hashed names never change, so these caches need no version of their own. */
const assetCache = 'aivillage-assets';
const sampleCache = 'aivillage-samples';

precacheAndRoute([...self.__WB_MANIFEST]);
cleanupOutdatedCaches();
registerRoute(
  new NavigationRoute(createHandlerBoundToURL('/index.html'), {
    denylist: [/^\/(trust|ca\.crt|healthz|readyz|metrics)/],
  }),
);

registerRoute(
  ({ url, sameOrigin }) => sameOrigin && isKeptAsset(url.pathname),
  async ({ request, event }) => {
    const cache = await caches.open(assetCache);
    // Whoever asks past every cache has seen a damaged copy.
    const kept = request.cache === 'reload' ? undefined : await cache.match(request.url);
    if (kept) return kept;
    const response = await fetch(request);
    const { pathname } = new URL(request.url);
    if (isWhole(response)) {
      const superseded = (other: string) => isOtherVersion(pathname, other);
      // Not awaited: 27 MB compile while they arrive, and are stored beside that.
      event.waitUntil(keep(cache, request.url, response.clone(), superseded));
    }
    return response;
  },
);

/** Their names carry no hash, so the network's are preferred and the stored ones serve offline. */
registerRoute(
  ({ url, sameOrigin }) => sameOrigin && url.pathname.startsWith('/samples/'),
  async ({ request, event }) => {
    const cache = await caches.open(sampleCache);
    try {
      const response = await fetch(request);
      if (isWhole(response)) event.waitUntil(keep(cache, request.url, response.clone(), () => false));
      return response;
    } catch (cause) {
      const kept = await cache.match(request.url);
      if (kept) return kept;
      throw cause;
    }
  },
);

/** The Cache API refuses partial answers, and an error must not stay. */
const isWhole = (response: Response): boolean => response.status === 200 && response.type === 'basic';

const keep = async (
  cache: Cache,
  url: string,
  response: Response,
  superseded: (pathname: string) => boolean,
): Promise<void> => {
  try {
    await cache.put(url, response);
    for (const { url: other } of await cache.keys()) {
      if (superseded(new URL(other).pathname)) await cache.delete(other);
    }
  } catch {
    // Storage is full: the page works from the network, and its health check says that it is not stored.
  }
};

self.addEventListener('message', (event) => {
  if ((event.data as { type?: string } | null)?.type === 'SKIP_WAITING') void self.skipWaiting();
});
// On the first visit the page that installs this worker is its client at once, so that what it loads next is kept.
clientsClaim();
