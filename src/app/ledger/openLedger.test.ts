import { describe, expect, it } from 'vitest';
import { createLedgerApi } from '../../../workers/ledgerApi.ts';
import type { LedgerWorkerApi } from '../../../workers/protocol.ts';
import { milliseconds } from '../../core/brand.ts';
import type { Bytes } from '../../core/bytes.ts';
import { createEmitter } from '../../core/events.ts';
import { sha256Bytes } from '../../core/hash.ts';
import { silentTelemetry, type Telemetry } from '../../core/ports/telemetry.ts';
import { err, fault, ok, unwrap } from '../../core/result.ts';
import { genesisBytes } from '../../ledger/genesis.ts';
import { readOperation } from '../../ledger/operation.ts';
import { encodeLedgerMessage, type FromKeeper, readToKeeper } from '../../ledger/protocol.ts';
import { forkProofBytes } from '../../ledger/replica/forkProof.ts';
import type { OpenLedgerSocket } from '../../ledger/replica/keeperSocket.ts';
import { createMemoryLedgerStore } from '../../ledger/replica/store.ts';
import { createTestChain, type TestChain } from '../../ledger/replica/testDoubles.ts';
import { stateRootOf } from '../../ledger/stateRoot.ts';
import {
  createPerson,
  createTestGenesis,
  createTestSigner,
  openBodyOf,
  testCrypto,
} from '../../ledger/testDoubles.ts';
import type { Genesis, ReadOperation } from '../../ledger/types.ts';
import type { OverlayChange } from '../../mesh/contracts.ts';
import { createMemoryStore } from '../../storage/index.ts';
import { createForks, keptForkItem } from './forks.ts';
import { verifyFork } from './forkView.ts';
import { type LedgerDeps, type OpenLedger, openLedger } from './openLedger.ts';

const [ana, ben] = [createPerson('ana'), createPerson('ben')];
const genesis = createTestGenesis({ allocations: [{ account: ana.id, amount: 100_000_000 }] });
const settle = async () => {
  for (let i = 0; i < 500; i++) await Promise.resolve();
};

/** A keeper that orders when it is told to. */
const createKeeper = (chain: TestChain = createTestChain(genesis)) => {
  const waiting = new Map<string, ReadOperation>();
  const pushes = createEmitter<Bytes>();
  const given: Bytes[] = [];
  const openSocket: OpenLedgerSocket = (_url, on) => {
    const say = (message: FromKeeper) => queueMicrotask(() => on.message(encodeLedgerMessage(message)));
    const { state } = chain;
    const status = () => ({
      t: 'status' as const,
      v: 1 as const,
      net: state.net,
      height: chain.frames.length,
      head: chain.state.position.head,
      epoch: chain.state.epoch,
      earliest: 1,
    });
    const stop = pushes.subscribe((bytes) => say({ t: 'block', bytes }));
    queueMicrotask(on.open);
    return {
      send(bytes) {
        const message = unwrap(readToKeeper(bytes));
        if (message.t === 'hello') say(status());
        if (message.t === 'get')
          say({
            t: 'blocks',
            after: message.after,
            blocks: chain.frames.slice(message.after, message.after + message.count),
            height: chain.frames.length,
          });
        if (message.t === 'certified') given.push(message.bytes);
        if (message.t === 'submit') {
          const read = unwrap(readOperation(message));
          waiting.set(read.id, read);
        }
      },
      close: stop,
    };
  };
  return {
    chain,
    given,
    openSocket,
    order() {
      const bytes = chain.order([...waiting.values()]);
      if (bytes) pushes.emit(bytes);
    },
  };
};

const createDevice = () => ({ store: createMemoryStore(), ledger: createMemoryLedgerStore() });
const openTab = async (
  openSocket: OpenLedgerSocket,
  device = createDevice(),
  change: Partial<LedgerDeps> & { readonly shown?: Genesis } = {},
) => {
  const clock = { now: () => milliseconds(0), monotonic: () => milliseconds(1_000) };
  const timers = { after: () => () => {}, every: () => () => {} };
  const api: LedgerWorkerApi = createLedgerApi({
    openStore: async () => device.ledger,
    openSocket,
    crypto: { ...testCrypto, digest: async (bytes) => sha256Bytes(bytes) },
    clock,
    timers,
    random: () => 0.5,
  });
  const cloned: LedgerWorkerApi = {
    ...api,
    open: (input, tell, peers) =>
      api.open(structuredClone(input), (news) => tell(structuredClone(news)), peers),
  };
  const opened = await openLedger({
    store: device.store,
    crypto: {
      signingKeyFromSeed: async () => ({
        publicKey: ana.recovery.publicKey,
        sign: async (message) => ana.recovery.sign(message),
      }),
    },
    locks: { acquire: async () => () => {} },
    clock,
    timers,
    random: { bytes: (length) => new Uint8Array(length).fill(7), next: () => 0 },
    telemetry: silentTelemetry,
    identity: {
      account: ana.id,
      deviceSigner: { publicKey: ana.device.publicKey, sign: async (message) => ana.device.sign(message) },
      credentials: { device: { v: 1, ...openBodyOf(ana) } } as LedgerDeps['identity']['credentials'],
    },
    network: {
      overlay: { peers: () => [], changes: createEmitter<OverlayChange>().subscribe, expel() {} },
      rpc: {
        call: async () => err(fault('peer-lost', 'nobody')),
        handle: () => () => {},
      } as LedgerDeps['network']['rpc'],
    },
    spawn: () => ({ api: cloned, signs: () => () => {}, ended: () => () => {}, abort() {}, terminate() {} }),
    fetchGenesis: async () => ok(genesisBytes(change.shown ?? genesis)),
    tabs: { announce() {}, heard: () => () => {} },
    origin: 'https://village',
    ...change,
  });
  await settle();
  return opened;
};

describe('the ledger in a tab', () => {
  it('catches up, sends what the wallet signs, and shows it when it is final', async () => {
    const keeper = createKeeper();
    keeper.chain.endEpoch();
    const device = createDevice();
    const ledger = unwrap(await openTab(keeper.openSocket, device));
    expect(ledger.access.state.get()?.position.height).toBe(1);
    expect(ledger.status.get()).toMatchObject({ phase: { phase: 'following' }, opened: { durable: false } });
    const sent = unwrap(await ledger.vcoin.transfer(ben.id, 5));
    await settle();
    keeper.order();
    expect(await sent.settled()).toMatchObject({ phase: 'final', height: 2 });
    const state = ledger.access.state.get();
    expect(state && stateRootOf(state)).toEqual(stateRootOf(keeper.chain.state));
    expect(ledger.vcoin.balanceOf(ben.id)).toBe(5);
    const [row] = await ledger.vcoin.history(100, 10);
    expect(row?.events.map(({ what }) => what)).toEqual(['sent', 'fee']);
    await ledger.close();
    const again = unwrap(await openTab(createKeeper(keeper.chain).openSocket, device));
    expect(again.wallet.intents.get().map(({ outcome }) => outcome.phase)).toEqual(['final', 'final']);
  });

  it('measures in its worker how long blocks take', async () => {
    const keeper = createKeeper();
    keeper.chain.open(ana);
    const samples: [string, number][] = [];
    const telemetry: Telemetry = {
      ...silentTelemetry,
      observe: (name, value) => void samples.push([name, value]),
    };
    await unwrap(await openTab(keeper.openSocket, createDevice(), { telemetry })).close();
    expect(samples).toEqual([['ledger_apply_seconds', 0]]);
  });

  it('gives a keeper back what it lost with its disk, and nothing to one that has it all', async () => {
    const keeper = createKeeper();
    for (let i = 0; i < 3; i++) keeper.chain.endEpoch();
    const device = createDevice();
    await unwrap(await openTab(keeper.openSocket, device)).close();
    expect(keeper.given).toEqual([]);
    const restored = createKeeper();
    unwrap(await openTab(restored.openSocket, device));
    await settle();
    expect(restored.given).toEqual(keeper.chain.frames);
  });

  it('stops at a proof that somebody gives as a file, keeps it, and opens it after a reload', async () => {
    const keeper = createKeeper();
    keeper.chain.open(ana);
    const other = keeper.chain.branch();
    const proof = {
      ours: keeper.chain.act(ana, 'transfer', { to: ben.id, amount: 1 }),
      theirs: other.act(ana, 'transfer', { to: ben.id, amount: 2 }),
    };
    keeper.chain.endEpoch();
    const device = createDevice();
    const openForks = (ledger: OpenLedger) =>
      createForks({
        log: ledger.log,
        kept() {
          const { phase } = ledger.status.get();
          return phase.phase === 'forked' ? phase.proof : undefined;
        },
      });
    const ledger = unwrap(await openTab(keeper.openSocket, device));
    unwrap(await openForks(ledger).read(new Blob([forkProofBytes(proof)])));
    expect(ledger.status.get()).toMatchObject({
      phase: { phase: 'forked', proof: { height: 2 } },
      problem: expect.stringContaining('at block 2'),
    });
    await ledger.close();
    const again = unwrap(await openTab(keeper.openSocket, device));
    const found = unwrap(await (openForks(again).find(keptForkItem) ?? Promise.reject(new Error('none'))));
    const verified = await verifyFork(found, { crypto: testCrypto, state: again.access.state.get });
    expect([verified.holds, verified.steps.length]).toEqual([true, 4]);
  });

  it('hands a long history to the page as one state, not block by block', async () => {
    const keeper = createKeeper();
    keeper.chain.open(ana);
    for (let i = 0; i < 600; i++) keeper.chain.act(ana, 'transfer', { to: ben.id, amount: 1 });
    const ledger = unwrap(await openTab(keeper.openSocket));
    for (let i = 0; i < 20; i++) await settle();
    const state = ledger.access.state.get();
    expect(state?.position).toEqual(keeper.chain.state.position);
    expect(state && stateRootOf(state)).toEqual(stateRootOf(keeper.chain.state));
  });

  it('keeps to the ledger it knows when the host shows another one, and says so', async () => {
    const device = createDevice();
    const keeper = createKeeper();
    unwrap(await openTab(keeper.openSocket, device));
    const other = unwrap(
      await openTab(keeper.openSocket, device, { shown: { ...genesis, name: 'another', treasury: 1 } }),
    );
    expect(other.genesis).toEqual(genesis);
    expect(other.status.get().problem).toContain('another ledger');
    const offline = unwrap(
      await openTab(keeper.openSocket, device, { fetchGenesis: async () => err(fault('away', 'no host')) }),
    );
    expect(offline.status.get().problem).toBeUndefined();
  });

  it('can’t begin without the host, nor with what is no ledger', async () => {
    const { openSocket } = createKeeper();
    const away = await openTab(openSocket, createDevice(), {
      fetchGenesis: async () => err(fault('away', 'no host')),
    });
    expect(away).toMatchObject({ ok: false, error: { code: 'away' } });
    const garbage = await openTab(openSocket, createDevice(), {
      fetchGenesis: async () => ok(Uint8Array.of(1)),
    });
    expect(garbage).toMatchObject({ ok: false, error: { code: 'genesis' } });
  });

  it('is moved here by the recovery key after another browser had it', async () => {
    const keeper = createKeeper();
    keeper.chain.open({ ...ana, device: createTestSigner('ana’s old browser') });
    const ledger = unwrap(await openTab(keeper.openSocket));
    expect(ledger.wallet.holder.get()).toBe('elsewhere');
    const moved = unwrap(await ledger.wallet.moveHere(new Uint8Array(32)));
    await settle();
    keeper.order();
    expect(await moved.settled()).toMatchObject({ phase: 'final' });
    await settle();
    expect(ledger.wallet.holder.get()).toBe('here');
    expect((await ledger.vcoin.transfer(ben.id, 3)).ok).toBe(true);
  });
});
