import { WebSocket } from 'ws';
import type { PeerId, RoomId } from '../../src/core/brand.ts';
import type { SigningKey } from '../../src/core/ports/crypto.ts';
import { unwrap } from '../../src/core/result.ts';
import { peerIdOf } from '../../src/identity/ids.ts';
import {
  type ClientMessage,
  decodeServerMessage,
  encodeSignaling,
  helloBytes,
  type ServerMessage,
  signalingProtocol,
} from '../../src/mesh/signaling/protocol.ts';

export type Relayed = Extract<ServerMessage, { t: 'relay' }>;

/** A tab as the server sees it: a socket that has proven its key. */
export type Tab = {
  readonly port: number;
  readonly room: RoomId;
  readonly peer: PeerId;
  /** From opening the socket to the welcome. */
  readonly joinedInMs: number;
  /** What comes in by relay. */
  onRelay: (message: Relayed) => void;
  relay(to: PeerId, payload: Uint8Array): void;
  /** How many others the server knows in the room. */
  others(): Promise<number>;
  /** Whether the connection has ended. */
  readonly isClosed: () => boolean;
  close(): void;
};

export type TabPlan = {
  readonly port: number;
  readonly room: RoomId;
  readonly signer: SigningKey;
  /** From where it connects: the server's limits by address hold for the bench, too. */
  readonly localAddress: string;
};

/** Connects, signs the challenge and resolves with the welcome; rejects with what the server says. */
export const openTab = ({ port, room, signer, localAddress }: TabPlan): Promise<Tab> =>
  new Promise((resolve, reject) => {
    const started = performance.now();
    const socket = new WebSocket(`ws://127.0.0.1:${port}/signal`, { localAddress, perMessageDeflate: false });
    const peer = peerIdOf(signer.publicKey);
    const say = (message: ClientMessage) => socket.send(encodeSignaling(message));
    let closed = false;
    let onFound: ((others: number) => void) | undefined;
    const tab: Omit<Tab, 'joinedInMs'> = {
      port,
      room,
      peer,
      onRelay: () => {},
      relay: (to, payload) => say({ t: 'relay', to, payload: new Uint8Array(payload) }),
      others: () =>
        new Promise((found) => {
          onFound = found;
          say({ t: 'find' });
        }),
      isClosed: () => closed,
      close: () => socket.terminate(),
    };
    const joined: { tab?: Tab } = {};
    const hello = async (nonce: Uint8Array) => {
      const signature = await signer.sign(helloBytes(room, nonce));
      const { publicKey: nodeKey } = signer;
      say({ t: 'hello', protocol: signalingProtocol, room, nodeKey, build: 'bench', signature });
    };
    socket.on('message', (data: Buffer) => {
      const message = unwrap(decodeServerMessage(new Uint8Array(data)));
      if (message.t === 'relay') joined.tab?.onRelay(message);
      else if (message.t === 'challenge') void hello(message.nonce);
      else if (message.t === 'found') onFound?.(message.others);
      else if (message.t === 'refused') reject(new Error(`refused: ${message.message}`));
      else if (message.t === 'welcome') {
        if (message.self !== peer) reject(new Error('the server took this tab for another one'));
        joined.tab = Object.assign(tab, { joinedInMs: performance.now() - started });
        resolve(joined.tab);
      }
    });
    socket.on('error', reject);
    socket.on('close', () => {
      closed = true;
      reject(new Error('the connection ended before the welcome'));
    });
  });

/** Some at a time: what is measured is the server, not how long a thousand wait in line. */
export const openTabs = async (plans: readonly TabPlan[], concurrency: number): Promise<readonly Tab[]> => {
  const tabs: Tab[] = [];
  const waiting = plans.values();
  const work = async () => {
    for (const plan of waiting) tabs.push(await openTab(plan));
  };
  await Promise.all(Array.from({ length: concurrency }, work));
  return tabs;
};
