import type { Server } from 'node:http';
import type { Timers } from '../../src/core/ports/timers.ts';
import { type Fault, ok, type Result } from '../../src/core/result.ts';
import { createNodeClock } from '../../src/platform/node/index.ts';
import { answerBrokenRequest, createRequestListener, type DynamicPage } from '../http.ts';
import type { Log } from '../log.ts';
import { createMetrics, type Metrics } from '../metrics.ts';
import { healthSummary } from '../observe/health.ts';
import { type HostHealth, openKeeperHealth } from '../observe/host.ts';
import { jsonPage, metricsPage } from '../observe/pages.ts';
import { isOwnOrigin } from '../origins.ts';
import { attachSockets } from '../sockets.ts';
import { type KeeperService, type KeeperServiceOptions, openKeeperService } from './service.ts';

export type ServeKeeperOptions = KeeperServiceOptions & {
  /** Whose pages may open the socket, as origins; `*`: any. Besides none at all, which is not a browser. */
  readonly origins: readonly string[];
  readonly maxConnections: number;
  readonly maxConnectionsPerAddress: number;
};

export interface ServedKeeper {
  readonly service: KeeperService;
  /** Idempotent. Ends the server's connections, too. */
  close(): Promise<void>;
}

const endWithinMs = 2_000;

/** A process that is a keeper and nothing else: /ledger, /healthz and /metrics on a server of the caller's. */
export const serveKeeper = async (
  server: Server,
  { log, timers }: { readonly log: Log; readonly timers: Timers },
  options: ServeKeeperOptions,
): Promise<Result<ServedKeeper, Fault>> => {
  const metrics = createMetrics();
  const opened = await openKeeperService({ log, metrics, timers }, options);
  if (!opened.ok) return opened;
  const service = opened.value;
  let draining = false;
  const observed = openKeeperHealth(
    { log, metrics, timers, clock: createNodeClock() },
    {
      service,
      dataFolder: options.dataFolder,
      maxConnections: options.maxConnections,
      isDraining: () => draining,
    },
  );
  const pages = { ...service.pages, ...operatorPages(service, observed, metrics, () => draining) };
  server.on('request', createRequestListener({ log, metrics }, { files: new Map(), pages }));
  server.on('clientError', answerBrokenRequest);
  const { origins, maxConnections, maxConnectionsPerAddress } = options;
  const sockets = attachSockets(
    server,
    { log, metrics, timers, clock: createNodeClock(), hubs: { '/ledger': service.hub } },
    {
      maxConnections,
      maxConnectionsPerAddress,
      isAllowedOrigin: (origin, host) =>
        origins.includes('*') || isOwnOrigin(origin, host) || origins.includes(origin ?? ''),
    },
  );
  const close = async () => {
    draining = true;
    observed.close();
    await sockets.drain(0, 0);
    await service.close();
    await endServer(server);
  };
  let closing: Promise<void> | undefined;
  return ok({
    service,
    close() {
      closing ??= close();
      return closing;
    },
  });
};

const operatorPages = (
  { driver }: KeeperService,
  { health }: HostHealth,
  metrics: Metrics,
  isDraining: () => boolean,
): Readonly<Record<string, DynamicPage>> => ({
  '/healthz': () => {
    const fault = driver.fault();
    const status = fault ? 'fault' : 'ok';
    const body = {
      status,
      phase: driver.phase(),
      fault: fault?.message,
      ...healthSummary(health.report.get()),
    };
    return jsonPage(fault ? 503 : 200, body);
  },
  '/readyz': () => {
    const fault = driver.fault();
    const draining = isDraining();
    const ready = !fault && !draining;
    return jsonPage(ready ? 200 : 503, {
      ready,
      draining,
      phase: driver.phase(),
      keeper: fault?.code ?? 'ok',
    });
  },
  '/metrics': metricsPage(metrics),
});

const endServer = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve());
    server.closeIdleConnections();
    setTimeout(() => server.closeAllConnections(), endWithinMs).unref();
  });
