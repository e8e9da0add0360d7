import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Metrics } from '../metrics.ts';

const methods = new Set(['GET', 'HEAD', 'POST']);
/** Of the built client, which has the folders of the build and no others. */
const folders = new Set(['assets', 'models']);

/** What a path is, in few words: strangers choose paths, and must not choose series. */
export const routeOf = (
  path: string | undefined,
  site: { readonly isPage: (path: string) => boolean; readonly isFile: (path: string) => boolean },
): string => {
  if (path === undefined) return 'unreadable';
  if (site.isPage(path)) return path;
  if (path === '/') return 'page';
  if (!site.isFile(path)) return 'other';
  const folder = path.split('/')[1] ?? '';
  return folders.has(folder) && path.split('/').length > 2 ? folder : 'page';
};

/** Counts and times one request, from its head to the last byte of its answer. */
export const timeRequest = (
  metrics: Metrics,
  request: IncomingMessage,
  response: ServerResponse,
  route: () => string,
): void => {
  const startedAt = performance.now();
  response.once('finish', () => {
    const status = `${Math.floor(response.statusCode / 100)}xx`;
    metrics.count('aivillage_http_requests_total', status);
    metrics.observe('http_request_duration_seconds', (performance.now() - startedAt) / 1_000, {
      class: status,
      method: methods.has(request.method ?? '') ? request.method : 'other',
      route: route(),
    });
  });
  response.once('close', () => {
    if (!response.writableFinished) metrics.count('aivillage_http_aborted_total');
  });
};
