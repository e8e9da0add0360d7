import { createServer as createHttpServer, type Server } from 'node:http';
import { createServer as createHttpsServer, type Server as HttpsServer } from 'node:https';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { milliseconds } from '../src/core/brand.ts';
import {
  createNodeClock,
  createNodeCrypto,
  createNodeRandom,
  createNodeTimers,
} from '../src/platform/node/index.ts';
import { localNames, openAuthority, type TlsMaterial } from './authority.ts';
import type { ServerConfig } from './config.ts';
import { listFiles } from './files.ts';
import { answerBrokenRequest, createRequestListener, type DynamicPage } from './http.ts';
import type { Log } from './log.ts';
import { createMetrics } from './metrics.ts';
import { createSignalingHub } from './signaling.ts';
import { attachSockets } from './sockets.ts';
import { trustPage } from './trustPage.ts';

export interface RunningServer {
  /** Where this machine opens it. */
  readonly url: string;
  readonly port: number;
  /** With --tls: SHA-256 of the authority's certificate, to compare before a device trusts it. */
  readonly fingerprint?: string;
  /** Tells the tabs to come back later, ends open requests, frees the port. Idempotent. */
  close(): Promise<void>;
}

export type ServerDeps = { readonly log: Log; readonly clientFolder: string };

/** After a restart everybody comes back at once; spread them. */
const comeBackAfterMs = 2_000;
const renewTlsEveryMs = 60_000;

/** Starts serving: the page, its models, signaling, and what an operator needs to watch it. */
export const startServer = async (config: ServerConfig, deps: ServerDeps): Promise<RunningServer> => {
  const { log } = deps;
  const files = await listFiles(deps.clientFolder).catch(() => new Map());
  const metrics = createMetrics();
  const openTls = () => openAuthority(config.dataFolder, new Date(), localNames(config.host));
  const tls = config.tls ? await openTls() : undefined;
  let draining = false;
  const isReady = () => files.has('/index.html') && !draining;

  const pages: Record<string, DynamicPage> = {
    '/healthz': () => json(200, { status: 'ok' }),
    '/readyz': () =>
      json(isReady() ? 200 : 503, { ready: isReady(), client: files.has('/index.html'), draining }),
    '/metrics': () => ({ status: 200, type: 'text/plain; version=0.0.4', body: metrics.render() }),
    ...(tls ? trustPages(tls) : {}),
  };
  const listener = createRequestListener({ log, metrics }, { files, pages });
  const server: Server = tls
    ? (createHttpsServer({ key: tls.key, cert: tls.cert }, listener) as unknown as Server)
    : createHttpServer(listener);
  server.on('clientError', answerBrokenRequest);
  const clock = createNodeClock();
  const timers = createNodeTimers({ holdsProcess: false });
  const hub = createSignalingHub(
    { log, metrics, clock, timers, random: createNodeRandom(), crypto: createNodeCrypto() },
    { ice: config.ice },
  );
  const sockets = attachSockets(
    server,
    { hub, log, metrics, clock, timers },
    {
      maxConnections: config.maxConnections,
      maxConnectionsPerAddress: config.maxConnectionsPerAddress,
      isAllowedOrigin: (origin, host) => isOwnOrigin(origin, host) || config.origins.includes(origin ?? ''),
    },
  );
  const delay = monitorEventLoopDelay();
  delay.enable();
  metrics.gauge(
    'aivillage_signaling_connections',
    'Open WebSocket connections',
    () => hub.load().connections,
  );
  metrics.gauge('aivillage_signaling_peers', 'Tabs that are in a room', () => hub.load().peers);
  metrics.gauge('aivillage_signaling_rooms', 'Rooms with somebody in them', () => hub.load().rooms);
  metrics.gauge('process_resident_memory_bytes', 'Resident memory', () => process.memoryUsage().rss);
  metrics.gauge('process_uptime_seconds', 'Since the start', () => Math.round(process.uptime()));
  metrics.gauge(
    'nodejs_eventloop_lag_p99_seconds',
    'Event loop delay, p99 since the start',
    () => delay.percentile(99) / 1e9,
  );

  // A laptop that changes networks has new addresses, and a certificate ends.
  let cert = tls?.cert;
  const renewTls = async () => {
    const renewed = await openTls();
    if (renewed.cert === cert || draining) return;
    cert = renewed.cert;
    (server as unknown as HttpsServer).setSecureContext({ key: renewed.key, cert: renewed.cert });
    log('info', 'new server certificate', { names: renewed.names.join(' ') });
  };
  const cancelRenewal = timers.every(milliseconds(renewTlsEveryMs), () => {
    if (tls) renewTls().catch((cause: Error) => log('error', 'no new certificate', { cause: cause.message }));
  });

  await listen(server, config);
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : config.port;
  const name = ['0.0.0.0', '::', '127.0.0.1', '::1'].includes(config.host) ? 'localhost' : config.host;
  log('info', 'listening', { host: config.host, port, tls: config.tls });

  let closing: Promise<void> | undefined;
  const close = async () => {
    draining = true;
    cancelRenewal();
    await sockets.drain(comeBackAfterMs);
    delay.disable();
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeIdleConnections();
      setTimeout(() => server.closeAllConnections(), 2_000).unref();
    });
    log('info', 'stopped');
  };
  return {
    url: `${config.tls ? 'https' : 'http'}://${name}:${port}`,
    port,
    ...(tls ? { fingerprint: tls.fingerprint } : {}),
    close: () => {
      closing ??= close();
      return closing;
    },
  };
};

const json = (status: number, body: unknown) => ({
  status,
  type: 'application/json; charset=utf-8',
  body: `${JSON.stringify(body)}\n`,
});

const trustPages = ({ authorityDer, fingerprint }: TlsMaterial): Record<string, DynamicPage> => ({
  '/ca.crt': () => ({
    status: 200,
    type: 'application/x-x509-ca-cert',
    body: authorityDer,
    headers: { 'Content-Disposition': 'attachment; filename="aivillage-ca.crt"' },
  }),
  '/trust': () => ({ status: 200, type: 'text/html; charset=utf-8', body: trustPage(fingerprint) }),
});

/** A page from elsewhere must not join rooms through its visitors. No origin at all: not a browser. */
const isOwnOrigin = (origin: string | undefined, host: string | undefined): boolean => {
  if (origin === undefined) return true;
  try {
    return new URL(origin).host === host;
  } catch {
    return false;
  }
};

const listen = (server: Server, config: ServerConfig): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => reject(new Error(explainListen(cause, config))));
    server.listen(config.port, config.host, resolve);
  });

const explainListen = (cause: NodeJS.ErrnoException, { host, port }: ServerConfig): string => {
  if (cause.code === 'EADDRINUSE') {
    return `Port ${port} is taken by another program. Stop it, or choose another: npm start -- --port ${port + 1}`;
  }
  if (cause.code === 'EACCES')
    return `Port ${port} needs more rights than this user has. Choose one above 1023.`;
  if (cause.code === 'EADDRNOTAVAIL')
    return `This machine has no address ${host}. Use 0.0.0.0 for all it has.`;
  return `Could not listen on ${host}:${port}: ${cause.message}`;
};
