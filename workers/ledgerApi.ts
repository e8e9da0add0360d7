import { milliseconds } from '../src/core/brand.ts';
import type { Bytes } from '../src/core/bytes.ts';
import { createEmitter } from '../src/core/events.ts';
import type { Clock } from '../src/core/ports/clock.ts';
import type { CryptoPort } from '../src/core/ports/crypto.ts';
import { silentTelemetry, type Telemetry } from '../src/core/ports/telemetry.ts';
import type { Timers } from '../src/core/ports/timers.ts';
import { err, type Fault, fault, ok, type Result } from '../src/core/result.ts';
import { netIdOf } from '../src/ledger/genesis.ts';
import { createFollower, type Follower, type FollowNews } from '../src/ledger/replica/follower.ts';
import {
  type KeeperSocket,
  type OpenLedgerSocket,
  openKeeperSocket,
} from '../src/ledger/replica/keeperSocket.ts';
import { keptEpochs } from '../src/ledger/replica/keeping.ts';
import { openStored } from '../src/ledger/replica/openStored.ts';
import type { LedgerSource, SourceNews, SourceStatus } from '../src/ledger/replica/source.ts';
import { partsOfState } from '../src/ledger/replica/stateParts.ts';
import type { LedgerStore, StoredSnapshot } from '../src/ledger/replica/store.ts';
import type { NetId } from '../src/ledger/types.ts';
import type { LedgerNews, LedgerPeers, LedgerWorkerApi } from './protocol.ts';

export type LedgerApiDeps = {
  /** Resolves with a store in memory where the browser keeps nothing. */
  readonly openStore: (net: NetId) => Promise<LedgerStore>;
  readonly openSocket: OpenLedgerSocket;
  readonly crypto: Pick<CryptoPort, 'verify' | 'digest'>;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: () => number;
};

/** To a keeper that lost its end of the log: slower than its limits, faster than its patience. */
const givenAtOnce = 16;
const giveEvery = milliseconds(500);
/** What the page applies one by one; of more it is told the outcome, so that it never replays a history itself. */
const mostToApply = 500;

type Opened = {
  readonly follower: Follower;
  readonly keepers: readonly (KeeperSocket & Pick<Giving, 'lacks'>)[];
  readonly store: LedgerStore;
  readonly account: Parameters<LedgerWorkerApi['open']>[0]['account'];
  readonly peers: PeersSource;
  readonly page: ReturnType<typeof createPage>;
};

/**
 * The replica in its worker. Why the page gets checked blocks and applies them once more: it needs the whole state at hand,
 * tables can't cross, and applying is cheap: what costs is reading, hashing and verifying, and all of that stays here.
 */
export const createLedgerApi = (deps: LedgerApiDeps): LedgerWorkerApi => {
  let opened: Opened | undefined;
  const isOpen = (): Opened => {
    if (!opened) throw new Error('the ledger was not opened');
    return opened;
  };
  return {
    async open({ genesis, account, keepers: addresses, snapshotBeyond }, tell, peersThere) {
      if (opened) return err(fault('opened', 'the ledger is open already'));
      const startedAt = deps.clock.monotonic();
      const net = netIdOf(genesis);
      const telemetry: Telemetry = {
        ...silentTelemetry,
        log: (level, _component, message) => tell({ kind: 'log', level, message }),
        observe: (name, value) => tell({ kind: 'sample', name, value }),
      };
      const kept = await openOrWhyNot(deps, net);
      if (!kept.ok) return kept;
      const store = kept.value;
      const start = await openStored(genesis, { ...deps, store, telemetry });
      if (!start.ok) return start;
      const [fork] = await store.forks();
      const openMs = deps.clock.monotonic() - startedAt;
      const height = () =>
        opened?.follower.replica.state.position.height ?? start.value.state.position.height;
      const keepers = addresses.map((address) => {
        const keeper = openKeeperSocket(deps, { ...address, net, height });
        const giving = createGiving(
          deps.timers,
          keeper,
          height,
          (after) => framesAfter(store, after, givenAtOnce),
          () => tell({ kind: 'reached' }),
        );
        keeper.news(({ kind }) => kind === 'status' && void giving.onStatus());
        return { ...keeper, lacks: giving.lacks };
      });
      const peers = createPeersSource(peersThere);
      const page = createPage(() => isOpen().follower, tell);
      const follower = createFollower(
        { ...start.value, ...(fork ? { fork } : {}) },
        { ...deps, store, telemetry, sources: [...keepers, peers.source], tell: page.onNews },
        { account, snapshotBeyond, keepEpochs: keptEpochs },
      );
      opened = { follower, keepers, store, account, peers, page };
      for (const keeper of keepers) {
        keeper.answers((answer) => tell({ kind: 'answer', answer }));
        keeper.reached(() => tell({ kind: 'reached' }));
        keeper.news(() => tell({ kind: 'keepers', heights: keepers.map((each) => each.status()?.height) }));
      }
      page.tellState();
      follower.phase.subscribe(page.onPhase);
      follower.start();
      return ok({ durable: store.durable, height: start.value.state.position.height, openMs });
    },
    async send(operations) {
      const { keepers, follower } = isOpen();
      // One that orders alone would order them after the end it has: a second history. Among several, none votes on less.
      const isAlone = follower.replica.state.keepers.length === 1;
      for (const keeper of keepers) if (!isAlone || !keeper.lacks()) keeper.send(operations);
    },
    peersHave: async (status) => isOpen().peers.have(status),
    ordered: (seq) => isOpen().follower.ordered(seq),
    async history(before, count) {
      const { follower, store, account } = isOpen();
      await follower.kept();
      return store.history(account, before, count);
    },
    keepersAt: async (height) => isOpen().follower.replica.keepersAt(height),
    heads: async () => isOpen().follower.replica.heads(),
    compare: (told) => isOpen().follower.compare(told),
    accuse: (block) => isOpen().follower.accuse(block),
    blocks: (after, count, maxBytes) => framesAfter(isOpen().store, after, count, maxBytes),
    async snapshot(part) {
      const kept = (await isOpen().store.snapshot()) as StoredSnapshot | undefined;
      const bytes = kept?.parts[part];
      return kept && bytes && { height: kept.height, block: kept.block, part, of: kept.parts.length, bytes };
    },
    tellState: async () => isOpen().page.tellState(),
    async close() {
      for (const keeper of opened?.keepers ?? []) keeper.close();
      await opened?.follower.close();
      opened = undefined;
    },
  };
};

const openOrWhyNot = async (
  { openStore }: LedgerApiDeps,
  net: NetId,
): Promise<Result<LedgerStore, Fault>> => {
  try {
    return ok(await openStore(net));
  } catch (cause) {
    return err(fault('storage', cause instanceof Error ? cause.message : String(cause)));
  }
};

type Giving = {
  /** Whether it had less than this tab when it last told; unknown is less. */
  lacks(): boolean;
  /** After each status: what it tells between them, it has made. */
  onStatus(): Promise<void>;
};

/**
 * A keeper whose disk is an old one has less than this tab: it is given what it signed, before it signs something else in its
 * place. It asks for nothing itself, because it doesn't know that anything is missing. `onWhole`: it lacks nothing any more.
 */
const createGiving = (
  timers: Timers,
  keeper: KeeperSocket,
  height: () => number,
  framesFrom: (after: number) => Promise<readonly Bytes[]>,
  onWhole: () => void,
): Giving => {
  let isGiving = false;
  let lacked = false;
  let greetedAt = -1;
  const give = async (from: number): Promise<void> => {
    let after = from;
    while (keeper.status() && after < height()) {
      // What can not be read here, another tab has.
      const frames = await framesFrom(after).catch(() => []);
      if (frames.length === 0) break;
      keeper.give(frames);
      after += frames.length;
      await new Promise<void>((resolve) => void timers.after(giveEvery, resolve));
    }
    // As long as it gets on it is asked at once how far it is, so that what waits for it need not wait for its next status.
    if (greetedAt === from) return;
    greetedAt = from;
    keeper.greet();
  };
  return {
    lacks: () => lacked || !keeper.status(),
    async onStatus() {
      const status = keeper.status();
      if (!status) return;
      const wasLacking = lacked;
      lacked = status.height < height();
      if (lacked && !isGiving) {
        isGiving = true;
        await give(status.height);
        isGiving = false;
      } else if (wasLacking && !lacked) {
        greetedAt = -1;
        onWhole();
      }
    },
  };
};

const framesAfter = async (
  store: LedgerStore,
  after: number,
  count: number,
  maxBytes = Number.POSITIVE_INFINITY,
): Promise<readonly Bytes[]> => {
  const frames: Bytes[] = [];
  let bytes = 0;
  for (const record of await store.blocks(after, count)) {
    const frame = frameOf(record, after + frames.length + 1);
    bytes += frame?.byteLength ?? 0;
    if (!frame || bytes > maxBytes) break;
    frames.push(frame);
  }
  return frames;
};

/** Only what follows without a gap is of use: bodies before a snapshot may be gone. */
const frameOf = (record: unknown, height: number): Uint8Array<ArrayBuffer> | undefined => {
  if (typeof record !== 'object' || record === null || !('bytes' in record) || !('height' in record))
    return undefined;
  return record.height === height && record.bytes instanceof Uint8Array
    ? new Uint8Array(record.bytes)
    : undefined;
};

/** What the page is told, and when it is told the whole state instead. */
const createPage = (follower: () => Follower, tell: (news: LedgerNews) => void) => {
  let isBehind = false;
  let applied = 0;
  const tellState = () => {
    isBehind = false;
    applied = 0;
    const { state, epochBlock } = follower().replica;
    for (const part of partsOfState(state)) tell({ kind: 'state', part, epochTime: epochBlock.time });
  };
  return {
    tellState,
    onNews(news: FollowNews) {
      if (news.kind === 'snapshot') {
        isBehind = true;
        return;
      }
      for (const { certified } of news.applied) applied += 1 + certified.block.operations.length;
      if (isBehind || applied > mostToApply) isBehind = true;
      else for (const { certified } of news.applied) tell({ kind: 'block', block: certified.block });
    },
    onPhase(phase: ReturnType<Follower['phase']['get']>) {
      if (phase.phase !== 'catching-up') {
        if (isBehind) tellState();
        applied = 0;
      }
      tell({ kind: 'phase', phase });
    },
  };
};

type PeersSource = {
  readonly source: LedgerSource;
  have(status: SourceStatus | undefined): void;
};

/** The page's links to other tabs, as one source. */
const createPeersSource = (there: LedgerPeers): PeersSource => {
  const news = createEmitter<SourceNews>();
  let status: SourceStatus | undefined;
  return {
    have(next) {
      status = next;
      news.emit({ kind: 'status' });
    },
    source: {
      name: 'peers',
      kind: 'peers',
      status: () => status,
      blocks: (after, count) => there.blocks(after, count),
      snapshot: (part) => there.snapshot(part),
      news: news.subscribe,
      blame: (from, reason) => void there.blame(from, reason),
    },
  };
};
