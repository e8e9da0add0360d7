import { createServer as createHttpServer, type Server } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { Timers } from '../src/core/ports/timers.ts';
import {
  createNodeClock,
  createNodeCrypto,
  createNodeRandom,
  createNodeTimers,
} from '../src/platform/node/index.ts';
import type { Bus } from './bus.ts';
import type { ServerConfig } from './config.ts';
import { listFiles, type ServedFile } from './files.ts';
import { watchSignaling } from './gauges.ts';
import { answerBrokenRequest, createRequestListener, type DynamicPage } from './http.ts';
import { openLedger } from './keeper/embedded.ts';
import type { KeeperService } from './keeper/service.ts';
import type { Log } from './log.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import { createNatsBus } from './natsBus.ts';
import { type HostHealth, openHostHealth } from './observe/host.ts';
import { healthPage, jsonPage, metricsPage } from './observe/pages.ts';
import { isOwnOrigin } from './origins.ts';
import { createPostDesk } from './posts.ts';
import { openPublicWork } from './publicWork.ts';
import { createSignalingHub } from './signaling.ts';
import { attachSockets } from './sockets.ts';
import { openTelemetryDesk } from './telemetry.ts';
import { keepTlsFresh, openTls, trustPages } from './tls.ts';
import { turnCredentials } from './turn.ts';

export interface RunningServer {
  /** Where this machine opens it. */
  readonly url: string;
  readonly port: number;
  /** With --tls: SHA-256 of the authority's certificate, to compare before a device trusts it. */
  readonly fingerprint?: string;
  /** Of the ledger that was begun here: where the key of its host lies. */
  readonly hostKeyFile?: string;
  /** Tells the tabs to come back later, ends open requests, frees the port. Idempotent. */
  close(): Promise<void>;
}

export type ServerDeps = { readonly log: Log; readonly clientFolder: string };

/** After a restart everybody comes back at once; spread them. */
const comeBackAfterMs = 2_000;
/** Where other processes take them over they go soon, some at a time, so that none is overrun. */
const moveAfterMs = 300;
const moveWithinMs = 4_000;
/** Open downloads get so long when the host stops. */
const endWithinMs = 2_000;

/** Starts serving: the page, its models, signaling, and what an operator needs to watch it. */
export const startServer = async (config: ServerConfig, deps: ServerDeps): Promise<RunningServer> => {
  const { log } = deps;
  const files = await listFiles(deps.clientFolder).catch((cause: Error) => {
    log('warn', 'no built client', { cause: cause.message });
    return new Map<string, ServedFile>();
  });
  const publicWork = await openPublicWork({ log }, config.publicWork);
  if (!publicWork.ok) throw new Error(publicWork.error.join('\n'));
  const metrics = createMetrics();
  const timers = createNodeTimers({ holdsProcess: false });
  const tls = config.tls ? await openTls(config) : undefined;
  const status = { draining: false };
  const confirmed = (seconds: number) => metrics.observe('aivillage_bus_confirm_seconds', seconds);
  const bus = config.bus && createNatsBus({ log, timers, random: createNodeRandom(), confirmed }, config.bus);
  const ledger = await openLedger({ log, metrics, timers, now: createNodeClock().now }, config).catch(
    async (cause: unknown) => {
      await checkPort(config); // started twice: a taken port is what a person understands
      throw cause;
    },
  );
  const telemetry = openTelemetryDesk(config, { log, metrics, timers });
  const hasClient = files.has('/index.html');
  const observed = openHostHealth(
    { log, metrics, timers, clock: createNodeClock() },
    { config, bus, keeper: ledger.keeper, hasClient, isDraining: () => status.draining },
  );
  const pages = {
    ...telemetry.pages,
    ...operatorPages(observed, { hasClient, metrics, status, bus, keeper: ledger.keeper }),
    ...(tls ? trustPages(tls) : {}),
    ...ledger.pages,
  };
  const posts = createPostDesk(
    { clock: createNodeClock() },
    { routes: telemetry.routes, isAllowedOrigin: allowedOrigins(config) },
  );
  const listener = createRequestListener(
    {
      log,
      metrics,
      ...(telemetry.trace ? { trace: telemetry.trace } : {}),
    },
    { files, pages, lookUp: publicWork.value.answer, connect: ledger.connect, posts },
  );
  const secure = tls ? createHttpsServer({ key: tls.key, cert: tls.cert }, listener) : undefined;
  const server = (secure as Server | undefined) ?? createHttpServer(listener);
  server.on('clientError', answerBrokenRequest);
  const { hub, sockets } = openSockets(server, { log, metrics, timers, bus, keeper: ledger.keeper }, config);
  const cancelRenewal =
    secure && tls ? keepTlsFresh(secure, { timers, log, open: () => openTls(config) }, tls) : () => {};
  watchSignaling(metrics, hub);

  const close = async () => {
    status.draining = true;
    cancelRenewal();
    observed.close();
    const isAlone = bus?.state.get() !== 'connected' || hub.others()?.processes === 0;
    await (isAlone ? sockets.drain(comeBackAfterMs, 0) : sockets.drain(moveAfterMs, moveWithinMs));
    hub.close();
    await ledger.keeper?.close();
    await telemetry.close();
    await bus?.close();
    await endRequests(server);
    log('info', 'stopped');
  };
  try {
    await listen(server, config);
  } catch (cause) {
    await close();
    throw cause;
  }
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : config.port;
  log('info', 'listening', { host: config.host, port, tls: config.tls });
  let closing: Promise<void> | undefined;
  return {
    url: `${config.tls ? 'https' : 'http'}://${urlHost(config.host)}:${port}`,
    port,
    ...(tls ? { fingerprint: tls.fingerprint } : {}),
    ...(ledger.hostKeyFile === undefined ? {} : { hostKeyFile: ledger.hostKeyFile }),
    close: () => {
      closing ??= close();
      return closing;
    },
  };
};

const operatorPages = (
  { health }: HostHealth,
  host: {
    readonly hasClient: boolean;
    readonly metrics: Metrics;
    readonly status: { readonly draining: boolean };
    readonly bus: Bus | undefined;
    readonly keeper: KeeperService | undefined;
  },
): Record<string, DynamicPage> => {
  const { hasClient: client, metrics, bus, keeper } = host;
  const busState = () => bus?.state.get() ?? 'none';
  return {
    '/healthz': healthPage(health, () => ({ bus: busState() })),
    '/readyz': () => {
      const { draining } = host.status;
      const fault = keeper?.driver.fault();
      const ready = client && !draining && !fault;
      const ledger = keeper ? { keeper: fault ? fault.code : 'ok' } : {};
      return jsonPage(ready ? 200 : 503, { ready, client, draining, bus: busState(), ...ledger });
    },
    '/metrics': metricsPage(metrics),
  };
};

const allowedOrigins =
  ({ origins }: ServerConfig) =>
  (origin: string | undefined, host: string | undefined): boolean =>
    isOwnOrigin(origin, host) || origins.includes(origin ?? '');

const openSockets = (
  server: Server,
  deps: {
    readonly log: Log;
    readonly metrics: Metrics;
    readonly timers: Timers;
    readonly bus: Bus | undefined;
    readonly keeper: KeeperService | undefined;
  },
  config: ServerConfig,
) => {
  const clock = createNodeClock();
  const hub = createSignalingHub(
    { ...deps, clock, random: createNodeRandom(), crypto: createNodeCrypto() },
    {
      iceFor: (peer) =>
        config.turn ? [...config.ice, turnCredentials(config.turn, peer, clock)] : config.ice,
      maxPeersPerRoom: config.maxPeersPerRoom,
      maxClients: config.maxConnections,
      carry: config.carry,
    },
  );
  const sockets = attachSockets(
    server,
    { ...deps, hubs: { '/signal': hub, ...(deps.keeper ? { '/ledger': deps.keeper.hub } : {}) }, clock },
    {
      maxConnections: config.maxConnections,
      maxConnectionsPerAddress: config.maxConnectionsPerAddress,
      isAllowedOrigin: allowedOrigins(config),
    },
  );
  return { hub, sockets };
};

const endRequests = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve()); // also when it never listened
    server.closeIdleConnections();
    setTimeout(() => server.closeAllConnections(), endWithinMs).unref();
  });

/** As this machine's own browser opens it. */
const urlHost = (host: string): string => {
  if (['0.0.0.0', '::', '127.0.0.1', '::1'].includes(host)) return 'localhost';
  return host.includes(':') ? `[${host}]` : host;
};

const listen = (server: Server, config: ServerConfig): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => reject(new Error(explainListen(cause, config))));
    server.listen(config.port, config.host, resolve);
  });

const checkPort = async (config: ServerConfig): Promise<void> => {
  const probe = createHttpServer();
  await listen(probe, config);
  await new Promise((resolve) => probe.close(resolve));
};

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
