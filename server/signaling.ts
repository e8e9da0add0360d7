import type { PeerId, RoomId } from '../src/core/brand.ts';
import { milliseconds } from '../src/core/brand.ts';
import type { Clock } from '../src/core/ports/clock.ts';
import type { CryptoPort } from '../src/core/ports/crypto.ts';
import type { Random } from '../src/core/ports/random.ts';
import type { Timers } from '../src/core/ports/timers.ts';
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
import type { Bus } from './bus.ts';
import { type CarryOptions, createCarrying, looksCarried } from './carrying.ts';
import { type Client, isJoined, type Joined, phaseOf, type Wire } from './clients.ts';
import type { Federation } from './federation.ts';
import { createHolds } from './holds.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import { createSharedNetworkNames } from './networks.ts';
import { createPassing } from './passing.ts';
import { createMessageRates } from './rates.ts';
import { type ConnectionId, createRooms, isHere } from './rooms.ts';

/** A connection as signaling has opened it: what comes in goes here. */
export interface Session {
  readonly id: ConnectionId;
  receive(message: Uint8Array | 'text'): void;
  closed(): void;
}

export interface SignalingHub {
  readonly maxMessageBytes: number;
  /** `address`: who shares its limits with whom. */
  open(wire: Wire, address: string): Session;
  /** Of this process; `elsewhere`: tabs of other processes that it knows. */
  load(): {
    readonly connections: number;
    readonly peers: number;
    readonly rooms: number;
    readonly elsewhere: number;
  };
  /** Undefined: this process is on its own. */
  others(): ReturnType<Federation['status']> | undefined;
  /** Clients that are not read at the moment. */
  held(): number;
  /** Tells every client to come back later, and closes it: all at once, or spread over so many milliseconds. */
  drain(retryAfterMs: number, overMs?: number): void;
  /** Tells other processes that this one goes. */
  close(): void;
}

export type SignalingDeps = {
  readonly log: Log;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly crypto: Pick<CryptoPort, 'verify'>;
  /** Over which rooms are shared with other processes. */
  readonly bus?: Bus | undefined;
};
export type SignalingOptions = {
  /** STUN and TURN servers for a peer that joins: passwords may be made for it. */
  iceFor(peer: PeerId): readonly IceServer[];
  readonly maxPeersPerRoom: number;
  /** What the sockets let in at most. */
  readonly maxClients: number;
  readonly carry: CarryOptions;
};

export const signalingServerLimits = {
  /** A client that has not said hello by then is closed. */
  helloWithinMs: 10_000,
  /** A client that doesn't read is dropped before it costs memory. */
  maxBufferedBytes: 1024 * 1024,
  /** Who was not read for so long is told that the server lives. */
  sayAfterHeldMs: 1_000,
  /** Between two slices of clients that are sent away. */
  drainEveryMs: 100,
  /** A refused client that doesn't close its side. */
  closeWithinMs: 2_000,
} as const;
const limits = signalingServerLimits;

/** What every other refusal ends. */
const passingRefusals: readonly RefusalCode[] = ['rate'];

/**
 * Lets tabs that share a room's link find each other and pass sealed envelopes. Knows keys, rooms and limits; doesn't
 * know about WebSockets or what is in an envelope, and keeps nothing on disk.
 */
export const createSignalingHub = (deps: SignalingDeps, options: SignalingOptions): SignalingHub => {
  const { log, metrics, clock, timers } = deps;
  const clientsById = new Map<ConnectionId, Client>();
  const rates = createMessageRates(deps, options);
  const holds = createHolds(deps);
  const carrying = createCarrying({ clock, holds }, options.carry);
  const rooms = createRooms(deps, options);
  const networks = createSharedNetworkNames({ born: clock.now(), bytes: deps.random.bytes(32) });
  let lastId = 0;

  const send = (client: Client, message: ServerMessage) => {
    if (client.wire.bufferedBytes() > limits.maxBufferedBytes) return drop(client, 'does not read');
    client.wire.send(encodeSignaling(message));
  };

  /** A client that leaves stops having effects now, not when its socket has closed. */
  const leave = (client: Client) => {
    const { phase } = client;
    client.phase = { name: 'gone' };
    client.cancelDeadline();
    carrying.forget(client.id);
    if (phase.name !== 'joined' || !rooms.leave(phase.room, phase.peer, client.id)) return;
    federation?.left(phase.room, phase.peer);
  };

  const drop = (client: Client, reason: string) => {
    log('warn', 'client dropped', { connection: client.id, reason });
    metrics.count('aivillage_signaling_dropped_total');
    leave(client);
    client.wire.terminate();
  };

  const refuse = (client: Client, code: RefusalCode, message: string, retryAfterMs?: number) => {
    if (client.phase.name === 'gone') return;
    metrics.count('aivillage_signaling_refused_total', code);
    send(client, { t: 'refused', code, message, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) });
    if (passingRefusals.includes(code) || phaseOf(client) === 'gone') return;
    log('info', 'refused', { connection: client.id, code });
    leave(client);
    client.wire.close(code);
    client.cancelDeadline = timers.after(milliseconds(limits.closeWithinMs), () => client.wire.terminate());
  };

  const onHello = async (client: Client, hello: Extract<ClientMessage, { t: 'hello' }>) => {
    if (client.phase.name !== 'challenged') return refuse(client, 'malformed', 'hello was already said');
    if (hello.protocol !== signalingProtocol) {
      return refuse(
        client,
        'protocol',
        `this server speaks signaling protocol ${signalingProtocol}, the page ${hello.protocol}: reload the page`,
      );
    }
    const signed = helloBytes(hello.room, client.phase.nonce);
    client.phase = { name: 'verifying' };
    const isSigned = await deps.crypto.verify(hello.nodeKey, signed, hello.signature);
    if (phaseOf(client) !== 'verifying') return; // closed meanwhile
    if (!isSigned) return refuse(client, 'signature', 'the signature over the challenge does not hold');
    join(client, hello);
  };

  const join = (client: Client, hello: Extract<ClientMessage, { t: 'hello' }>) => {
    const peer = peerIdOf(hello.nodeKey);
    const outcome = rooms.join(hello.room, peer, client.id);
    if (outcome.kind === 'full') {
      const message = `this room has its ${outcome.limit} tabs: close one or open another room`;
      return refuse(client, 'room-full', message, 30_000);
    }
    client.cancelDeadline();
    client.phase = { name: 'joined', room: hello.room, peer, at: clock.now() };
    const { replaced } = outcome;
    const old = replaced !== undefined && isHere(replaced) ? clientsById.get(replaced) : undefined;
    if (old) refuse(old, 'duplicate', 'this tab has connected again');
    federation?.joined(hello.room, peer);
    const ice = [...options.iceFor(peer)];
    send(client, {
      t: 'welcome',
      self: peer,
      ...contactsFor(hello.room, peer),
      now: clock.now(),
      ice,
      carries: carrying.bytesPerSecond,
    });
    metrics.observe('aivillage_signaling_join_seconds', (clock.monotonic() - client.openedAt) / 1_000);
    log('info', 'joined', { connection: client.id, peer: peer.slice(0, 8), build: hello.build });
  };

  const contactsFor = (room: RoomId, peer: PeerId) => ({
    peers: [...rooms.sample(room, signalingLimits.sampleSize, peer)],
    others: rooms.size(room) - 1,
  });

  const onFind = (client: Client) => {
    if (!isJoined(client)) return refuse(client, 'malformed', 'say hello first');
    return sendFound(client);
  };
  const sendFound = (client: Joined) =>
    send(client, { t: 'found', ...contactsFor(client.phase.room, client.phase.peer) });

  const onRelay = (client: Client, { to, payload }: Extract<ClientMessage, { t: 'relay' }>) => {
    if (!isJoined(client)) return refuse(client, 'malformed', 'say hello first');
    const { room, peer: from } = client.phase;
    const network = networks.nameOf(client.address);
    const named = network === undefined ? {} : { network };
    const startedAt = clock.monotonic();
    if (!passing.pass(client, { t: 'relay', room, from, to, payload, ...named })) return;
    metrics.observe('aivillage_signaling_relay_seconds', (clock.monotonic() - startedAt) / 1_000);
    metrics.count('aivillage_signaling_relayed_total');
    metrics.count('aivillage_signaling_relayed_bytes_total', '', payload.byteLength);
  };

  const onCarry = (
    client: Client,
    { to, payload }: Extract<ClientMessage, { t: 'carry' }>,
    bytes: number,
  ) => {
    if (carrying.bytesPerSecond === 0) return refuse(client, 'malformed', 'this server carries nothing');
    if (!isJoined(client)) return refuse(client, 'malformed', 'say hello first');
    const { room, peer: from } = client.phase;
    if (passing.pass(client, { t: 'carry', room, from, to, payload })) {
      metrics.count('aivillage_signaling_carried_total');
      metrics.count('aivillage_signaling_carried_bytes_total', '', payload.byteLength);
    }
    carrying.charge(client.id, readerOf(client), bytes, { name: to, isFull: () => passing.isFull(room, to) });
  };

  const readerOf = (client: Client) => ({
    pause: () => client.wire.pause(),
    resume(heldMs: number) {
      client.wire.resume();
      // Its pings may lie behind its frames, and a tab that hears nothing for long gives its server up.
      if (heldMs >= limits.sayAfterHeldMs && client.phase.name === 'joined')
        send(client, { t: 'pong', n: 0 });
    },
  });

  const isWithinRates = (client: Client, bytes: number): boolean => {
    const key = client.phase.name === 'joined' ? client.phase.peer : `connection ${client.id}`;
    const verdict = rates.judge({ key, connection: client.id, address: client.address }, bytes);
    if (verdict.kind === 'flood') drop(client, 'floods');
    if (verdict.kind === 'slower')
      refuse(client, 'rate', 'too many messages: slower, please', verdict.retryAfterMs);
    return verdict.kind === 'within';
  };

  /** Frames that are carried have a budget in bytes instead. */
  const isCarried = (client: Client, bytes: Uint8Array | 'text'): boolean =>
    bytes !== 'text' && isJoined(client) && carrying.bytesPerSecond > 0 && looksCarried(bytes);

  const receive = (client: Client, bytes: Uint8Array | 'text') => {
    if (client.phase.name === 'gone') return;
    if (!isCarried(client, bytes) && !isWithinRates(client, bytes.length)) return;
    if (bytes === 'text') return refuse(client, 'malformed', 'messages are binary CBOR');
    if (bytes.byteLength > signalingLimits.maxMessageBytes) {
      const message = `message has ${bytes.byteLength} bytes, at most ${signalingLimits.maxMessageBytes} are accepted`;
      return refuse(client, 'too-large', message);
    }
    const decoded = decodeClientMessage(bytes);
    if (!decoded.ok) return refuse(client, 'malformed', decoded.error.message);
    const message = decoded.value;
    switch (message.t) {
      case 'hello':
        return void onHello(client, message);
      case 'relay':
        return onRelay(client, message);
      case 'carry':
        return onCarry(client, message, bytes.byteLength);
      case 'find':
        return onFind(client);
      case 'ping':
        return send(client, { t: 'pong', n: message.n });
      default:
        return message satisfies never;
    }
  };

  const passing = createPassing({
    ...deps,
    rooms,
    holds,
    networks,
    clientsById,
    send,
    replaced: (client) =>
      refuse(client, 'duplicate', 'this tab has connected again, to another server process'),
    met: (client) => sendFound(client),
  });
  const { federation } = passing;

  return {
    maxMessageBytes: signalingLimits.maxMessageBytes,
    open(wire, address) {
      const nonce = deps.random.bytes(signalingLimits.nonceBytes);
      const client: Client = {
        id: ++lastId,
        wire,
        address,
        openedAt: clock.monotonic(),
        phase: { name: 'challenged', nonce },
        cancelDeadline: timers.after(milliseconds(limits.helloWithinMs), () =>
          refuse(client, 'malformed', `no hello within ${limits.helloWithinMs / 1000} s`),
        ),
      };
      clientsById.set(client.id, client);
      metrics.count('aivillage_signaling_connections_total');
      send(client, { t: 'challenge', nonce, protocol: signalingProtocol });
      return {
        id: client.id,
        receive: (bytes) => receive(client, bytes),
        closed: () => {
          leave(client);
          clientsById.delete(client.id);
        },
      };
    },
    load() {
      const { peers, rooms: count, elsewhere } = rooms.load();
      return { connections: clientsById.size, peers, rooms: count, elsewhere };
    },
    held: holds.size,
    others: () => federation?.status(),
    drain(retryAfterMs, overMs = 0) {
      const clients = [...clientsById.values()];
      const inSlice = Math.ceil(clients.length / (1 + Math.floor(overMs / limits.drainEveryMs)));
      const next = () => {
        for (const client of clients.splice(0, inSlice))
          refuse(client, 'draining', 'the server is restarting', retryAfterMs);
        if (clients.length > 0) timers.after(milliseconds(limits.drainEveryMs), next);
      };
      next();
    },
    close: () => federation?.close(),
  };
};
