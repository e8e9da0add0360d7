import { milliseconds, type PeerId, type Sha256 } from '../../src/core/brand.ts';
import { utf8 } from '../../src/core/bytes.ts';
import { sha256Hex } from '../../src/core/hash.ts';
import { silentTelemetry, type Telemetry } from '../../src/core/ports/telemetry.ts';
import type { Timers } from '../../src/core/ports/timers.ts';
import { err, fault, ok } from '../../src/core/result.ts';
import { accountIdOf, deviceIdOf, peerIdOf } from '../../src/identity/ids.ts';
import type { PeerIdentity } from '../../src/identity/types.ts';
import type {
  FederatedInferenceCoordinator,
  NodeStatus,
  PriceGate,
  WorkReceipt,
} from '../../src/inference/contracts.ts';
import {
  type CoordinatorOptions,
  createFederatedInferenceCoordinator,
} from '../../src/inference/coordinator.ts';
import { createMemoryJobStore, type JobStore } from '../../src/inference/jobStore.ts';
import { statusMethod } from '../../src/inference/protocol.ts';
import { createMemoryReceiptOutboxStore, type ReceiptOutboxStore } from '../../src/inference/receiptStore.ts';
import { createRpc } from '../../src/mesh/rpc/rpc.ts';
import { createSimulationCrypto } from './crypto.ts';
import { createEngineDouble, type EngineBehaviour, type EngineDouble } from './engineDouble.ts';
import type { SimulatedNetwork } from './network.ts';
import type { SeededRandom } from './random.ts';
import type { VirtualTime } from './virtualTime.ts';

export type SimulatedWorld = {
  readonly time: VirtualTime;
  readonly network: SimulatedNetwork;
  readonly random: SeededRandom;
  readonly options: CoordinatorOptions;
  readonly errors: string[];
};

/** What survives a tab: keys and stores. */
export type SimulatedDevice = {
  readonly label: string;
  readonly accountSeed: Uint8Array;
  readonly deviceSeed: Uint8Array;
  readonly jobStore: JobStore;
  readonly receiptStore: ReceiptOutboxStore;
};
export const createDevice = (label: string, random: SeededRandom, account?: Uint8Array): SimulatedDevice => ({
  label,
  accountSeed: account ?? random.bytes(32),
  deviceSeed: random.bytes(32),
  jobStore: createMemoryJobStore(),
  receiptStore: createMemoryReceiptOutboxStore(),
});

export type NodeBehaviour = EngineBehaviour & {
  readonly serves: boolean;
  readonly priceGate?: PriceGate;
  readonly telemetry?: Telemetry;
};

export interface SimulatedNode {
  readonly device: SimulatedDevice;
  readonly identity: PeerIdentity;
  readonly coordinator: FederatedInferenceCoordinator;
  readonly engine: EngineDouble;
  readonly receipts: readonly WorkReceipt[];
  readonly alive: () => boolean;
  /** The tab is gone at once: nothing it had begun goes on. */
  kill(): void;
}

const models = {
  'ocr.detect': sha256Hex(utf8('detector')),
  'ocr.recognize': sha256Hex(utf8('recogniser')),
} satisfies Record<string, Sha256>;

/** One tab: the production coordinator and the production RPC over a simulated room. */
export const createNode = async (
  world: SimulatedWorld,
  device: SimulatedDevice,
  behaviour: NodeBehaviour,
): Promise<SimulatedNode> => {
  let alive = true;
  const random = world.random.fork(`${device.label}/${world.time.now()}`);
  const crypto = createSimulationCrypto(random.bytes);
  const account = await crypto.signingKeyFromSeed(device.accountSeed);
  const deviceSigner = await crypto.signingKeyFromSeed(device.deviceSeed);
  const nodeKey = random.bytes(32);
  const identity: PeerIdentity = {
    account: accountIdOf(account.publicKey),
    device: deviceIdOf(deviceSigner.publicKey),
    peer: peerIdOf(nodeKey),
    deviceKey: deviceSigner.publicKey,
    nodeKey,
  };
  const timers = mortalTimers(world.time.timers, () => alive);
  const engine = createEngineDouble(timers, behaviour);
  const transport = world.network.join(identity);
  const telemetry = {
    ...(behaviour.telemetry ?? silentTelemetry),
    log: (level: string, component: string, message: string) => {
      if (level === 'error') world.errors.push(`${device.label} ${component}: ${message}`);
    },
  };
  const rpc = createRpc(transport, { clock: world.time.clock, timers, telemetry });
  const coordinator = createFederatedInferenceCoordinator(
    {
      self: { ...identity, deviceSigner },
      engine,
      rpc,
      jobStore: mortal(device.jobStore, () => alive),
      receiptStore: mortal(device.receiptStore, () => alive),
      clock: world.time.clock,
      timers,
      random,
      locks: { tryAcquire: async () => () => {}, acquire: async () => () => {} },
      crypto,
      telemetry,
      models,
      name: () => device.label,
      mayServe: () => (behaviour.serves ? { open: true } : { open: false, reason: 'shares nothing' }),
      mayUseOthers: () => true,
      identityOf: (peer) => world.network.identityOf(identity.peer, peer),
      rtt: () => milliseconds(20),
      ...(behaviour.priceGate ? { priceGate: behaviour.priceGate } : {}),
    },
    world.options,
  );
  const receipts: WorkReceipt[] = [];
  coordinator.receipts((receipt) => void receipts.push(receipt));
  const status = (): NodeStatus => toStatus(identity, device, behaviour);
  rpc.handle(statusMethod, async (heard, { from }) => {
    if (heard.peer !== from) return err(fault('refused', 'a status must be about its sender'));
    coordinator.registerNode(heard);
    return ok(null);
  });
  transport.changes((change) => {
    if (!alive) return;
    if (change.kind === 'up') tell(change.peer.peer);
    if (change.kind === 'down') coordinator.removeNode(change.peer, change.reason.message);
  });
  const tell = (peer: PeerId) =>
    void rpc.call(peer, statusMethod, status(), { deadline: milliseconds(10_000) });

  return {
    device,
    identity,
    coordinator,
    engine,
    receipts,
    alive: () => alive,
    kill() {
      alive = false;
      world.network.leave(identity.peer);
    },
  };
};

const toStatus = (
  { peer, account, device: deviceId }: PeerIdentity,
  device: SimulatedDevice,
  behaviour: NodeBehaviour,
): NodeStatus => ({
  peer,
  account,
  device: deviceId,
  name: device.label,
  build: 'simulation',
  profile: {
    label: device.label,
    mobile: false,
    cores: undefined,
    memoryGiB: undefined,
    gpu: { kind: 'none', reason: 'simulated' },
    battery: undefined,
    network: undefined,
    storage: undefined,
    crossOriginIsolated: false,
  },
  accepts: behaviour.serves ? { open: true } : { open: false, reason: 'shares nothing' },
  slots: behaviour.slots(),
  queued: 0,
  speeds: [],
  runtime: undefined,
  models,
});

/** Timers that die with their tab. */
const mortalTimers = (timers: Timers, alive: () => boolean): Timers => ({
  after: (delay, run) => timers.after(delay, () => alive() && run()),
  every(period, run) {
    const cancel = timers.every(period, () => (alive() ? run() : cancel()));
    return cancel;
  },
});

/** A store that a dead tab can't reach any more: its calls never come back. */
const mortal = <Store extends object>(store: Store, alive: () => boolean): Store =>
  new Proxy(store, {
    get(target, name, receiver) {
      const member: unknown = Reflect.get(target, name, receiver);
      if (typeof member !== 'function') return member;
      return (...args: unknown[]) => (alive() ? member.apply(target, args) : new Promise(() => {}));
    },
  });
