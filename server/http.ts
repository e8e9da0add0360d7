import { randomUUID } from 'node:crypto';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import {
  type ByteRange,
  createCompressor,
  type Encoding,
  FileChangedError,
  openListed,
  parseRange,
  type ServedFile,
} from './files.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import { routeOf, timeRequest } from './observe/httpTiming.ts';
import type { createPostDesk } from './posts.ts';

/**
 * `'self'` in connect-src covers wss: of the same origin (CSP 3 §6.7.2.8): Chrome 70, Firefox and Safari 15.4 do so, and all
 * that can sign with Ed25519 are newer. ORT compiles WebAssembly
 * ('wasm-unsafe-eval'), its threads are module workers of ours; nothing is inline and nothing comes from elsewhere.
 */
const contentSecurityPolicy = (connect: readonly string[]): string =>
  [
    "default-src 'none'",
    "script-src 'self' 'wasm-unsafe-eval'",
    "style-src 'self'",
    "img-src 'self' blob: data:",
    "font-src 'self'",
    `connect-src ${["'self'", 'blob:', 'data:', ...connect].join(' ')}`,
    "worker-src 'self'",
    "manifest-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');

export const securityHeaders: Readonly<Record<string, string>> = {
  'Content-Security-Policy': contentSecurityPolicy([]),
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Permissions-Policy': 'camera=(self), microphone=(), geolocation=()',
};

export type DynamicPage = () => {
  readonly status: number;
  readonly type: string;
  readonly body: string | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
};

/** Serves the built client and a few pages of the server's own. Doesn't know about signaling. */
export const createRequestListener = (
  deps: {
    readonly log: Log;
    readonly metrics: Metrics;
    readonly trace?: (request: IncomingMessage, response: ServerResponse) => void;
  },
  site: {
    readonly files: ReadonlyMap<string, ServedFile>;
    readonly pages: Readonly<Record<string, DynamicPage>>;
    /** What must be read from disk first; undefined: it isn't there. */
    readonly lookUp?: (path: string) => Promise<ReturnType<DynamicPage> | undefined>;
    /** Where the page may connect to besides this server, as origins like wss://keeper.example. */
    readonly connect?: () => readonly string[];
    readonly posts?: ReturnType<typeof createPostDesk>;
  },
): RequestListener => {
  const { log, metrics } = deps;
  const compressed = createCompressor();
  const kinds = {
    isPage: (path: string) => Object.hasOwn(site.pages, path) || (site.posts?.has(path) ?? false),
    isFile: (path: string) => site.files.has(path),
  };

  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    for (const [name, value] of Object.entries(securityHeaders)) response.setHeader(name, value);
    const connect = site.connect?.() ?? [];
    if (connect.length > 0) response.setHeader('Content-Security-Policy', contentSecurityPolicy(connect));
    const path = pathOf(request);
    if (path === undefined) return sendText(request, response, 400, 'This address can not be read.\n');
    if (request.method === 'POST' && site.posts?.has(path))
      return sendPage(request, response, await site.posts.answer(path, request));
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('Allow', 'GET, HEAD');
      return sendText(request, response, 405, 'Only GET and HEAD are answered here.\n');
    }
    const page = site.pages[path]?.() ?? (await site.lookUp?.(path));
    if (page) return sendPage(request, response, page);
    const file = site.files.get(path === '/' ? '/index.html' : path);
    if (!file) return sendText(request, response, 404, 'There is nothing at this address.\n');
    return sendFile(request, response, file, compressed);
  };

  return (request, response) => {
    const id = randomUUID();
    response.setHeader('X-Request-Id', id);
    deps.trace?.(request, response);
    timeRequest(metrics, request, response, () => routeOf(pathOf(request), kinds));
    response.on('finish', () => {
      log('debug', 'request', {
        id,
        method: request.method,
        path: pathOf(request),
        status: response.statusCode,
      });
    });
    answer(request, response).catch((cause: unknown) => {
      forgetFile(response);
      if (response.headersSent) {
        response.destroy(); // the reader went away, or a file broke: the answer can't be mended
        return;
      }
      if (cause instanceof FileChangedError) {
        log('error', 'the page was built again under this host', { id });
        return sendText(request, response, 503, 'The page was built again: restart the host, then reload.\n');
      }
      if (response.destroyed) return; // who asked went away in the middle of it
      log('error', 'request failed', { id, cause: cause instanceof Error ? cause.message : String(cause) });
      sendText(request, response, 500, `Something broke here. Tell the host this number: ${id}\n`);
    });
  };
};

const pathOf = (request: IncomingMessage): string | undefined => {
  try {
    return decodeURIComponent(new URL(request.url ?? '/', 'http://host').pathname);
  } catch {
    return undefined;
  }
};

const send = (
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  type: string,
  body: string | Buffer,
) => {
  response.statusCode = status;
  response.setHeader('Content-Type', type);
  response.setHeader('Content-Length', Buffer.byteLength(body));
  if (!response.hasHeader('Cache-Control')) response.setHeader('Cache-Control', 'no-store');
  response.end(request.method === 'HEAD' ? undefined : body);
};

const sendPage = (
  request: IncomingMessage,
  response: ServerResponse,
  { status, type, body, headers = {} }: ReturnType<DynamicPage>,
) => {
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  return send(request, response, status, type, body);
};

const sendText = (request: IncomingMessage, response: ServerResponse, status: number, text: string) =>
  send(request, response, status, 'text/plain; charset=utf-8', text);

const sendFile = async (
  request: IncomingMessage,
  response: ServerResponse,
  file: ServedFile,
  compressed: ReturnType<typeof createCompressor>,
) => {
  const range = wantedRange(request, file);
  const encoding = range === 'whole' && file.compressible ? acceptedEncoding(request) : undefined;
  const etag = encoding ? file.etag.replace(/"$/, `-${encoding}"`) : file.etag;
  response.setHeader('Content-Type', file.type);
  response.setHeader('Cache-Control', file.immutable ? 'public, max-age=31536000, immutable' : 'no-cache');
  response.setHeader('Accept-Ranges', 'bytes');
  response.setHeader('ETag', etag);
  if (file.compressible) response.setHeader('Vary', 'Accept-Encoding');
  if (isHeld(request.headers['if-none-match'], etag)) {
    response.statusCode = 304;
    return void response.end();
  }
  if (range === 'unsatisfiable') {
    forgetFile(response);
    response.setHeader('Content-Range', `bytes */${file.bytes}`);
    return sendText(request, response, 416, 'This range is outside the file.\n');
  }
  if (encoding) {
    const body = await compressed(file, encoding);
    response.setHeader('Content-Encoding', encoding);
    response.setHeader('Content-Length', body.byteLength);
    return void response.end(request.method === 'HEAD' ? undefined : body);
  }
  await sendBytes(request, response, file, range);
};

const sendBytes = async (
  request: IncomingMessage,
  response: ServerResponse,
  file: ServedFile,
  range: ByteRange | 'whole',
) => {
  const { start, end } = range === 'whole' ? { start: 0, end: file.bytes - 1 } : range;
  const handle = await openListed(file);
  if (range !== 'whole') {
    response.statusCode = 206;
    response.setHeader('Content-Range', `bytes ${start}-${end}/${file.bytes}`);
  }
  response.setHeader('Content-Length', end - start + 1);
  if (request.method === 'HEAD' || file.bytes === 0) {
    await handle.close();
    return void response.end();
  }
  await pipeline(handle.createReadStream({ start, end }), response);
};

/** RFC 9110 §13.1.5 and §14.2: only GET has ranges, and a part of another version is worth nothing. */
const wantedRange = (request: IncomingMessage, file: ServedFile): ReturnType<typeof parseRange> => {
  const condition = request.headers['if-range'];
  if (request.method !== 'GET' || (condition !== undefined && condition !== file.etag)) return 'whole';
  return parseRange(request.headers.range, file.bytes);
};

/** RFC 9110 §13.1.2: a weak comparison, because a proxy that compresses makes our tags weak. */
const isHeld = (header: string | undefined, etag: string): boolean =>
  header === '*' || (header ?? '').split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag);

/** What was said of a file doesn't hold for the error that is sent in its place. */
const forgetFile = (response: ServerResponse) => {
  if (response.headersSent) return;
  for (const name of [
    'ETag',
    'Cache-Control',
    'Vary',
    'Accept-Ranges',
    'Content-Range',
    'Content-Encoding',
  ]) {
    response.removeHeader(name);
  }
};

const acceptedEncoding = (request: IncomingMessage): Encoding | undefined => {
  const accepted = String(request.headers['accept-encoding'] ?? '');
  if (/\bbr\b(?!\s*;\s*q=0(\.0*)?\s*(,|$))/i.test(accepted)) return 'br';
  return /\bgzip\b(?!\s*;\s*q=0(\.0*)?\s*(,|$))/i.test(accepted) ? 'gzip' : undefined;
};

/** The head of an answer that no response object writes: to an upgrade, or to bytes that are no request. */
export const rawAnswer = (status: number, reason: string, headers: readonly string[] = []): string =>
  [
    `HTTP/1.1 ${status} ${reason}`,
    'Connection: close',
    'Content-Length: 0',
    ...headers,
    ...Object.entries(securityHeaders).map(([name, value]) => `${name}: ${value}`),
    '\r\n',
  ].join('\r\n');

/** Node's own answers to broken requests carry no headers of ours. */
export const answerBrokenRequest = (cause: NodeJS.ErrnoException, socket: Duplex): void => {
  if (!socket.writable || cause.code === 'ECONNRESET') return void socket.destroy();
  const [status, reason] =
    cause.code === 'HPE_HEADER_OVERFLOW'
      ? [431, 'Request Header Fields Too Large']
      : cause.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? [408, 'Request Timeout']
        : [400, 'Bad Request'];
  socket.end(rawAnswer(status, reason), () => socket.destroy());
};
