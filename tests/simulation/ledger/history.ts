import { equalBytes } from '../../../src/core/bytes.ts';
import { sha256Bytes } from '../../../src/core/hash.ts';
import { initialState } from '../../../src/ledger/genesis.ts';
import type { KeeperSigner } from '../../../src/ledger/keeper/types.ts';
import { initialParameters } from '../../../src/ledger/parameters.ts';
import { stateRootOf } from '../../../src/ledger/stateRoot.ts';
import type { Genesis, Keeper, LedgerState } from '../../../src/ledger/types.ts';
import { createSeededRandom } from '../random.ts';
import { KeeperHost, type World } from './host.ts';
import { Liar } from './liar.ts';
import { type Crime, commitInBlock, Mallory } from './mallory.ts';
import { createNetwork } from './network.ts';
import { createOwner, type Owner } from './people.ts';
import type { LedgerPlan } from './plan.ts';
import { createReferee } from './referee.ts';
import { shareTransitions } from './remembered.ts';
import { Replica } from './replica.ts';
import { ed25519Scheme, keyedHashScheme, type Scheme } from './scheme.ts';
import { Wallet } from './wallet.ts';

export type LedgerReport = {
  readonly plan: LedgerPlan;
  readonly violations: readonly string[];
  readonly log: readonly string[];
  readonly height: number;
  readonly epoch: number;
  /** Virtual milliseconds. */
  readonly endedAt: number;
};

/** How long after all is well again everything honest must be final. */
const patienceMs = 60_000;

export const runLedgerHistory = async (plan: LedgerPlan, verbose = false): Promise<LedgerReport> => {
  shareTransitions(plan.seed % 8 !== 0);
  const swarm = createSwarm(plan, verbose);
  const { world } = swarm;
  const { network, referee } = world;
  try {
    await live(swarm);
  } catch (cause) {
    referee.blame(`something threw: ${cause instanceof Error ? cause.stack : cause}`);
  }
  const { position, epoch } = swarm.replica.state;
  return {
    plan,
    violations: referee.violations,
    log: swarm.log,
    height: position.height,
    epoch,
    endedAt: network.now,
  };
};

type Swarm = {
  readonly world: World;
  readonly hosts: readonly KeeperHost[];
  readonly replica: Replica;
  readonly wallets: readonly Wallet[];
  readonly log: readonly string[];
};

const live = async ({ world, hosts, replica, wallets }: Swarm): Promise<void> => {
  const { plan, network, referee } = world;
  const broken = () => referee.violations.length > 0;
  await network.runUntil(broken, plan.healAt);
  if (broken()) return;
  const allDone = () => broken() || wallets.every(({ done }) => done);
  await network.runUntil(allDone, plan.healAt + patienceMs);
  for (const wallet of wallets)
    if (!wallet.done) referee.blame(`"${wallet.left}" is not final a minute after the network healed`);
  if (broken()) return;
  const { epoch } = replica.state;
  const { height } = replica.state.position;
  const honest = hosts.filter((host) => !(host instanceof Liar));
  const together = () => replica.state.epoch > epoch && honest.every((host) => host.height > height);
  await network.runUntil(() => broken() || together(), network.now + patienceMs);
  if (broken()) return;
  if (replica.state.epoch === epoch) referee.blame(`epoch ${epoch} does not end`);
  for (const host of honest)
    if (host.height <= height)
      referee.blame(`${host.name} stays at height ${host.height}, others passed ${height}`);
  inspect(world, honest, replica);
};

const inspect = (world: World, honest: readonly KeeperHost[], replica: Replica): void => {
  const { referee } = world;
  referee.inspect('the replica', replica.state);
  for (const host of honest) {
    referee.inspect(host.name, host.state);
    const same = world.plan.seed % 4 === 0 && host.state.position.height === replica.state.position.height;
    if (same && !equalBytes(stateRootOf(host.state), stateRootOf(replica.state)))
      referee.blame(
        `${host.name} and the replica have different states at height ${replica.state.position.height}`,
      );
  }
};

const createSwarm = (plan: LedgerPlan, verbose: boolean): Swarm => {
  const random = createSeededRandom(plan.seed);
  const scheme = plan.realKeys ? ed25519Scheme() : keyedHashScheme();
  const network = createNetwork(plan, random.fork('network'));
  const log: string[] = [];
  const owners = Array.from({ length: plan.wallets }, (_, i) => createOwner(`owner ${i}`, scheme));
  const mallory = createOwner('mallory', scheme);
  const sleeper = createOwner('sleeper', scheme);
  const signers = Array.from({ length: plan.keepers }, (_, seat) => scheme.signer(`keeper ${seat}`));
  const genesis = genesisOf(plan, signers, [...owners, mallory, sleeper]);
  const joining = joiningOf(plan, genesis, scheme);
  const first = withNewcomer(plan, initialState(genesis), joining?.keeper);
  const addresses = Array.from({ length: plan.keepers + (joining ? 1 : 0) }, (_, i) => i);
  const leastEpochMs = (plan.epochSeconds * 1_000 * 590) / 600 / 1.004 - 1;
  const referee = createReferee(first, scheme, {
    leastEpochMs,
    roots: plan.seed % 16 === 0,
  });
  const world: World = {
    plan,
    network,
    scheme,
    referee,
    genesis: first,
    keepers: addresses,
    replicas: [20],
    joining,
    beacons: signers.map(({ publicKey }) => preimageOf(publicKey)),
    log: (line) => void (verbose && log.push(`${(network.now / 1_000).toFixed(3)} ${line}`)),
  };
  const replica = new Replica(20, world);
  const crime = (): Omit<Crime, 'random' | 'world'> => ({
    state: replica.state,
    mallory,
    victim: owners[0] ?? mallory,
    sleeper,
    past: replica.blocks.flatMap(({ block }) => block.operations),
  });
  const hosts = addresses.map((address) => {
    const own = random.fork(`host ${address}`);
    const signer = signers[address] ?? joining?.signer;
    if (!signer) throw new Error('a keeper needs a key');
    if (!plan.liars.includes(address)) return new KeeperHost(address, world, signer, own);
    const liar = new Liar(address, world, signer, own);
    liar.corrupt((state, attempt) => commitInBlock({ ...crime(), state, world, random: own }, attempt));
    return liar;
  });
  const payees = [...owners, mallory].map(({ id }) => id);
  const wallets = owners.map(
    (owner, i) =>
      new Wallet(world, {
        address: 30 + i,
        owner,
        payees,
        random: random.fork(owner.name),
        state: () => replica.state,
      }),
  );
  if (plan.mallory) new Mallory(world, 29, crime, random.fork('mallory'));
  for (const host of hosts) host.boot();
  const swarm = { world, hosts, replica, wallets, log };
  if (plan.backup) scheduleBackup(swarm, random.fork('backup').next());
  return swarm;
};

/**
 * An old disk comes back. With others around it is told so and counts as one of the f; alone it has to find out, from a replica
 * that holds all it said: what nobody holds is lost, and the page says so.
 */
const scheduleBackup = ({ world, hosts, replica }: Swarm, draw: number): void => {
  const { plan, network } = world;
  const candidates = hosts.filter((host) => !(host instanceof Liar) && host.address < plan.keepers);
  const host = candidates[Math.floor(draw * candidates.length)];
  if (!host) return;
  const comeBack = () => {
    if (plan.keepers === 1 && replica.blocks.length < host.height) {
      network.after(5, comeBack);
      return;
    }
    host.fallen = true;
    host.restoreCopy(plan.keepers > 1);
  };
  network.after(plan.healAt * draw * 0.5, () => host.copyDisk());
  network.after(plan.healAt * (0.5 + draw * 0.4), comeBack);
};

const genesisOf = (
  plan: LedgerPlan,
  signers: readonly KeeperSigner[],
  owners: readonly Owner[],
): Genesis => ({
  v: 1,
  name: 'simulation',
  time: 1_700_000_000_000,
  keepers: signers.map((signer, seat) => keeperOf(`${seat}`, signer, owners)),
  host: hostOf(owners),
  treasury: 1_000_000_000,
  allocations: owners.map(({ id }) => ({ account: id, amount: 50_000_000 })),
  parameters: { ...initialParameters(), epochSeconds: plan.epochSeconds },
  prices: { ocr: 250_000_000 },
});

const keeperOf = (name: string, signer: KeeperSigner, owners: readonly Owner[]): Keeper => ({
  name,
  key: signer.publicKey,
  url: '',
  worker: hostOf(owners),
  beacon: sha256Bytes(preimageOf(signer.publicKey)),
});

const preimageOf = (key: Uint8Array): Uint8Array<ArrayBuffer> => sha256Bytes(key);

const hostOf = (owners: readonly Owner[]): Owner['id'] => {
  const [host] = owners;
  if (!host) throw new Error('somebody must own something');
  return host.id;
};

const joiningOf = ({ newcomer }: LedgerPlan, { keepers }: Genesis, scheme: Scheme): World['joining'] => {
  const leaves = newcomer === undefined ? undefined : keepers[newcomer];
  if (!leaves) return undefined;
  const signer = scheme.signer('newcomer');
  const key = signer.publicKey;
  const keeper = { ...leaves, name: 'newcomer', key, beacon: sha256Bytes(preimageOf(key)) };
  return { keeper, signer, leaves: leaves.key };
};

/** Decided before the first block; else the host proposes it. */
const withNewcomer = (plan: LedgerPlan, state: LedgerState, newcomer: Keeper | undefined): LedgerState => {
  if (!newcomer || plan.newcomerBy === 'proposal') return state;
  const nextKeepers = state.keepers.map((keeper, seat) => (seat === plan.newcomer ? newcomer : keeper));
  return { ...state, nextKeepers };
};
