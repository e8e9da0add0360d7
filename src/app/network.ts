import type { Clock } from '../core/ports/clock.ts';
import type { CryptoPort } from '../core/ports/crypto.ts';
import type { Random } from '../core/ports/random.ts';
import type { Telemetry } from '../core/ports/telemetry.ts';
import type { Timers } from '../core/ports/timers.ts';
import type { LocalIdentity, Room } from '../identity/index.ts';
import {
  createOverlay,
  createRpc,
  createSignalingClient,
  type OpenSocket,
  type Overlay,
  type Rpc,
  type RtcConnector,
  type SignalingClient,
} from '../mesh/index.ts';

export type Network = {
  readonly signaling: SignalingClient;
  readonly overlay: Overlay;
  readonly rpc: Rpc;
  /** Leaves the room and says goodbye to every peer. */
  close(): void;
};

/** One room's network from socket to RPC. It is silent until `signaling.start()`: nothing is sent before consent. */
export const createNetwork = (
  deps: {
    readonly identity: LocalIdentity;
    readonly crypto: CryptoPort;
    readonly clock: Clock;
    readonly timers: Timers;
    readonly random: Random;
    readonly telemetry: Telemetry;
    readonly openSocket: OpenSocket;
    readonly rtc: RtcConnector;
  },
  options: {
    readonly room: Room;
    readonly signalUrl: string;
    readonly build: string;
    readonly protocol?: number;
  },
): Network => {
  const signaling = createSignalingClient(
    { ...deps, signer: deps.identity.nodeSigner },
    { url: options.signalUrl, room: options.room.id, build: options.build },
  );
  const overlay = createOverlay(
    { ...deps, signaling },
    {
      room: options.room.id,
      build: options.build,
      ...(options.protocol === undefined ? {} : { protocol: options.protocol }),
    },
  );
  const rpc = createRpc(overlay.transport('rpc'), deps);
  return {
    signaling,
    overlay,
    rpc,
    close() {
      rpc.close();
      overlay.close();
      signaling.stop();
    },
  };
};
