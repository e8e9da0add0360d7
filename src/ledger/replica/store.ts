import type { AccountId } from '../../core/brand.ts';
import type { Bytes } from '../../core/bytes.ts';
import type { BlockId, Keeper, LedgerEvent } from '../types.ts';
import type { ForkProof, OrderedOperation } from './types.ts';

/**
 * Where one swarm's replica is kept: certified blocks by height, the newest snapshot, the own account's history. Everything but
 * the history can be had again from others, so writes need not be strict. Several tabs write the same to it, and each write
 * is whole or not at all: one that comes late finds its blocks there and changes nothing. What it gives back is checked by
 * the reader. Rejects with a StorageError.
 */
export interface LedgerStore {
  /** Whether it outlives the tab. */
  readonly durable: boolean;
  snapshot(): Promise<unknown>;
  /** In rising order. */
  blocks(after: number, count: number): Promise<readonly unknown[]>;
  /** Blocks that follow one another, with what the own account did in them. */
  append(blocks: readonly StoredBlock[], own: readonly OwnRow[]): Promise<void>;
  /** Replaces an older one; leaves a newer one, of another tab, alone. */
  putSnapshot(snapshot: StoredSnapshot): Promise<void>;
  /** Takes away blocks below a height that hold operations of epochs before `epoch`; epoch blocks stay. */
  prune(below: number, epoch: number): Promise<void>;
  /** Takes away every block above a height. */
  dropAfter(height: number): Promise<void>;
  /** Takes away snapshot and blocks; the own history stays. */
  clear(): Promise<void>;
  /** Newest first. */
  history(account: AccountId, before: number, count: number): Promise<readonly OwnRow[]>;
  ownOperation(account: AccountId, seq: number): Promise<OrderedOperation | undefined>;
  putFork(proof: ForkProof): Promise<void>;
  forks(): Promise<readonly ForkProof[]>;
  close(): void;
}

/** What happened in it is found again by applying it: kept beside it, it would take three times its room. */
export type StoredBlock = {
  readonly height: number;
  readonly id: BlockId;
  readonly epoch: number;
  readonly kind: 'operations' | 'epoch';
  readonly time: number;
  readonly bytes: Bytes;
};

/** What happened to the own account in one block. */
export type OwnRow = {
  readonly account: AccountId;
  readonly height: number;
  readonly epoch: number;
  readonly time: number;
  readonly events: readonly LedgerEvent[];
  /** With the memo of a transfer: this row outlives the block, and the outbox of who sent it. */
  readonly operations: readonly (Omit<OrderedOperation, 'height'> & { readonly memo?: string })[];
};

export const snapshotVersion = 1;
export type StoredSnapshot = {
  readonly v: typeof snapshotVersion;
  readonly height: number;
  /** The certified epoch block after which the state is this. */
  readonly block: Bytes;
  readonly parts: readonly Bytes[];
  /** Over the parts, in order: tells a damaged copy without hashing the state. */
  readonly digest: Bytes;
  /** Who certified what, as far as it changed: see `replica.ts`. */
  readonly spans: readonly KeeperSpan[];
};

/** From height `from` on blocks are certified by keepers with these keys. */
export type KeeperSpan = { readonly from: number; readonly keepers: readonly Keeper[] };

/** For private windows and tests: the same promises, for as long as the tab lives. */
export const createMemoryLedgerStore = (): LedgerStore => {
  let snapshot: StoredSnapshot | undefined;
  let blocks = new Map<number, StoredBlock>();
  const rows = new Map<string, OwnRow>();
  const forks = new Map<number, ForkProof>();
  const rising = () => [...blocks.values()].sort((a, b) => a.height - b.height);
  const keepBlocks = (keep: (block: StoredBlock) => boolean) => {
    blocks = new Map([...blocks].filter(([, block]) => keep(block)));
  };
  const ofAccount = (account: AccountId) =>
    [...rows.values()].filter((row) => row.account === account).sort((a, b) => b.height - a.height);
  return {
    durable: false,
    snapshot: async () => snapshot,
    blocks: async (after, count) =>
      rising()
        .filter(({ height }) => height > after)
        .slice(0, count),
    async append(added, own) {
      for (const block of added) blocks.set(block.height, block);
      for (const row of own) rows.set(`${row.account}/${row.height}`, row);
    },
    async putSnapshot(next) {
      if (!snapshot || snapshot.height < next.height) snapshot = next;
    },
    prune: async (below, epoch) =>
      keepBlocks((block) => block.kind === 'epoch' || block.height >= below || block.epoch >= epoch),
    dropAfter: async (last) => keepBlocks(({ height }) => height <= last),
    async clear() {
      snapshot = undefined;
      blocks.clear();
    },
    history: async (account, before, count) =>
      ofAccount(account)
        .filter(({ height }) => height < before)
        .slice(0, count),
    async ownOperation(account, seq) {
      for (const { operations, height } of ofAccount(account)) {
        const found = operations.find((operation) => operation.seq === seq);
        if (found) return { ...found, height };
      }
      return undefined;
    },
    putFork: async (proof) => void forks.set(proof.height, proof),
    forks: async () => [...forks.values()],
    close() {},
  };
};
