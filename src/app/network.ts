import { type Bytes, fromBase64url } from '../core/bytes.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { CryptoPort } from '../core/ports/crypto.ts';
import type { Random } from '../core/ports/random.ts';
import type { SealingPort } from '../core/ports/sealing.ts';
import type { Telemetry } from '../core/ports/telemetry.ts';
import type { Timers } from '../core/ports/timers.ts';
import type { Fault, Result } from '../core/result.ts';
import type { LocalIdentity, PeerIdentity, Room } from '../identity/index.ts';
import {
  type Capabilities,
  createBroadcast,
  createDirectory,
  createOverlay,
  createP2PCoordinator,
  createPost,
  createRpc,
  createSignalingClient,
  type Directory,
  meshTopics,
  type OpenSocket,
  type Overlay,
  type P2PCoordinator,
  type Rpc,
  type RtcConnector,
  type SignalingClient,
} from '../mesh/index.ts';

type Broadcast = ReturnType<typeof createBroadcast>;

export type Network<About> = {
  readonly signaling: SignalingClient;
  readonly overlay: Overlay;
  readonly rpc: Rpc;
  readonly directory: Directory<About>;
  readonly broadcast: Broadcast;
  readonly p2p: P2PCoordinator<About>;
  /** Leaves the room and says goodbye to every peer. */
  close(): void;
};

export type NetworkDeps<About> = {
  readonly identity: LocalIdentity;
  readonly crypto: CryptoPort;
  readonly sealing: SealingPort;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly telemetry: Telemetry;
  readonly openSocket: OpenSocket;
  readonly rtc: RtcConnector;
  /** What this tab tells the swarm of itself, and how it reads what others tell. */
  readonly record: {
    own(): { readonly capabilities: Capabilities; readonly about: Bytes };
    read(about: Bytes, from: PeerIdentity): Result<About, Fault>;
  };
};

/** One room's network from socket to RPC. It is silent until `signaling.start()`: nothing is sent before consent. */
export const createNetwork = <About>(
  deps: NetworkDeps<About>,
  options: {
    readonly room: Room;
    readonly signalUrl: string;
    readonly build: string;
    readonly protocol?: number;
    /** Besides those of the mesh itself. */
    readonly topics?: typeof meshTopics;
  },
): Network<About> => {
  const { identity } = deps;
  const room = options.room.id;
  const signaling = createSignalingClient(
    { ...deps, signer: identity.nodeSigner },
    { url: options.signalUrl, room, build: options.build },
  );
  const overlay = createOverlay(
    { ...deps, signaling },
    {
      room,
      secret: fromBase64url(options.room.secret) ?? new Uint8Array(),
      build: options.build,
      ...(options.protocol === undefined ? {} : { protocol: options.protocol }),
    },
  );
  const now = () => signaling.serverNow();
  const tree = overlay.transport('broadcast');
  const broadcast = createBroadcast(
    {
      ...deps,
      neighborhood: {
        self: overlay.self,
        send: tree.send,
        messages: tree.messages,
        neighbors: overlay.neighborChanges,
        observe: overlay.observe,
        rtt: (peer) => overlay.stats(peer)?.rtt,
      },
      signer: identity.nodeSigner,
      now,
    },
    { room, topics: { ...meshTopics, ...options.topics } },
  );
  const directory = createDirectory<About>({
    ...deps,
    overlay,
    broadcast,
    credentials: identity.credentials,
    own: deps.record.own,
    readAbout: deps.record.read,
    now,
  });
  const post = createPost(
    {
      ...deps,
      overlay,
      transport: overlay.transport('letters'),
      linksOf: (peer) =>
        directory.records
          .get()
          .get(peer)
          ?.neighbors.map((link) => link.peer) ?? [],
      signer: identity.nodeSigner,
      now,
    },
    { room },
  );
  const rpc = createRpc(overlay.transport('rpc'), deps);
  return {
    signaling,
    overlay,
    rpc,
    directory,
    broadcast,
    p2p: createP2PCoordinator({ overlay, broadcast, directory, post }),
    close() {
      directory.leave();
      directory.close();
      rpc.close();
      post.close();
      broadcast.close();
      overlay.close();
      signaling.stop();
    },
  };
};
