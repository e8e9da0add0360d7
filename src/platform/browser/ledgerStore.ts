import type { DBSchema } from 'idb';
import type { AccountId } from '../../core/brand.ts';
import type { LedgerStore, OwnRow, StoredBlock, StoredSnapshot } from '../../ledger/replica/store.ts';
import type { ForkProof } from '../../ledger/replica/types.ts';
import type { NetId } from '../../ledger/types.ts';
import { type BrowserStoreOptions, createConnection } from './storage.ts';

/** Raised whenever an object store is added. */
const currentVersion = 1;

type Schema = DBSchema & {
  blocks: { key: number; value: StoredBlock };
  snapshot: { key: string; value: StoredSnapshot };
  own: { key: [AccountId, number]; value: OwnRow };
  ordered: { key: [AccountId, number]; value: OwnRow['operations'][number] & { readonly height: number } };
  forks: { key: number; value: ForkProof };
};
const storeNames = ['blocks', 'snapshot', 'own', 'ordered', 'forks'] as const;

/**
 * A swarm's replica in a database of its own: it may be large, and it can be dropped whole without touching what can't be had
 * again. Every change is one transaction, so another tab sees all of it or nothing.
 */
export const openLedgerStore = async (net: NetId, options: BrowserStoreOptions): Promise<LedgerStore> => {
  const connection = createConnection<Schema>(`aivillage-ledger-${net}`, {
    ...options,
    version: options.version ?? currentVersion,
    upgrade(opened) {
      for (const name of storeNames)
        if (!opened.objectStoreNames.contains(name)) opened.createObjectStore(name);
    },
  });
  await connection.run(async () => {});
  return {
    durable: true,
    snapshot: () => connection.run((database) => database.get('snapshot', 'newest')),
    blocks: (after, count) =>
      connection.run((database) =>
        database.getAll('blocks', IDBKeyRange.lowerBound(after, true), Math.max(1, count)),
      ),
    append: (blocks, own) =>
      connection.run(async (database) => {
        const last = blocks.at(-1);
        if (!last) return;
        const transaction = database.transaction(['blocks', 'own', 'ordered', 'snapshot'], 'readwrite');
        const store = transaction.objectStore('blocks');
        const [known, snapshot] = await Promise.all([
          store.getKey(last.height),
          transaction.objectStore('snapshot').get('newest'),
        ]);
        // Another tab was faster: it wrote the same.
        const isThere = known !== undefined || (snapshot !== undefined && snapshot.height >= last.height);
        const writes: Promise<unknown>[] = isThere
          ? []
          : blocks.map((block) => store.put(block, block.height));
        for (const row of own) {
          writes.push(transaction.objectStore('own').put(row, [row.account, row.height]));
          for (const operation of row.operations)
            writes.push(
              transaction
                .objectStore('ordered')
                .put({ ...operation, height: row.height }, [row.account, operation.seq]),
            );
        }
        await Promise.all([...writes, transaction.done]);
      }),
    putSnapshot: (next) =>
      connection.run(async (database) => {
        const transaction = database.transaction('snapshot', 'readwrite');
        const kept = await transaction.store.get('newest');
        if (!kept || kept.height < next.height) await transaction.store.put(next, 'newest');
        await transaction.done;
      }),
    prune: (below, epoch) =>
      connection.run(async (database) => {
        const transaction = database.transaction('blocks', 'readwrite');
        let cursor = await transaction.store.openCursor(IDBKeyRange.upperBound(below, true));
        while (cursor && cursor.value.epoch < epoch) {
          if (cursor.value.kind === 'operations') await cursor.delete();
          cursor = await cursor.continue();
        }
        await transaction.done;
      }),
    dropAfter: (height) =>
      connection.run((database) => database.delete('blocks', IDBKeyRange.lowerBound(height, true))),
    clear: () =>
      connection.run(async (database) => {
        const transaction = database.transaction(['blocks', 'snapshot'], 'readwrite');
        await Promise.all([
          transaction.objectStore('blocks').clear(),
          transaction.objectStore('snapshot').clear(),
          transaction.done,
        ]);
      }),
    history: (account, before, count) =>
      connection.run(async (database) => {
        const rows: OwnRow[] = [];
        const range = IDBKeyRange.bound([account, 0], [account, before], false, true);
        let cursor = await database.transaction('own').store.openCursor(range, 'prev');
        while (cursor && rows.length < count) {
          rows.push(cursor.value);
          cursor = await cursor.continue();
        }
        return rows;
      }),
    ownOperation: (account, seq) => connection.run((database) => database.get('ordered', [account, seq])),
    putFork: (proof) =>
      connection.run(async (database) => void (await database.put('forks', proof, proof.height))),
    forks: () => connection.run((database) => database.getAll('forks')),
    close: connection.close,
  };
};
