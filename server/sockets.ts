import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { milliseconds } from '../src/core/brand.ts';
import type { Clock } from '../src/core/ports/clock.ts';
import type { Timers } from '../src/core/ports/timers.ts';
import { addressKey } from './address.ts';
import type { Wire } from './clients.ts';
import { rawAnswer } from './http.ts';
import { createBucketTable } from './limits.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';

/** What is spoken at one path. Knows its protocol, and no WebSockets. */
export interface SocketHub {
  /** Up to twice this a message that is too large is refused in words; beyond, the socket closes with 1009. */
  readonly maxMessageBytes: number;
  open(wire: Wire, address: string): SocketSession;
  /** Ends all sessions within `overMs`. */
  drain(retryAfterMs: number, overMs: number): void;
}
export interface SocketSession {
  readonly id: string | number;
  receive(data: Uint8Array | 'text'): void;
  closed(): void;
}

export type SocketsDeps = {
  /** By path, like /signal. */
  readonly hubs: Readonly<Record<string, SocketHub>>;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly timers: Timers;
};
export type SocketsOptions = {
  readonly isAllowedOrigin: (origin: string | undefined, host: string | undefined) => boolean;
  readonly maxConnections: number;
  readonly maxConnectionsPerAddress: number;
};

export interface Sockets {
  /** Takes nobody new, tells every client to come back later (spread over `overMs`); resolves when all are gone. */
  drain(retryAfterMs: number, overMs: number): Promise<void>;
}

const heartbeatEveryMs = 20_000;
const connectRate = { capacity: 120, perSecond: 4 };

type Place = { readonly path: string; readonly hub: SocketHub; readonly acceptor: WebSocketServer };
type Refusal = { readonly status: number; readonly reason: string };

/** WebSockets for the hubs: who may connect, and which connections are dead. Doesn't know the protocols. */
export const attachSockets = (server: Server, deps: SocketsDeps, options: SocketsOptions): Sockets => {
  const { log, metrics, clock, timers } = deps;
  const places = new Map(
    Object.entries(deps.hubs).map(([path, hub]) => {
      const maxPayload = 2 * hub.maxMessageBytes;
      const acceptor = new WebSocketServer({ noServer: true, maxPayload, perMessageDeflate: false });
      return [path, { path, hub, acceptor }] as const;
    }),
  );
  const answeredBySocket = new Map<WebSocket, boolean>();
  const connectionsByAddress = new Map<string, number>();
  const connectBuckets = createBucketTable(connectRate);
  let draining = false;

  /** Compared as text: parsing throws on a stranger's address, and here nothing would catch it. */
  const placeOf = (request: IncomingMessage) => places.get((request.url ?? '').split('?')[0] ?? '');

  const whyNot = (request: IncomingMessage, address: string): Refusal | undefined => {
    if (!placeOf(request)) return { status: 404, reason: 'no socket here' };
    if (draining) return { status: 503, reason: 'the server is going down' };
    if (!options.isAllowedOrigin(request.headers.origin, request.headers.host)) {
      return { status: 403, reason: 'origin not allowed' };
    }
    if (answeredBySocket.size >= options.maxConnections) return { status: 503, reason: 'the server is full' };
    if ((connectionsByAddress.get(address) ?? 0) >= options.maxConnectionsPerAddress) {
      return { status: 429, reason: 'too many connections from this address' };
    }
    if (!connectBuckets.take(address, clock.monotonic()).allowed) {
      return { status: 429, reason: 'connecting too fast' };
    }
    return undefined;
  };

  const accept = (place: Place, socket: WebSocket, pipe: Duplex, address: string) => {
    const { hub, path } = place;
    answeredBySocket.set(socket, true);
    connectionsByAddress.set(address, (connectionsByAddress.get(address) ?? 0) + 1);
    const session = hub.open(wireOf(socket, pipe), address);
    socket.on('message', (data, isBinary) => {
      answeredBySocket.set(socket, true);
      const startedAt = performance.now();
      session.receive(isBinary && data instanceof Buffer ? new Uint8Array(data) : 'text');
      metrics.observe('aivillage_socket_message_seconds', (performance.now() - startedAt) / 1_000, { path });
    });
    socket.on('pong', () => answeredBySocket.set(socket, true));
    socket.on('error', (cause) =>
      log('debug', 'socket error', { connection: session.id, cause: cause.message }),
    );
    socket.on('close', (code) => {
      answeredBySocket.delete(socket);
      const others = (connectionsByAddress.get(address) ?? 1) - 1;
      if (others > 0) connectionsByAddress.set(address, others);
      else connectionsByAddress.delete(address);
      session.closed();
      log('debug', 'closed', { connection: session.id, code });
    });
  };

  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const address = addressKey(request.socket.remoteAddress ?? 'unknown');
    socket.on('error', () => socket.destroy());
    const refused = whyNot(request, address);
    const place = placeOf(request);
    if (!refused && place) {
      return place.acceptor.handleUpgrade(request, socket, head, (opened) =>
        accept(place, opened, socket, address),
      );
    }
    if (!refused) return void socket.destroy();
    log('debug', 'upgrade refused', refused);
    metrics.count('aivillage_upgrades_refused_total', String(refused.status));
    socket.end(refusalText(refused), () => socket.destroy());
  });

  const cancelHeartbeat = timers.every(milliseconds(heartbeatEveryMs), () => {
    for (const [socket, answered] of answeredBySocket) {
      // One that this server does not read can not be heard: it is held for seconds only.
      if (socket.isPaused) continue;
      if (!answered) socket.terminate();
      else {
        answeredBySocket.set(socket, false);
        socket.ping();
      }
    }
  });

  return {
    async drain(retryAfterMs, overMs) {
      draining = true;
      cancelHeartbeat();
      const gone = [...answeredBySocket.keys()].map(
        (socket) => new Promise<void>((resolve) => void socket.once('close', () => resolve())),
      );
      for (const { hub } of places.values()) hub.drain(retryAfterMs, overMs);
      await Promise.all(gone);
      for (const { acceptor } of places.values()) acceptor.close();
    },
  };
};

const wireOf = (socket: WebSocket, pipe: Duplex): Wire => {
  let corked = false;
  return {
    bufferedBytes: () => socket.bufferedAmount,
    /** What is sent in one go is one call of the system: many small messages would cost more than all that is in them. */
    send(bytes) {
      if (!corked) {
        corked = true;
        pipe.cork();
        process.nextTick(() => {
          corked = false;
          pipe.uncork();
        });
      }
      socket.send(bytes);
    },
    close: (reason) => socket.close(1008, reason),
    terminate: () => socket.terminate(),
    pause: () => socket.pause(),
    resume: () => socket.resume(),
  };
};

const refusalText = ({ status, reason }: Refusal): string =>
  rawAnswer(status, reason, status === 404 || status === 403 ? [] : ['Retry-After: 2']);
