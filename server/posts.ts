import type { IncomingMessage } from 'node:http';
import type { Clock } from '../src/core/ports/clock.ts';
import { addressKey } from './address.ts';
import { type BucketRate, createBucketTable } from './limits.ts';

/** What tabs may post to, beside the pages that are read. Its handler is given bytes that nobody has checked. */
export type PostRoute = {
  readonly maxBytes: number;
  /** Of one address. */
  readonly rate: BucketRate;
  handle(body: Uint8Array, from: { readonly address: string }): Promise<PostAnswer>;
};
export type PostAnswer = {
  readonly status: number;
  readonly type: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
};

/** A body of these few kilobytes takes a phone a second; who needs longer holds a socket for nothing. */
const readWithinMs = 10_000;

/**
 * Reads what a tab of this host posts: JSON only (another site's page would have to ask first, and is never answered),
 * within its limit and in time, as often as its address may. Doesn't know what is posted.
 */
export const createPostDesk = (
  deps: { readonly clock: Pick<Clock, 'monotonic'> },
  site: {
    readonly routes: Readonly<Record<string, PostRoute>>;
    readonly isAllowedOrigin: (origin: string | undefined, host: string | undefined) => boolean;
  },
) => {
  const desks = new Map(
    Object.entries(site.routes).map(([path, route]) => [
      path,
      { ...route, buckets: createBucketTable(route.rate) },
    ]),
  );
  return {
    has: (path: string) => desks.has(path),
    async answer(path: string, request: IncomingMessage): Promise<PostAnswer> {
      const desk = desks.get(path);
      if (!desk) return text(404, 'There is nothing at this address.');
      const { origin, host } = request.headers;
      if (!site.isAllowedOrigin(origin, host)) return text(403, 'Only pages of this host may post here.');
      if (!/^application\/json\s*(;|$)/i.test(request.headers['content-type'] ?? ''))
        return text(415, 'Post JSON: Content-Type: application/json.');
      const address = addressKey(request.socket.remoteAddress ?? '');
      const { allowed, retryAfterMs } = desk.buckets.take(address, deps.clock.monotonic());
      if (!allowed)
        return text(429, 'Too much was posted from this address: wait.', {
          'Retry-After': String(Math.ceil(retryAfterMs / 1_000)),
        });
      const body = await readBody(request, desk.maxBytes);
      if (body === 'too-large') return text(413, `More than ${desk.maxBytes} bytes are not read.`);
      if (body === 'too-slow') return text(408, `It took longer than ${readWithinMs / 1_000} s.`);
      return desk.handle(body, { address });
    },
  };
};

const text = (status: number, sentence: string, headers: PostAnswer['headers'] = {}): PostAnswer => ({
  status,
  type: 'text/plain; charset=utf-8',
  body: `${sentence}\n`,
  // What is left of a body that was not read must not be taken for the next request.
  headers: { ...headers, Connection: 'close' },
});

const readBody = (
  request: IncomingMessage,
  maxBytes: number,
): Promise<Uint8Array | 'too-large' | 'too-slow'> => {
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) return Promise.resolve('too-large');
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let bytes = 0;
    const end = (result: Uint8Array | 'too-large' | 'too-slow') => {
      clearTimeout(patience);
      request.off('data', take);
      resolve(result);
    };
    const take = (part: Buffer) => {
      bytes += part.byteLength;
      if (bytes > maxBytes) return end('too-large');
      parts.push(part);
    };
    const patience = setTimeout(() => end('too-slow'), readWithinMs);
    request.on('data', take);
    request.once('end', () => end(Buffer.concat(parts)));
    request.once('close', () => {
      clearTimeout(patience);
      reject(new Error('the sender went away'));
    });
    request.once('error', reject);
  });
};
