import type { LedgerNews, LedgerOpened, LedgerWorkerApi } from '../../../workers/protocol.ts';
import type { WorkerHandle } from '../../compute/ports.ts';
import type { Bytes } from '../../core/bytes.ts';
import { createEmitter, createStore, type Store, type Subscribe } from '../../core/events.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { CryptoPort } from '../../core/ports/crypto.ts';
import type { Locks } from '../../core/ports/locks.ts';
import type { Random } from '../../core/ports/random.ts';
import type { Telemetry } from '../../core/ports/telemetry.ts';
import type { Timers } from '../../core/ports/timers.ts';
import { err, type Fault, fault, ok, type Result } from '../../core/result.ts';
import type { LocalIdentity } from '../../identity/types.ts';
import type { LedgerAccess } from '../../ledger/access.ts';
import { netIdOf } from '../../ledger/genesis.ts';
import { advanceBy } from '../../ledger/replica/advance.ts';
import type { FollowPhase } from '../../ledger/replica/follower.ts';
import { keptEpochs } from '../../ledger/replica/keeping.ts';
import { createStateBuilder } from '../../ledger/replica/stateParts.ts';
import type { Block, Genesis, LedgerState } from '../../ledger/types.ts';
import { createOutboxStore } from '../../ledger/wallet/outboxStore.ts';
import { createVCoinLedger, type VCoinLedger } from '../../ledger/wallet/vcoin.ts';
import { type KeeperAnswer, openWallet, type Wallet } from '../../ledger/wallet/wallet.ts';
import type { KeyValueStore } from '../../storage/port.ts';
import { measureSubmits } from './measureSubmits.ts';
import { createMeshLedger, type MeshLedgerDeps } from './meshLedger.ts';
import { pinGenesis } from './pinGenesis.ts';

export type LedgerDeps = {
  readonly store: KeyValueStore;
  readonly crypto: Pick<CryptoPort, 'signingKeyFromSeed'>;
  readonly locks: Pick<Locks, 'acquire'>;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly telemetry: Telemetry;
  readonly identity: Pick<LocalIdentity, 'account' | 'deviceSigner' | 'credentials'>;
  readonly network: Pick<MeshLedgerDeps, 'overlay' | 'rpc'>;
  readonly spawn: () => WorkerHandle<LedgerWorkerApi>;
  /** What the host says at /ledger/genesis. */
  readonly fetchGenesis: () => Promise<Result<Bytes, Fault>>;
  /** To the other tabs of this device. */
  readonly tabs: { announce(): void; readonly heard: Subscribe<void> };
  /** Of this page: keepers without an address are here. */
  readonly origin: string;
};

export type LedgerStatus = {
  readonly phase:
    | FollowPhase
    | { readonly phase: 'opening' }
    | { readonly phase: 'stopped'; readonly reason: string };
  readonly opened: LedgerOpened | undefined;
  /** What the person must be told, whatever else is shown. */
  readonly problem: string | undefined;
  /** How far each keeper of genesis says it is; undefined: it can't be reached. */
  readonly keepers: readonly (number | undefined)[];
};

export type OpenLedger = {
  readonly access: LedgerAccess;
  readonly wallet: Pick<Wallet, 'holder' | 'intents' | 'moveHere'>;
  readonly vcoin: VCoinLedger;
  readonly genesis: Genesis;
  readonly status: Store<LedgerStatus>;
  /** Blocks as they become final while the page is open. */
  readonly blocks: Subscribe<Block>;
  /** What is kept here of the log: certified blocks from `after + 1` on, whose certificates they need, and what contradicts it. */
  readonly log: Pick<LedgerWorkerApi, 'blocks' | 'keepersAt' | 'accuse'>;
  close(): Promise<void>;
};

/** A replay of more would keep a newcomer waiting for long; then a certified snapshot is taken. */
const snapshotBeyond = 50_000;

/** The ledger in this tab: the replica in its worker, the wallet, and what other tabs tell. An error leaves nothing open. */
export const openLedger = async (deps: LedgerDeps): Promise<Result<OpenLedger, Fault>> => {
  const { identity, telemetry } = deps;
  const known = await readKnown(deps).catch(storageFault);
  if (!known.ok) return known;
  const { genesis, problem, net, outbox, hasPending } = known.value;
  if (problem) telemetry.log('error', 'ledger', problem);

  const worker = deps.spawn();
  const mesh = createMeshLedger({ ...deps, ...deps.network }, net);
  const view = createPageView(deps, worker.api, problem);
  const stopWatching = worker.ended((reason) => view.stop(`the ledger's worker ended: ${reason}`));
  const opened = await worker.api.open(
    {
      genesis,
      account: identity.account,
      keepers: genesis.keepers.map(({ name, url }) => ({ name, url: socketUrl(url, deps.origin) })),
      // What became of pending operations is told by the blocks, which a snapshot would pass over.
      snapshotBeyond: hasPending ? Number.POSITIVE_INFINITY : snapshotBeyond,
    },
    view.onNews,
    mesh.peers,
  );
  const leave = () => {
    stopWatching();
    mesh.close();
    worker.terminate();
  };
  if (!opened.ok) {
    leave();
    return opened;
  }
  view.onOpened(opened.value);
  mesh.join(worker.api);
  const wallet = await openWallet(
    {
      ...deps,
      store: outbox,
      chain: {
        state: view.state,
        ordered: (seq) => worker.api.ordered(seq),
        epochAgeMs: view.epochAgeMs,
        keptEpochs,
      },
      keepers: {
        send: (operations) => void worker.api.send(operations),
        answers: view.answers,
        reached: view.reached,
      },
    },
    { account: identity.account, device: identity.deviceSigner, certificate: identity.credentials.device },
  ).catch(storageFault);
  if ('ok' in wallet) {
    leave();
    return wallet;
  }
  const stopMeasuring = measureSubmits(deps, wallet.intents);
  return ok({
    access: wallet,
    wallet,
    vcoin: createVCoinLedger(wallet, (before, count) => worker.api.history(before, count)),
    genesis,
    status: view.status,
    blocks: view.blocks,
    log: worker.api,
    async close() {
      stopMeasuring();
      wallet.close();
      await worker.api.close();
      leave();
    },
  });
};

/** What this device knows before anybody is asked but the host for its beginning. */
const readKnown = async ({ store, identity, fetchGenesis }: LedgerDeps) => {
  const pinned = await pinGenesis(store, await fetchGenesis());
  if (!pinned.ok) return pinned;
  const net = netIdOf(pinned.value.genesis);
  const outbox = createOutboxStore(store, net, identity.account);
  const { intents } = await outbox.list();
  const hasPending = intents.some(({ outcome }) => outcome.phase === 'pending');
  return ok({ ...pinned.value, net, outbox, hasPending });
};

const storageFault = (cause: unknown) =>
  err(fault('storage', cause instanceof Error ? cause.message : String(cause)));

/** What the worker tells, put together to the state of now. */
const createPageView = (
  { clock, telemetry }: Pick<LedgerDeps, 'clock' | 'telemetry'>,
  api: LedgerWorkerApi,
  problem: string | undefined,
) => {
  const state = createStore<LedgerState | undefined>(undefined);
  const status = createStore<LedgerStatus>({
    phase: { phase: 'opening' },
    opened: undefined,
    problem,
    keepers: [],
  });
  const answers = createEmitter<KeeperAnswer>();
  const reached = createEmitter<void>();
  const blocks = createEmitter<Block>();
  const builder = createStateBuilder();
  let epochSince = clock.monotonic();

  const onBlock = (block: Block) => {
    const current = state.get();
    if (!current || block.header.height <= current.position.height) return;
    const next = advanceBy(current, block);
    if (!next) {
      telemetry.log(
        'error',
        'ledger',
        `block ${block.header.height} does not apply in the page: all is asked for again`,
      );
      return void api.tellState();
    }
    if (block.header.kind === 'epoch') epochSince = clock.monotonic();
    state.set(next.state);
    return blocks.emit(block);
  };
  return {
    state,
    status,
    answers: answers.subscribe,
    reached: reached.subscribe,
    blocks: blocks.subscribe,
    epochAgeMs: () => clock.monotonic() - epochSince,
    onOpened: (opened: LedgerOpened) => status.update((now) => ({ ...now, opened })),
    stop(reason: string) {
      telemetry.log('error', 'ledger', reason);
      status.update((now) => ({ ...now, phase: { phase: 'stopped', reason } }));
    },
    onNews(news: LedgerNews) {
      switch (news.kind) {
        case 'state': {
          const built = builder.add(news.part);
          if (!built) return;
          // Both times are keepers': their difference says what this device's clock can't.
          const known = Math.min(built.position.time - news.epochTime, built.parameters.epochSeconds * 1_000);
          epochSince = (clock.monotonic() - Math.max(0, known)) as typeof epochSince;
          return state.set(built);
        }
        case 'block':
          return onBlock(news.block);
        case 'phase': {
          const { phase } = news;
          const fork =
            phase.phase === 'forked'
              ? `The keepers of this ledger certified two histories at block ${phase.proof.height}. Both are kept as proof; nothing newer is believed.`
              : undefined;
          return status.update((now) => ({ ...now, phase, problem: fork ?? now.problem }));
        }
        case 'answer':
          return answers.emit(news.answer);
        case 'reached':
          return reached.emit();
        case 'keepers':
          return status.update((now) => ({ ...now, keepers: news.heights }));
        case 'log':
          return telemetry.log(news.level, 'ledger', news.message);
        case 'sample':
          return telemetry.observe(news.name, news.value);
        default:
          return news satisfies never;
      }
    },
  };
};

/** A keeper without an address is the host that the page came from. */
const socketUrl = (url: string, origin: string): string =>
  url === '' ? `${origin.replace(/^http/, 'ws')}/ledger` : url;
