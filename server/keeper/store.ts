import * as v from 'valibot';
import { type Bytes, equalBytes } from '../../src/core/bytes.ts';
import { encodeCbor } from '../../src/core/codec.ts';
import { err, type Fault, fault, ok, type Result } from '../../src/core/result.ts';
import { countSchema, decodeWith } from '../../src/core/schema.ts';
import { applyBlock } from '../../src/ledger/apply.ts';
import { readCertifiedBlock } from '../../src/ledger/block.ts';
import { genesisBytes, initialState, netIdOf } from '../../src/ledger/genesis.ts';
import { contentOf } from '../../src/ledger/stateRoot.ts';
import { type HashTree, treeFromChunks, treeRoot, treeToChunks } from '../../src/ledger/table/index.ts';
import type { CertifiedBlock, Genesis, LedgerState, OperationId } from '../../src/ledger/types.ts';
import type { OrderedStore, StoreChange } from '../../src/platform/node/index.ts';

/**
 * What a keeper must not forget, in one ordered store:
 *
 *   meta                        {format, net, genesis}
 *   record/<key>                consensus records of undecided heights
 *   block/<height>              certified blocks, without a gap
 *   operation/<id>              the height it became final at
 *   snapshot                    {height, parts}: the newest whole one
 *   snapshot/<height>/<part>    the state after that epoch block
 *
 * Doesn't know consensus: keys of records are the machine's.
 */
export interface KeeperStore {
  /** In order, all or nothing, on disk when it resolves. */
  commit(changes: readonly KeeperChange[]): Promise<void>;
  /**
   * `state`: after this epoch block. The one before is removed. One at a time is written; of those that wait meanwhile the newest,
   * and all of them resolve when it stands. A state that has no chunks is a bug, and rejects.
   */
  keepSnapshot(certified: CertifiedBlock, state: LedgerState): Promise<void>;
  /** Certified blocks from `after` + 1 on: at most `count` and `maxBytes`, but one if there is one. */
  blocks(after: number, count: number, maxBytes: number): Promise<readonly Bytes[]>;
  heightOf(operation: OperationId): Promise<number | undefined>;
  snapshotPart(part: number): Promise<SnapshotPart | undefined>;
  close(): Promise<void>;
}

export type KeeperChange =
  | { readonly kind: 'record'; readonly key: string; readonly record: Bytes }
  /** Records whose key begins so. */
  | { readonly kind: 'forget'; readonly prefix: string }
  | { readonly kind: 'block'; readonly certified: CertifiedBlock; readonly bytes: Bytes };

export type SnapshotPart = {
  readonly height: number;
  readonly block: Bytes;
  readonly part: number;
  readonly of: number;
  readonly bytes: Bytes;
};

type SnapshotDue = { readonly height: number; readonly state: LedgerState };

export type Recovered = {
  readonly store: KeeperStore;
  readonly state: LedgerState;
  readonly records: ReadonlyMap<string, Bytes>;
};

export type KeeperStoreFault = Fault<
  /** it belongs to another swarm */
  | 'other-net'
  /** of a newer version of this program */
  | 'newer'
  /** it can't be told what was promised */
  | 'damaged'
>;

/** Newest snapshot, then the blocks after it, then the records: where the keeper stood when it was last on disk. */
export const recoverKeeper = async (
  store: OrderedStore,
  genesis: Genesis,
): Promise<Result<Recovered, KeeperStoreFault>> => {
  const own = await checkMeta(store, genesis);
  if (!own.ok) return own;
  const begun = await readSnapshot(store, genesis);
  if (!begun.ok) return begun;
  const state = await replay(store, begun.value);
  if (!state.ok) return state;
  const records = new Map(await readRecords(store));
  return ok({ store: createKeeperStore(store, [...records.keys()]), state: state.value, records });
};

const createKeeperStore = (store: OrderedStore, keys: readonly string[]): KeeperStore => {
  const recordKeys = new Set(keys);

  const changesOf = (change: KeeperChange): readonly StoreChange[] => {
    switch (change.kind) {
      case 'record':
        recordKeys.add(change.key);
        return [{ kind: 'put', key: `record/${change.key}`, value: change.record }];
      case 'forget': {
        const forgotten = [...recordKeys].filter((key) => key.startsWith(change.prefix));
        for (const key of forgotten) recordKeys.delete(key);
        return forgotten.map((key) => ({ kind: 'delete', key: `record/${key}` }));
      }
      case 'block': {
        const { header, operations } = change.certified.block;
        const height = encodeCbor(header.height);
        return [
          { kind: 'put', key: blockKey(header.height), value: change.bytes },
          ...operations.map(({ id }) => ({ kind: 'put' as const, key: `operation/${id}`, value: height })),
        ];
      }
      default:
        return change satisfies never;
    }
  };

  const writeSnapshot = async ({ height, state }: SnapshotDue) => {
    const chunks = treeToChunks(contentOf(state));
    if (!chunks.ok) throw new Error(chunks.error.message);
    const before = await readPointer(store);
    const parts = chunks.value.map((value, part) => ({
      kind: 'put' as const,
      key: partKey(height, part),
      value,
    }));
    // Parts first: they may be more than one write should hold, and mean nothing until the pointer names them.
    for (const part of parts) await store.write([part], false);
    const pointer = encodeCbor({ height, parts: parts.length });
    const old = Array.from({ length: before && before.height !== height ? before.parts : 0 }, (_, part) => ({
      kind: 'delete' as const,
      key: partKey(before?.height ?? 0, part),
    }));
    await store.write([{ kind: 'put', key: 'snapshot', value: pointer }, ...old], true);
  };
  // Two at once would each remove what stood before both of them, and leave one's parts behind for ever.
  let due: SnapshotDue | undefined;
  let writing: Promise<void> | undefined;
  const writeDue = async () => {
    try {
      for (let next = due; next; next = due) {
        due = undefined;
        await writeSnapshot(next);
      }
    } finally {
      writing = undefined;
    }
  };

  return {
    commit: (changes) => store.write(changes.flatMap(changesOf), true),
    keepSnapshot({ block }, state) {
      due = { height: block.header.height, state };
      writing ??= writeDue();
      return writing;
    },
    async blocks(after, count, maxBytes) {
      const taken: Bytes[] = [];
      let bytes = 0;
      let limit = Math.min(blocksPerFirstRead, count);
      while (limit > 0) {
        const from = after + 1 + taken.length;
        const found = await store.range(blockKey(from), blockKey(from + limit), limit);
        for (const [, block] of found) {
          bytes += block.byteLength + 8;
          if (bytes > maxBytes && taken.length > 0) return taken;
          taken.push(block);
        }
        if (found.length < limit) break;
        // As many as fit if they are like those before: what is read and not given costs whoever asks nothing.
        const fit = Math.floor((maxBytes - bytes) / (bytes / taken.length));
        limit = Math.min(blocksPerRead, count - taken.length, fit);
      }
      return taken;
    },
    async heightOf(operation) {
      const value = await store.get(`operation/${operation}`);
      if (!value) return undefined;
      const height = decodeWith(heightSchema, value);
      return height.ok ? height.value : undefined;
    },
    async snapshotPart(part) {
      for (let pointer = await readPointer(store); pointer && part < pointer.parts; ) {
        const { height, parts } = pointer;
        const [bytes, block] = await Promise.all([
          store.get(partKey(height, part)),
          store.get(blockKey(height)),
        ]);
        if (bytes && block) return { height, block, part, of: parts, bytes };
        // A newer one may have taken its place between the reads; else it is damaged.
        pointer = await readPointer(store);
        if (pointer?.height === height) return undefined;
      }
      return undefined;
    },
    close: () => store.close(),
  };
};

const checkMeta = async (store: OrderedStore, genesis: Genesis): Promise<Result<void, KeeperStoreFault>> => {
  const net = netIdOf(genesis);
  const meta = await store.get('meta');
  if (!meta) {
    const [first] = await store.range('', '~', 1);
    if (first) return damaged('it holds something, but not whose it is');
    const value = encodeCbor({ format: storeFormat, net, genesis: genesisBytes(genesis) });
    await store.write([{ kind: 'put', key: 'meta', value }], true);
    return ok(undefined);
  }
  const read = decodeWith(metaSchema, meta);
  if (!read.ok) return damaged(`what it is of can not be read: ${read.error.message}`);
  if (read.value.format !== storeFormat)
    return err(
      fault('newer', `this keeper's data has format ${read.value.format}: update the program that reads it`),
    );
  if (read.value.net === net) return ok(undefined);
  return err(
    fault(
      'other-net',
      `this folder belongs to the ledger ${read.value.net}, the genesis names ${net}: give another folder, or the genesis it was begun with`,
    ),
  );
};

const readSnapshot = async (
  store: OrderedStore,
  genesis: Genesis,
): Promise<Result<LedgerState, KeeperStoreFault>> => {
  const value = await store.get('snapshot');
  if (!value) return ok(initialState(genesis));
  const pointer = decodeWith(pointerSchema, value);
  if (!pointer.ok) return damaged(`its snapshot's entry: ${pointer.error.message}`);
  const { height, parts } = pointer.value;
  const block = await readBlock(store, height);
  if (!block.ok) return block;
  const { header, id } = block.value.block;
  if (header.kind !== 'epoch') return damaged(`the snapshot of height ${height} has no epoch block`);
  const chunks: Bytes[] = [];
  for (let part = 0; part < parts; part++) {
    const chunk = await store.get(partKey(height, part));
    if (!chunk) return damaged(`part ${part} of ${parts} of the snapshot of height ${height} is missing`);
    chunks.push(chunk);
  }
  const tree = treeFromChunks(chunks);
  if (!tree.ok) return damaged(`the snapshot of height ${height}: ${tree.error.message}`);
  if (!equalBytes(treeRoot(tree.value), header.stateRoot))
    return damaged(`the snapshot of height ${height} is not the state that its epoch block names`);
  const position = {
    height,
    head: id,
    creator: header.creator,
    time: header.time,
    stateRoot: header.stateRoot,
  };
  return ok({ ...contentFrom(tree.value), position });
};

/** Its root is the certified one of a state, so its members are a state's. */
const contentFrom = (tree: HashTree) => tree as unknown as Omit<LedgerState, 'position'>;

const replay = async (
  store: OrderedStore,
  from: LedgerState,
): Promise<Result<LedgerState, KeeperStoreFault>> => {
  let state = from;
  const newest = await newestHeight(store);
  if (newest < state.position.height)
    return damaged(`the newest block is ${newest}, the snapshot is of ${state.position.height}`);
  while (state.position.height < newest) {
    const block = await readBlock(store, state.position.height + 1);
    if (!block.ok) return block;
    const applied = applyBlock(state, block.value.block);
    if (!applied.ok) return damaged(`block ${state.position.height + 1}: ${applied.error.message}`);
    state = applied.value.state;
  }
  return ok(state);
};

const newestHeight = async (store: OrderedStore): Promise<number> => {
  const found = await store.last('block/', 'block/~');
  return found ? Number(found[0].slice('block/'.length)) : 0;
};

const readBlock = async (
  store: OrderedStore,
  height: number,
): Promise<Result<CertifiedBlock, KeeperStoreFault>> => {
  const bytes = await store.get(blockKey(height));
  if (!bytes) return damaged(`block ${height} is missing`);
  const block = readCertifiedBlock(bytes);
  return block.ok ? block : damaged(`block ${height}: ${block.error.message}`);
};

const readRecords = async (store: OrderedStore) =>
  (await store.range('record/', 'record/~')).map(
    ([key, record]) => [key.slice('record/'.length), record] as const,
  );

const readPointer = async (store: OrderedStore) => {
  const value = await store.get('snapshot');
  if (!value) return undefined;
  const pointer = decodeWith(pointerSchema, value);
  if (!pointer.ok) throw new Error(`the snapshot's entry is unreadable: ${pointer.error.message}`);
  return pointer.value;
};

const storeFormat = 1;
const blocksPerRead = 16;
/** Before it is known how large they are. The largest have a mebibyte. */
const blocksPerFirstRead = 4;
const count = countSchema(Number.MAX_SAFE_INTEGER);
const metaSchema = v.strictObject({ format: count, net: v.string(), genesis: v.instance(Uint8Array) });
const pointerSchema = v.strictObject({ height: count, parts: count });
const heightSchema = count;

/** Sixteen digits hold every safe integer, and texts of one length sort as their numbers. */
const numbered = (value: number): string => String(value).padStart(16, '0');
const blockKey = (height: number): string => `block/${numbered(height)}`;
const partKey = (height: number, part: number): string => `snapshot/${numbered(height)}/${numbered(part)}`;

const damaged = (what: string) =>
  err(
    fault(
      'damaged',
      `the keeper's data is damaged: ${what}. It must not vote from it: move the folder away and start with an empty one. It then fetches the blocks from the others, and needs a new key if it may have voted since`,
    ),
  );
