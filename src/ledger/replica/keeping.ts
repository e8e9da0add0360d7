import { createBoundedMap } from '../../core/boundedMap.ts';
import type { AccountId } from '../../core/brand.ts';
import type { CryptoPort } from '../../core/ports/crypto.ts';
import type { Telemetry } from '../../core/ports/telemetry.ts';
import type { ReplicaStart, Taken } from './replica.ts';
import { snapshotOf } from './snapshot.ts';
import { readFrames } from './stage.ts';
import type { KeeperSpan, LedgerStore, OwnRow, StoredBlock } from './store.ts';
import type { AppliedBlock, EpochEnd, ForkProof, Frame, OrderedOperation } from './types.ts';

export type KeepingOptions = { readonly account: AccountId; readonly keepEpochs: number };

/** Writes what a replica took. A store that is full or broken is told of once, and the replica lives on in memory. */
export interface Keeping {
  take(
    taken: Taken,
    about: { readonly spans: readonly KeeperSpan[]; readonly catchingUp: boolean },
  ): Promise<void>;
  /** A newer snapshot replaced what was known. */
  restart(start: ReplicaStart): Promise<void>;
  fork(proof: ForkProof): Promise<void>;
  blockAt(height: number): Promise<Frame | undefined>;
  /** What took a number of the own account: known at once, before it is written, and without a store too. */
  ordered(seq: number): Promise<OrderedOperation | undefined>;
  idle(): Promise<void>;
}

/** Bodies of blocks are kept for seven days of ten minutes an epoch. */
export const keptEpochs = 7 * 144;
/** Opening replays what came after the snapshot: so many operations take a tenth of a second. */
const snapshotEvery = 2_000;
/** While all of history comes in, writing a state again and again would cost more than it saves. */
const snapshotEveryCatchingUp = 50_000;
const recentOperations = 4_096;
/** An idle swarm makes epoch blocks only: one day of them. */
const snapshotEveryBlocks = 144;

export const createKeeping = (
  deps: {
    readonly store: LedgerStore;
    readonly crypto: Pick<CryptoPort, 'digest'>;
    readonly telemetry: Telemetry;
  },
  { account, keepEpochs }: KeepingOptions,
  start: ReplicaStart['snapshot'],
): Keeping => {
  const { store, crypto, telemetry } = deps;
  let { operations, height: last } = start;
  let newest: EpochEnd | undefined;
  let troubled = false;
  const recent = createBoundedMap<number, OrderedOperation>(recentOperations);
  let writes: Promise<void> = Promise.resolve();

  const write = (what: string, change: () => Promise<void>): Promise<void> => {
    writes = writes.then(change).catch((cause) => {
      if (!troubled)
        telemetry.log(
          'error',
          'ledger',
          `${what} could not be kept: ${String(cause)}. It lives as long as this tab.`,
        );
      troubled = true;
    });
    return writes;
  };
  const keepSnapshot = async ({ state, frame }: EpochEnd, spans: readonly KeeperSpan[]) => {
    const snapshot = await snapshotOf(state, frame, spans, (bytes) => crypto.digest(bytes));
    if (!snapshot.ok) return telemetry.log('error', 'ledger', `no snapshot: ${snapshot.error.message}`);
    await store.putSnapshot(snapshot.value);
    await store.prune(snapshot.value.height, Math.max(0, state.epoch - keepEpochs));
    return undefined;
  };
  const isDue = (epochEnd: EpochEnd, catchingUp: boolean): boolean =>
    operations >= (catchingUp ? snapshotEveryCatchingUp : snapshotEvery) ||
    epochEnd.state.position.height - last >= snapshotEveryBlocks * (catchingUp ? 10 : 1);

  return {
    take({ applied, epochEnd }, { spans, catchingUp }) {
      for (const { certified } of applied) operations += certified.block.operations.length;
      const own = applied.flatMap((block) => ownRows(block, account));
      for (const row of own)
        for (const operation of row.operations)
          recent.set(operation.seq, { ...operation, height: row.height });
      const appended = write('the ledger', () => store.append(applied.map(storedBlock), own));
      newest = epochEnd ?? newest;
      const due = newest;
      if (!due || !isDue(due, catchingUp)) return appended;
      operations = 0;
      last = due.state.position.height;
      newest = undefined;
      return write('a snapshot of the ledger', () => keepSnapshot(due, spans));
    },
    restart({ state, last: frame, spans }) {
      operations = 0;
      last = state.position.height;
      if (!frame) return writes;
      return write('a snapshot of the ledger', async () => {
        await store.clear();
        await keepSnapshot({ state, frame }, spans);
      });
    },
    fork: (proof) => write('the proof of a fork', () => store.putFork(proof)),
    async blockAt(height) {
      const [record] = await store.blocks(height - 1, 1).catch(() => []);
      if (typeof record !== 'object' || record === null || !('bytes' in record)) return undefined;
      const { bytes } = record;
      const read = bytes instanceof Uint8Array ? readFrames([new Uint8Array(bytes)]) : undefined;
      const [frame] = read?.ok ? read.value : [];
      return frame?.certified.block.header.height === height ? frame : undefined;
    },
    ordered: async (seq) => recent.get(seq) ?? store.ownOperation(account, seq),
    idle: () => writes,
  };
};

const storedBlock = ({ bytes, certified }: AppliedBlock): StoredBlock => {
  const { id, header } = certified.block;
  const { height, epoch, kind, time } = header;
  return { height, id, epoch, kind, time, bytes };
};

const ownRows = ({ certified, events }: AppliedBlock, account: AccountId): readonly OwnRow[] => {
  const { header, operations } = certified.block;
  const own = operations.filter(({ operation }) => operation.account === account);
  const happened = events.filter((event) => event.account === account);
  if (own.length + happened.length === 0) return [];
  const { height, epoch, time } = header;
  return [
    {
      account,
      height,
      epoch,
      time,
      events: happened,
      operations: own.map(({ id, operation }) => {
        const memo = operation.kind === 'transfer' ? operation.body.memo : undefined;
        return { seq: operation.seq, id, ...(memo === undefined ? {} : { memo }) };
      }),
    },
  ];
};
