import 'fake-indexeddb/auto';
import { describe, expect, it } from 'vitest';
import type { AccountId } from '../../src/core/brand.ts';
import {
  createMemoryLedgerStore,
  type LedgerStore,
  type OwnRow,
  type StoredBlock,
  type StoredSnapshot,
} from '../../src/ledger/replica/store.ts';
import type { BlockId, NetId, OperationId } from '../../src/ledger/types.ts';
import { openLedgerStore } from '../../src/platform/browser/ledgerStore.ts';

let nets = 0;
const stores: Record<string, () => Promise<LedgerStore>> = {
  memory: async () => createMemoryLedgerStore(),
  IndexedDB: () => openLedgerStore(`net-${nets++}` as NetId, { onGivenWay: () => {} }),
};
const block = (height: number, about: Partial<StoredBlock> = {}): StoredBlock => ({
  height,
  id: `block ${height}` as BlockId,
  epoch: Math.floor(height / 3),
  kind: height % 3 === 0 ? 'epoch' : 'operations',
  time: height,
  bytes: Uint8Array.of(height),
  ...about,
});
const blocks = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, at) => block(from + at));
const [ana, ben] = ['ana', 'ben'] as AccountId[] as [AccountId, AccountId];
const row = (account: AccountId, height: number, ...seqs: number[]): OwnRow => ({
  account,
  height,
  epoch: 0,
  time: height,
  events: [],
  operations: seqs.map((seq) => ({ seq, id: `operation ${seq}` as OperationId })),
});
const snapshot = (height: number): StoredSnapshot => ({
  v: 1,
  height,
  block: Uint8Array.of(height),
  parts: [Uint8Array.of(1), Uint8Array.of(2)],
  digest: Uint8Array.of(3),
  spans: [],
});
const heights = async (store: LedgerStore, after = 0, count = 100) =>
  (await store.blocks(after, count)).map((stored) => (stored as StoredBlock).height);

describe.each(Object.entries(stores))('ledger store: %s', (_name, open) => {
  it('gives blocks in the order of their heights, some at a time', async () => {
    const store = await open();
    await store.append(blocks(9, 12), []);
    await store.append(blocks(1, 8), []);
    expect(await heights(store)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    expect(await heights(store, 4, 3)).toEqual([5, 6, 7]);
    expect((await store.blocks(11, 5))[0]).toEqual(block(12));
  });

  it('takes the same blocks from two tabs', async () => {
    const store = await open();
    await Promise.all([store.append(blocks(1, 4), [row(ana, 2, 1)]), store.append(blocks(3, 5), [])]);
    await store.append(blocks(1, 5), [row(ana, 2, 1)]);
    expect(await heights(store)).toEqual([1, 2, 3, 4, 5]);
    expect(await store.history(ana, 100, 10)).toHaveLength(1);
  });

  it('keeps the newest snapshot, whoever comes late', async () => {
    const store = await open();
    expect(await store.snapshot()).toBeUndefined();
    await store.putSnapshot(snapshot(6));
    await store.putSnapshot(snapshot(3));
    expect(await store.snapshot()).toEqual(snapshot(6));
  });

  it('prunes bodies below a height and an epoch, and keeps what ends epochs', async () => {
    const store = await open();
    await store.append(blocks(1, 12), []);
    await store.prune(9, 2);
    expect(await heights(store)).toEqual([3, 6, 7, 8, 9, 10, 11, 12]);
    await store.prune(8, 100);
    expect(await heights(store)).toEqual([3, 6, 8, 9, 10, 11, 12]);
    await store.dropAfter(9);
    expect(await heights(store)).toEqual([3, 6, 8, 9]);
  });

  it('tells the own history newest first, and who took which number', async () => {
    const store = await open();
    await store.append(blocks(1, 6), [row(ana, 2, 1), row(ana, 4), row(ana, 6, 2, 3), row(ben, 5, 1)]);
    expect((await store.history(ana, 6, 10)).map(({ height }) => height)).toEqual([4, 2]);
    expect((await store.history(ana, 100, 1)).map(({ height }) => height)).toEqual([6]);
    expect(await store.ownOperation(ana, 3)).toEqual({ seq: 3, id: 'operation 3', height: 6 });
    expect(await store.ownOperation(ana, 4)).toBeUndefined();
  });

  it('clears what can be had again, and keeps history and proofs', async () => {
    const store = await open();
    await store.append(blocks(1, 3), [row(ana, 2, 1)]);
    await store.putSnapshot(snapshot(3));
    const proof = { height: 3, ours: Uint8Array.of(1), theirs: Uint8Array.of(2) };
    await store.putFork(proof);
    await store.clear();
    expect(await heights(store)).toEqual([]);
    expect(await store.snapshot()).toBeUndefined();
    expect(await store.history(ana, 100, 10)).toHaveLength(1);
    expect(await store.forks()).toEqual([proof]);
  });
});

describe('ledger store: IndexedDB', () => {
  it('is not opened by an older page once a newer one has changed it', async () => {
    const net = `net-${nets++}` as NetId;
    (await openLedgerStore(net, { onGivenWay: () => {}, version: 2 })).close();
    await expect(openLedgerStore(net, { onGivenWay: () => {} })).rejects.toMatchObject({ code: 'newer' });
  });
});
