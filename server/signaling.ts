import { randomBytes, webcrypto } from 'node:crypto';
import type { IncomingMessage, Server } from 'node:http';
import { type RawData, type WebSocket, WebSocketServer } from 'ws';
import type { PeerId, RoomId } from '../src/core/brand.ts';
import { peerIdOf } from '../src/identity/ids.ts';
import {
  type ClientMessage,
  decodeClientMessage,
  encodeSignaling,
  helloBytes,
  type IceServer,
  type RefusalCode,
  type ServerMessage,
  signalingLimits,
  signalingProtocol,
} from '../src/mesh/signaling/protocol.ts';
import { createBucketTable } from './limits.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import { type ConnectionId, findInRoom, joinRoom, leaveRoom, noRooms, type Rooms } from './rooms.ts';

export type SignalingOptions = {
  readonly ice: readonly IceServer[];
  readonly isAllowedOrigin: (origin: string | undefined, host: string | undefined) => boolean;
  readonly maxConnections: number;
  readonly maxConnectionsPerAddress: number;
  /** A client that has not said hello by then is closed. */
  readonly helloWithinMs: number;
  readonly heartbeatEveryMs: number;
};

export const signalingDefaults = { helloWithinMs: 10_000, heartbeatEveryMs: 20_000 } as const;

export interface Signaling {
  readonly load: () => { readonly connections: number; readonly rooms: number };
  /** Tells every client to come back later, then closes. */
  drain(retryAfterMs: number): Promise<void>;
}

/** A dozen tabs that all dial each other exchange ~40 envelopes each within seconds. */
const peerRate = { capacity: 400, perSecond: 20 };
const addressRate = { capacity: 2_000, perSecond: 100 };
const connectRate = { capacity: 120, perSecond: 4 };
/** A client that doesn't read is dropped before it costs memory. */
const maxBufferedBytes = 1024 * 1024;

type Client = {
  readonly id: ConnectionId;
  readonly socket: WebSocket;
  readonly address: string;
  readonly nonce: Uint8Array<ArrayBuffer>;
  state:
    | { readonly phase: 'challenged' }
    | { readonly phase: 'verifying' }
    | { readonly phase: 'joined'; readonly room: RoomId; readonly peer: PeerId }
    | { readonly phase: 'gone' };
  alive: boolean;
};

/**
 * Lets tabs that share a room's link find each other and pass sealed envelopes. Knows keys, rooms and limits; doesn't
 * know what is in an envelope and keeps nothing on disk.
 */
export const attachSignaling = (
  server: Server,
  deps: { readonly log: Log; readonly metrics: Metrics; readonly monotonic: () => number },
  options: SignalingOptions,
): Signaling => {
  const { log, metrics, monotonic } = deps;
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: signalingLimits.maxMessageBytes,
    perMessageDeflate: false,
  });
  const clientsById = new Map<ConnectionId, Client>();
  const connectionsByAddress = new Map<string, number>();
  const peerBuckets = createBucketTable(peerRate);
  const addressBuckets = createBucketTable(addressRate);
  const connectBuckets = createBucketTable(connectRate);
  let rooms: Rooms = noRooms;
  let lastId = 0;
  let draining = false;

  const send = (client: Client, message: ServerMessage) => {
    if (client.socket.bufferedAmount > maxBufferedBytes) {
      log('warn', 'client does not read, dropped', { connection: client.id });
      client.socket.terminate();
      return;
    }
    client.socket.send(encodeSignaling(message));
  };

  const refuse = (client: Client, code: RefusalCode, message: string, retryAfterMs?: number) => {
    metrics.count('aivillage_signaling_refused_total', code);
    send(client, { t: 'refused', code, message, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) });
    if (code !== 'rate' && code !== 'no-peer') client.socket.close(1008, code);
  };

  const tellRoom = (room: RoomId, except: ConnectionId, message: ServerMessage) => {
    for (const id of rooms.get(room)?.values() ?? []) {
      const client = clientsById.get(id);
      if (client && id !== except) send(client, message);
    }
  };

  const onHello = async (client: Client, hello: Extract<ClientMessage, { t: 'hello' }>) => {
    if (client.state.phase !== 'challenged') return refuse(client, 'malformed', 'hello was already said');
    if (hello.protocol !== signalingProtocol) {
      return refuse(
        client,
        'protocol',
        `this server speaks signaling protocol ${signalingProtocol}, the page ${hello.protocol}: reload the page`,
      );
    }
    client.state = { phase: 'verifying' };
    const held = await verifyHello(client.nonce, hello);
    if (client.state.phase !== 'verifying') return; // closed meanwhile
    if (!held) return refuse(client, 'signature', 'the signature over the challenge does not hold');
    const peer = peerIdOf(hello.nodeKey);
    const outcome = joinRoom(rooms, hello.room, peer, client.id);
    if (outcome.kind === 'full') {
      return refuse(
        client,
        'room-full',
        `this room has its ${outcome.limit} tabs: close one or open another room`,
        30_000,
      );
    }
    rooms = outcome.rooms;
    client.state = { phase: 'joined', room: hello.room, peer };
    const old = outcome.replaced === undefined ? undefined : clientsById.get(outcome.replaced);
    if (old) refuse(old, 'duplicate', 'this tab has connected again');
    send(client, { t: 'welcome', self: peer, peers: [...outcome.others], ice: [...options.ice] });
    if (!old) tellRoom(hello.room, client.id, { t: 'joined', peer });
    log('info', 'joined', { connection: client.id, peer: peer.slice(0, 8), build: hello.build });
  };

  const onRelay = (client: Client, relay: Extract<ClientMessage, { t: 'relay' }>) => {
    if (client.state.phase !== 'joined') return refuse(client, 'malformed', 'say hello first');
    const { room, peer } = client.state;
    const to = findInRoom(rooms, room, relay.to);
    const receiver = to === undefined ? undefined : clientsById.get(to);
    if (!receiver)
      return refuse(client, 'no-peer', `${relay.to.slice(0, 8)}… is not in this room (any more)`);
    send(receiver, { t: 'relay', from: peer, payload: relay.payload });
    metrics.count('aivillage_signaling_relayed_total');
    metrics.count('aivillage_signaling_relayed_bytes_total', '', relay.payload.byteLength);
  };

  const withinRates = (client: Client): boolean => {
    const now = monotonic();
    const key = client.state.phase === 'joined' ? client.state.peer : `connection ${client.id}`;
    const own = peerBuckets.take(key, now);
    const shared = addressBuckets.take(client.address, now);
    if (own.allowed && shared.allowed) return true;
    refuse(
      client,
      'rate',
      'too many messages: slower, please',
      Math.max(own.retryAfterMs, shared.retryAfterMs),
    );
    return false;
  };

  const onMessage = (client: Client, data: RawData, isBinary: boolean) => {
    client.alive = true;
    if (!withinRates(client)) return;
    if (!isBinary || !(data instanceof Buffer))
      return refuse(client, 'malformed', 'messages are binary CBOR');
    const decoded = decodeClientMessage(new Uint8Array(data));
    if (!decoded.ok) return refuse(client, 'malformed', decoded.error.message);
    const message = decoded.value;
    switch (message.t) {
      case 'hello':
        return void onHello(client, message);
      case 'relay':
        return onRelay(client, message);
      case 'ping':
        return send(client, { t: 'pong', n: message.n });
      default:
        return message satisfies never;
    }
  };

  const onClose = (client: Client) => {
    clientsById.delete(client.id);
    const others = (connectionsByAddress.get(client.address) ?? 1) - 1;
    if (others > 0) connectionsByAddress.set(client.address, others);
    else connectionsByAddress.delete(client.address);
    const { state } = client;
    client.state = { phase: 'gone' };
    if (state.phase !== 'joined') return;
    const left = leaveRoom(rooms, state.room, state.peer, client.id);
    rooms = left.rooms;
    if (left.left) tellRoom(state.room, client.id, { t: 'left', peer: state.peer });
  };

  const onConnection = (socket: WebSocket, address: string) => {
    const client: Client = {
      id: ++lastId,
      socket,
      address,
      nonce: new Uint8Array(randomBytes(signalingLimits.nonceBytes)),
      state: { phase: 'challenged' },
      alive: true,
    };
    clientsById.set(client.id, client);
    connectionsByAddress.set(address, (connectionsByAddress.get(address) ?? 0) + 1);
    metrics.count('aivillage_signaling_connections_total');
    const deadline = setTimeout(() => {
      if (client.state.phase === 'challenged') refuse(client, 'malformed', 'no hello in time');
    }, options.helloWithinMs);
    socket.on('message', (data, isBinary) => onMessage(client, data, isBinary));
    socket.on('pong', () => {
      client.alive = true;
    });
    socket.on('error', (cause) =>
      log('debug', 'socket error', { connection: client.id, cause: cause.message }),
    );
    socket.on('close', () => {
      clearTimeout(deadline);
      onClose(client);
    });
    send(client, { t: 'challenge', nonce: client.nonce, protocol: signalingProtocol });
  };

  const whyNotUpgrade = (
    request: IncomingMessage,
    address: string,
  ): readonly [number, string] | undefined => {
    if (draining) return [503, 'the server is going down'];
    // Compared as text: parsing throws on a stranger's address, and here nothing would catch it.
    if ((request.url ?? '').split('?')[0] !== '/signal') return [404, 'no socket here'];
    if (!options.isAllowedOrigin(request.headers.origin, request.headers.host))
      return [403, 'origin not allowed'];
    if (clientsById.size >= options.maxConnections) return [503, 'the server is full'];
    if ((connectionsByAddress.get(address) ?? 0) >= options.maxConnectionsPerAddress) {
      return [429, 'too many connections from this address'];
    }
    if (!connectBuckets.take(address, monotonic()).allowed) return [429, 'connecting too fast'];
    return undefined;
  };

  server.on('upgrade', (request, socket, head) => {
    const address = request.socket.remoteAddress ?? 'unknown';
    socket.on('error', () => socket.destroy());
    const refused = whyNotUpgrade(request, address);
    if (refused) {
      const [status, reason] = refused;
      log('warn', 'upgrade refused', { status, reason });
      socket.end(`HTTP/1.1 ${status} ${reason}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
      return;
    }
    sockets.handleUpgrade(request, socket, head, (opened) => onConnection(opened, address));
  });

  const heartbeat = setInterval(() => {
    for (const client of clientsById.values()) {
      if (!client.alive) client.socket.terminate();
      else {
        client.alive = false;
        client.socket.ping();
      }
    }
  }, options.heartbeatEveryMs);
  heartbeat.unref();

  return {
    load: () => ({ connections: clientsById.size, rooms: rooms.size }),
    async drain(retryAfterMs) {
      draining = true;
      clearInterval(heartbeat);
      const closing = [...clientsById.values()].map(
        (client) =>
          new Promise<void>((resolve) => {
            client.socket.once('close', () => resolve());
            refuse(client, 'draining', 'the server is restarting', retryAfterMs);
            setTimeout(() => client.socket.terminate(), 1_000).unref();
          }),
      );
      await Promise.all(closing);
      sockets.close();
    },
  };
};

const verifyHello = async (
  nonce: Uint8Array,
  hello: Extract<ClientMessage, { t: 'hello' }>,
): Promise<boolean> => {
  try {
    const key = await webcrypto.subtle.importKey('raw', new Uint8Array(hello.nodeKey), 'Ed25519', false, [
      'verify',
    ]);
    const signed = helloBytes(hello.room, nonce);
    return await webcrypto.subtle.verify('Ed25519', key, new Uint8Array(hello.signature), signed);
  } catch {
    return false; // not a point on the curve
  }
};
