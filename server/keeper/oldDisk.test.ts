import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { type LedgerDeps, openLedger } from '../../src/app/ledger/openLedger.ts';
import { createEmitter } from '../../src/core/events.ts';
import { silentTelemetry } from '../../src/core/ports/telemetry.ts';
import { err, fault, ok, unwrap } from '../../src/core/result.ts';
import { genesisBytes } from '../../src/ledger/genesis.ts';
import type { OpenLedgerSocket } from '../../src/ledger/replica/keeperSocket.ts';
import { createMemoryLedgerStore } from '../../src/ledger/replica/store.ts';
import { openBodyOf, type Person } from '../../src/ledger/testDoubles.ts';
import type { OverlayChange } from '../../src/mesh/contracts.ts';
import {
  createNodeClock,
  createNodeCrypto,
  createNodeRandom,
  createNodeTimers,
} from '../../src/platform/node/index.ts';
import { createMemoryStore } from '../../src/storage/index.ts';
import { createLedgerApi } from '../../workers/ledgerApi.ts';
import { type Committee, createRealPerson, startCommittee } from './testDoubles.ts';

const [anna, ben] = [createRealPerson('anna'), createRealPerson('ben')];
const soon = { timeout: 10_000, interval: 10 };

let host: Committee;
const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
  await host.close();
});

const openSocket: OpenLedgerSocket = (url, on) => {
  const socket = new WebSocket(url);
  socket.on('open', on.open);
  socket.on('message', (data: Buffer) => on.message(new Uint8Array(data)));
  socket.on('close', on.closed);
  socket.on('error', () => {});
  return {
    send(message) {
      if (socket.readyState === WebSocket.OPEN) socket.send(message);
    },
    close: () => socket.terminate(),
  };
};

/** A tab's ledger over a real socket: replica, wallet and what it keeps, in this process. */
const openTab = async (person: Person) => {
  const [crypto, clock] = [createNodeCrypto(), createNodeClock()];
  const timers = createNodeTimers({ holdsProcess: false });
  const store = createMemoryLedgerStore();
  const api = createLedgerApi({
    openStore: async () => store,
    openSocket,
    crypto,
    clock,
    timers,
    random: () => 0,
  });
  const nobody = async () => err(fault('peer-lost' as const, 'nobody'));
  const ledger = unwrap(
    await openLedger({
      store: createMemoryStore(),
      crypto,
      locks: { acquire: async () => () => {} },
      clock,
      timers,
      random: createNodeRandom(),
      telemetry: silentTelemetry,
      identity: {
        account: person.id,
        deviceSigner: {
          publicKey: person.device.publicKey,
          sign: async (bytes) => person.device.sign(bytes),
        },
        credentials: { device: { v: 1, ...openBodyOf(person) } } as LedgerDeps['identity']['credentials'],
      },
      network: {
        overlay: { peers: () => [], changes: createEmitter<OverlayChange>().subscribe, expel() {} },
        rpc: { call: nobody, handle: () => () => {} } as LedgerDeps['network']['rpc'],
      },
      spawn: () => ({ api, signs: () => () => {}, ended: () => () => {}, abort() {}, terminate() {} }),
      fetchGenesis: async () => ok(genesisBytes(host.genesis)),
      tabs: { announce() {}, heard: () => () => {} },
      origin: host.urlOf(0).replace('ws:', 'http:').replace('/ledger', ''),
    }),
  );
  closers.push(ledger.close);
  return ledger;
};
type Tab = Awaited<ReturnType<typeof openTab>>;

const pay = async (tab: Tab, to: Person, amount: number) =>
  expect(await unwrap(await tab.vcoin.transfer(to.id, amount)).settled()).toMatchObject({ phase: 'final' });
const heightOf = (tab: Tab) => tab.access.state.get()?.position.height ?? 0;
const driver = () => {
  const keeper = host.keepers[0];
  if (!keeper) throw new Error('the host does not run');
  return keeper.service.driver;
};
const blocksHere = async (tab: Tab) => tab.log.blocks(0, 1_000, 10_000_000);

/** The host's disk as it was two payments after its beginning, and a tab that saw many more: they are given back in parts. */
const loseDisk = async () => {
  const annasTab = await openTab(anna);
  const bensTab = await openTab(ben);
  await pay(annasTab, ben, 1);
  await pay(bensTab, anna, 2);
  const [data, old] = [join(host.folder, '0'), join(host.folder, 'old')];
  await cp(data, old, { recursive: true });
  const copied = driver().ledger().position.height;
  for (let amount = 10; amount < 30; amount++) await pay(annasTab, ben, amount);
  const { height } = driver().ledger().position;
  await expect.poll(() => heightOf(bensTab), soon).toBe(height);
  await annasTab.close();
  await host.stop(0);
  await rm(data, { recursive: true });
  await cp(old, data, { recursive: true });
  return { bensTab, copied, height, known: await blocksHere(bensTab) };
};

describe('a host that goes back to an old disk', { timeout: 15_000 }, () => {
  it.each([
    ['signs at once', 0],
    ['waits a moment first, as hosts do', 1_500],
  ])('is given back what it lost before it orders anything else, if it %s', async (_, graceMs) => {
    host = await startCommittee(1, { rich: [anna, ben], options: { machine: { graceMs } } });
    const { bensTab, copied, height, known } = await loseDisk();
    // Waits for the host, and could be ordered after the old end of the log just as well.
    const sent = unwrap(await bensTab.vcoin.transfer(anna.id, 7));
    await host.start(0);
    expect(driver().ledger().position.height).toBe(copied);
    expect(await sent.settled()).toMatchObject({ phase: 'final', height: height + 1 });
    const there = await driver().store.blocks(0, 1_000, 10_000_000);
    expect(there.slice(0, height)).toEqual(known);
    expect(await blocksHere(bensTab)).toEqual(there);
    expect(bensTab.status.get()).toMatchObject({ phase: { phase: 'following' }, problem: undefined });
    expect([driver().phase(), driver().fault()]).toEqual(['voting', undefined]);
    // Somebody who comes without any history sees the same.
    const newcomer = await openTab(createRealPerson('cem'));
    await expect.poll(() => heightOf(newcomer), soon).toBe(height + 1);
    expect(newcomer.vcoin.balanceOf(ben.id)).toBe(bensTab.vcoin.balanceOf(ben.id));
  });
});
