import { milliseconds, type RoomId } from '../src/core/brand.ts';
import type { SigningKey } from '../src/core/ports/crypto.ts';
import { unwrap } from '../src/core/result.ts';
import { peerIdOf } from '../src/identity/ids.ts';
import { createHashCrypto } from '../src/identity/testDoubles.ts';
import {
  type ClientMessage,
  decodeServerMessage,
  encodeSignaling,
  helloBytes,
  type ServerMessage,
  signalingProtocol,
} from '../src/mesh/signaling/protocol.ts';
import { createNodeRandom, createNodeTimers } from '../src/platform/node/index.ts';
import { noAlertChannels } from './alerts/config.ts';
import type { Bus } from './bus.ts';
import type { Wire } from './clients.ts';
import type { ServerConfig } from './config.ts';
import { createMetrics } from './metrics.ts';
import { createSignalingHub, type SignalingOptions } from './signaling.ts';

export const testConfig: ServerConfig = {
  host: '127.0.0.1',
  port: 0,
  tls: false,
  dataFolder: '/nonexistent',
  ice: [],
  turn: undefined,
  bus: undefined,
  origins: [],
  publicWork: [],
  logLevel: 'error',
  maxConnections: 100,
  maxConnectionsPerAddress: 100,
  maxPeersPerRoom: 12,
  otlp: undefined,
  carry: { bytesPerSecond: 1_048_576, totalBytesPerSecond: 52_428_800 },
  ledger: { kind: 'off' },
  alerts: noAlertChannels,
  newRoom: false,
};

/** A connection that keeps what it is sent, in the order of events. */
export type WireDouble = Wire & {
  readonly messages: ServerMessage[];
  readonly ends: string[];
  buffered: number;
  paused: boolean;
};

const createWireDouble = (): WireDouble => {
  const wire: WireDouble = {
    messages: [],
    ends: [],
    buffered: 0,
    paused: false,
    bufferedBytes: () => wire.buffered,
    send: (bytes) => void wire.messages.push(unwrap(decodeServerMessage(bytes))),
    close: (reason) => void wire.ends.push(`close ${reason}`),
    terminate: () => void wire.ends.push('terminate'),
    pause: () => {
      wire.paused = true;
    },
    resume: () => {
      wire.paused = false;
    },
  };
  return wire;
};

/** A hub in virtual time (vitest's fake timers), and clients that sign without threads. */
export const createHubForTests = (options: Partial<SignalingOptions> = {}, bus?: Bus) => {
  const crypto = createHashCrypto();
  const metrics = createMetrics();
  const hub = createSignalingHub(
    {
      log: () => {},
      metrics,
      clock: { monotonic: () => milliseconds(performance.now()), now: () => milliseconds(Date.now()) },
      timers: createNodeTimers(),
      random: createNodeRandom(),
      crypto,
      bus,
    },
    {
      iceFor: () => [],
      maxPeersPerRoom: 12,
      maxClients: 1_000,
      carry: testConfig.carry,
      ...options,
    },
  );
  const connect = (address = '192.0.2.1') => {
    const wire = createWireDouble();
    const session = hub.open(wire, address);
    return {
      wire,
      session,
      last: () => wire.messages.at(-1),
      say: (message: ClientMessage) => session.receive(encodeSignaling(message)),
    };
  };
  const signHello = async (wire: WireDouble, room: RoomId, signer: SigningKey) => {
    const [challenge] = wire.messages;
    if (challenge?.t !== 'challenge') throw new Error('no challenge');
    const signature = await signer.sign(helloBytes(room, challenge.nonce));
    return {
      t: 'hello',
      protocol: signalingProtocol,
      room,
      nodeKey: signer.publicKey,
      build: 'test',
      signature,
    } as const;
  };
  const join = async (room: RoomId, signer?: SigningKey, address?: string) => {
    const own = signer ?? (await crypto.generateSigningKey());
    const client = connect(address);
    const hello = await signHello(client.wire, room, own);
    client.say(hello);
    await Promise.resolve().then(() => Promise.resolve());
    return { ...client, hello, signer: own, peer: peerIdOf(own.publicKey) };
  };
  return { hub, metrics, crypto, connect, signHello, join };
};
