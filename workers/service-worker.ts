/**
 * Keeps the page working without a network: the shell is stored when this worker installs; the runtime and the models,
 * whose names carry the hash of their content, are stored when they are first used. A new version waits until the page
 * says that the person agreed.
 */
import { clientsClaim } from 'workbox-core';
import {
  cleanupOutdatedCaches,
  createHandlerBoundToURL,
  matchPrecache,
  precacheAndRoute,
} from 'workbox-precaching';
import { NavigationRoute, registerRoute } from 'workbox-routing';

declare const self: ServiceWorkerGlobalScope & {
  readonly __WB_MANIFEST: readonly { readonly url: string; readonly revision: string | null }[];
};

/** Hashed names never change, so this cache needs no version; files nobody asked for in a while are dropped. */
const assetCache = 'aivillage-assets';
const maxAssets = 60;

precacheAndRoute([...self.__WB_MANIFEST]);
cleanupOutdatedCaches();
registerRoute(
  new NavigationRoute(createHandlerBoundToURL('/index.html'), {
    denylist: [/^\/(trust|ca\.crt|healthz|readyz|metrics)/],
  }),
);

registerRoute(
  ({ url, sameOrigin, request }) =>
    sameOrigin &&
    request.method === 'GET' &&
    (url.pathname.startsWith('/assets/') || url.pathname.startsWith('/samples/')),
  async ({ request }) => {
    const cache = await caches.open(assetCache);
    const kept = (await matchPrecache(request.url)) ?? (await cache.match(request.url));
    if (kept) return kept;
    const response = await fetch(request);
    // Only whole answers: the Cache API refuses 206, and an error must not stay.
    if (response.status === 200) await keep(cache, request.url, response.clone());
    return response;
  },
);

const keep = async (cache: Cache, url: string, response: Response): Promise<void> => {
  try {
    await cache.put(url, response);
    const keys = await cache.keys();
    for (const key of keys.slice(0, Math.max(0, keys.length - maxAssets))) await cache.delete(key);
  } catch {
    // Storage is full: the page works from the network, and its health check says that it is not stored.
  }
};

self.addEventListener('message', (event) => {
  if ((event.data as { type?: string } | null)?.type === 'SKIP_WAITING') void self.skipWaiting();
});
// On the first visit the page that installs this worker is its client at once, so that what it loads next is kept.
clientsClaim();
