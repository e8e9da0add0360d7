import type { RoomId } from '../../core/brand.ts';
import { type Milliseconds, milliseconds, type PeerId } from '../../core/brand.ts';
import type { Bytes } from '../../core/bytes.ts';
import { createEmitter, createStore, type Store, type Subscribe } from '../../core/events.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { SigningKey } from '../../core/ports/crypto.ts';
import type { Random } from '../../core/ports/random.ts';
import type { Telemetry } from '../../core/ports/telemetry.ts';
import type { CancelTimer, Timers } from '../../core/ports/timers.ts';
import type { OpenSocket, Socket } from '../ports.ts';
import {
  type ClientMessage,
  decodeServerMessage,
  encodeSignaling,
  helloBytes,
  type IceServer,
  type RefusalCode,
  type ServerMessage,
  signalingProtocol,
} from './protocol.ts';

export type SignalingState =
  | { readonly phase: 'off' }
  | { readonly phase: 'connecting'; readonly attempt: number }
  | { readonly phase: 'joined' }
  | { readonly phase: 'waiting'; readonly retryAt: Milliseconds; readonly reason: string }
  | { readonly phase: 'refused'; readonly reason: string };

export type SignalingEvent =
  | (Sample & {
      readonly kind: 'welcome';
      readonly ice: readonly IceServer[];
      /** Bytes per second the server carries for this tab; 0: none. */
      readonly carries: number;
    })
  | (Sample & { readonly kind: 'found' })
  | {
      readonly kind: 'relay';
      readonly from: PeerId;
      readonly payload: Bytes;
      /** Equal for peers of one address prefix. */
      readonly network: string | undefined;
    }
  /** A frame of a link that goes through the server. */
  | { readonly kind: 'carried'; readonly from: PeerId; readonly payload: Bytes }
  /** What was sent to it could not be: it is not in the room (any more). */
  | { readonly kind: 'gone'; readonly peer: PeerId };

/** Some of those who are in the room, drawn by chance, and how many others there are. */
type Sample = { readonly peers: readonly PeerId[]; readonly others: number };

export interface SignalingClient {
  readonly state: Store<SignalingState>;
  readonly events: Subscribe<SignalingEvent>;
  start(): void;
  stop(): void;
  /** Skips the wait: the network is back, or the person pressed the button. */
  retryNow(): void;
  /** False if there is no connection to relay through. */
  relay(to: PeerId, payload: Bytes): boolean;
  /** A sealed frame, for a link that goes through the server; false if there is no connection. */
  carry(to: PeerId, payload: Bytes): boolean;
  /** Bytes that were given to this connection and have not left yet. */
  unsentBytes(): number;
  /** Asks for another sample of the room; `found` follows. False if there is no connection. */
  find(): boolean;
  /** The network has changed: goes back to the server at once, or asks whether the connection still holds. */
  probe(): void;
  /** Unix ms by the server's clock, as near as one message tells; this device's own until the first welcome. */
  serverNow(): Milliseconds;
}

export type SignalingDeps = {
  readonly openSocket: OpenSocket;
  readonly signer: SigningKey;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly telemetry: Telemetry;
};
export type SignalingClientOptions = { readonly url: string; readonly room: RoomId; readonly build: string };

const firstRetryMs = 500;
const longestRetryMs = 30_000;
const heartbeatMs = 15_000;
/** From opening the socket to `welcome`, and from a ping to anything. */
const answerWithinMs = 10_000;
/** After a change of network an answer comes within this, or the connection is made anew. */
const probeWithinMs = 3_000;
/** Trying again can't change these; the person must. */
const finalRefusals: readonly RefusalCode[] = ['protocol', 'signature', 'duplicate'];

/**
 * Keeps this tab in its room at the server: proves the node key, comes back after losses with growing, jittered delays,
 * notices a silent connection. Links that exist live on without it. Doesn't know what envelopes carry.
 */
export const createSignalingClient = (
  deps: SignalingDeps,
  options: SignalingClientOptions,
): SignalingClient => {
  const { clock, timers, random, telemetry } = deps;
  const state = createStore<SignalingState>({ phase: 'off' });
  const events = createEmitter<SignalingEvent>();
  let socket: Socket | undefined;
  let attempt = 0;
  let heardAt = 0;
  let connectingSince = 0;
  let cancelRetry: CancelTimer | undefined;
  let cancelDeadline: CancelTimer | undefined;
  let cancelHeartbeat: CancelTimer | undefined;
  let cancelProbe: CancelTimer | undefined;
  let pings = 0;
  let clockOffset = 0;

  const dropSocket = () => {
    const old = socket;
    socket = undefined;
    cancelDeadline?.();
    cancelHeartbeat?.();
    cancelProbe?.();
    old?.close();
  };

  const waitAndRetry = (reason: string, atLeastMs = 0) => {
    dropSocket();
    const ceiling = Math.min(longestRetryMs, firstRetryMs * 2 ** Math.min(attempt - 1, 10));
    // Half of it by chance, also of what the server asked for: after its restart its clients don't come back in step.
    const least = Math.max(atLeastMs, ceiling / 2);
    telemetry.count('signaling_reconnects_total');
    const delay = milliseconds(least + random.next() * Math.max(ceiling / 2, atLeastMs / 2));
    state.set({ phase: 'waiting', retryAt: milliseconds(clock.monotonic() + delay), reason });
    cancelRetry = timers.after(delay, connect);
  };

  const connect = () => {
    cancelRetry?.();
    attempt++;
    state.set({ phase: 'connecting', attempt });
    connectingSince = clock.monotonic();
    const opened: Socket = deps.openSocket(options.url, {
      open: () => {},
      message: (bytes) => {
        if (socket === opened) void onMessage(bytes);
      },
      closed: () => {
        if (socket === opened)
          waitAndRetry('the server can not be reached; links to other tabs go on working');
      },
    });
    socket = opened;
    cancelDeadline = timers.after(milliseconds(answerWithinMs), () => {
      if (socket === opened) waitAndRetry('the server did not answer');
    });
  };

  const sayHello = async (nonce: Uint8Array) => {
    const own = socket;
    const signature = await deps.signer.sign(helloBytes(options.room, nonce));
    if (socket !== own) return; // reconnected meanwhile: this signature is over an old challenge
    own?.send(
      encodeSignaling({
        t: 'hello',
        protocol: signalingProtocol,
        room: options.room,
        nodeKey: deps.signer.publicKey,
        build: options.build,
        signature,
      }),
    );
  };

  const onWelcome = (welcome: Extract<ServerMessage, { t: 'welcome' }>) => {
    cancelDeadline?.();
    cancelHeartbeat?.();
    clockOffset = welcome.now - clock.now();
    state.set({ phase: 'joined' });
    telemetry.observe('signaling_join_seconds', (clock.monotonic() - connectingSince) / 1_000);
    cancelHeartbeat = timers.every(milliseconds(heartbeatMs), beat);
    const { peers, others, ice, carries } = welcome;
    events.emit({ kind: 'welcome', peers, others, ice, carries });
  };

  /** A connection of the old network may look open for minutes. */
  const probe = () => {
    if (state.get().phase !== 'joined') return retryNow();
    const asked = clock.monotonic();
    const own = socket;
    own?.send(encodeSignaling({ t: 'ping', n: pings }));
    cancelProbe?.();
    cancelProbe = timers.after(milliseconds(probeWithinMs), () => {
      if (socket === own && heardAt <= asked) waitAndRetry('the network has changed');
    });
  };
  const retryNow = () => {
    if (state.get().phase !== 'waiting' && state.get().phase !== 'refused') return;
    attempt = 0;
    connect();
  };

  const beat = () => {
    if (clock.monotonic() - heardAt > heartbeatMs + answerWithinMs)
      return waitAndRetry('the server fell silent');
    // Only a connection that lasted proves the server well; one that welcomes and drops is retried ever more slowly.
    attempt = 0;
    pings = (pings + 1) % 2 ** 32;
    return socket?.send(encodeSignaling({ t: 'ping', n: pings }));
  };

  const onRefused = (refused: Extract<ServerMessage, { t: 'refused' }>) => {
    telemetry.log('warn', 'signaling', refused.message, { code: refused.code });
    if (refused.code === 'rate') return;
    if (finalRefusals.includes(refused.code)) {
      dropSocket();
      state.set({ phase: 'refused', reason: refused.message });
      return;
    }
    waitAndRetry(refused.message, refused.retryAfterMs);
  };

  const onMessage = async (bytes: Bytes) => {
    heardAt = clock.monotonic();
    const decoded = decodeServerMessage(bytes);
    if (!decoded.ok) return waitAndRetry(`the server sent something unreadable: ${decoded.error.message}`);
    const message = decoded.value;
    switch (message.t) {
      case 'challenge':
        return sayHello(message.nonce);
      case 'welcome':
        return onWelcome(message);
      case 'found':
        return events.emit({ kind: 'found', peers: message.peers, others: message.others });
      case 'gone':
        return events.emit({ kind: 'gone', peer: message.peer });
      case 'relay': {
        const { from, payload, network } = message;
        return events.emit({ kind: 'relay', from, payload: new Uint8Array(payload), network });
      }
      case 'carry':
        return events.emit({
          kind: 'carried',
          from: message.from,
          payload: new Uint8Array(message.payload),
        });
      case 'pong':
        return undefined;
      case 'refused':
        return onRefused(message);
      default:
        return message satisfies never;
    }
  };

  const say = (message: ClientMessage): boolean => {
    if (state.get().phase !== 'joined' || !socket) return false;
    socket.send(encodeSignaling(message));
    return true;
  };

  return {
    state,
    events: events.subscribe,
    start() {
      if (state.get().phase === 'off' || state.get().phase === 'refused') connect();
    },
    stop() {
      cancelRetry?.();
      dropSocket();
      attempt = 0;
      state.set({ phase: 'off' });
    },
    retryNow,
    probe,
    relay: (to, payload) => say({ t: 'relay', to, payload }),
    carry: (to, payload) => say({ t: 'carry', to, payload }),
    unsentBytes: () => socket?.bufferedAmount() ?? 0,
    find: () => say({ t: 'find' }),
    serverNow: () => milliseconds(clock.now() + clockOffset),
  };
};
