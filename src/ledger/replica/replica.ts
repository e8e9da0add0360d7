import type { CryptoPort } from '../../core/ports/crypto.ts';
import { err, fault, ok, type Result } from '../../core/result.ts';
import { checkCertificate } from '../certificate.ts';
import type { BlockId, Keeper, LedgerState } from '../types.ts';
import { contradict } from './forkProof.ts';
import { withKeepers } from './spans.ts';
import { type Staged, stageBlocks } from './stage.ts';
import type { KeeperSpan } from './store.ts';
import type { ForkProof, Frame, Heads, ReplicaFault } from './types.ts';

/** What a replica begins with: genesis, or what was kept. */
export type ReplicaStart = {
  readonly state: LedgerState;
  readonly spans: readonly KeeperSpan[];
  /** The newest epoch block, or genesis. */
  readonly epochBlock: Heads['epoch'] & { readonly time: number };
  /** The newest block as it is kept: half of the proof if another follows its forerunner. */
  readonly last: Frame | undefined;
  /** What opening starts with, and how many operations it has to apply after it. */
  readonly snapshot: { readonly height: number; readonly operations: number };
  /** Found before, here: then nothing is followed. */
  readonly fork?: ForkProof;
};

export type Taken = Omit<Staged, 'verified'>;

export interface Replica {
  /** All of it is certified, and every rule and signature was checked here, or by the state this one began with. */
  readonly state: LedgerState;
  readonly spans: readonly KeeperSpan[];
  readonly epochBlock: ReplicaStart['epochBlock'];
  /** Of what was taken and is still being checked: where the next blocks follow. */
  readonly tip: LedgerState['position'];
  readonly fork: ForkProof | undefined;
  /**
   * Takes blocks that follow one another; those that are here are passed over. Runs of several calls are checked side by side
   * and become final in order. On an error nothing has changed, and what was taken meanwhile on top of it is dropped.
   */
  take(frames: readonly Frame[]): Promise<Result<Taken, ReplicaFault>>;
  /**
   * Whether a block that contradicts ours is certified: proof of a fork then, and the end of following. `kept`: our block of
   * its height, for one that is too old to be at hand here.
   */
  judge(theirs: Frame, kept?: Frame): Promise<Result<ForkProof, ReplicaFault>>;
  heads(): Heads;
  /** Of the newest few thousand blocks. */
  idAt(height: number): BlockId | undefined;
  keepersAt(height: number): readonly Keeper[];
}

export type ReplicaDeps = { readonly crypto: Pick<CryptoPort, 'verify'> };

/** Ids of so many blocks are known without a look into the store, and so many bytes of proof are kept at hand. */
const recentBlocks = 4_096;
const recentFrames = 64;

/**
 * One swarm's log as this device knows it: certified blocks in, a checked state out. Needs no trust in who brings them.
 * Doesn't know where blocks come from or are kept, nor whose device it is.
 */
export const createReplica = (start: ReplicaStart, { crypto }: ReplicaDeps): Replica => {
  let { state, epochBlock } = start;
  let spans = start.spans;
  let tip = state;
  let generation = 0;
  let turn: Promise<unknown> = Promise.resolve();
  let fork = start.fork;
  const idsByHeight = new Map<number, BlockId>([
    [state.position.height, state.position.head],
    [epochBlock.height, epochBlock.head],
  ]);
  const frames = new Map<number, Frame>();
  const remember = (frame: Frame) => {
    const { id, header } = frame.certified.block;
    idsByHeight.set(header.height, id);
    frames.set(header.height, frame);
    idsByHeight.delete(header.height - recentBlocks);
    frames.delete(header.height - recentFrames);
  };
  if (start.last) remember(start.last);

  const drop = (): void => {
    generation++;
    tip = state;
  };
  const commit = (taken: Taken): void => {
    for (const frame of taken.applied) {
      remember(frame);
      const { id, header } = frame.certified.block;
      if (header.kind !== 'epoch') continue;
      epochBlock = { height: header.height, head: id, time: header.time };
      spans = withKeepers(spans, header.height + 1, header.keepers);
    }
    state = taken.state;
  };
  const keepersAt = (height: number): readonly Keeper[] =>
    spans.findLast(({ from }) => from <= height)?.keepers ?? [];

  return {
    get state() {
      return state;
    },
    get spans() {
      return spans;
    },
    get epochBlock() {
      return epochBlock;
    },
    get tip() {
      return tip.position;
    },
    get fork() {
      return fork;
    },
    async take(given) {
      if (fork) return forked(fork);
      const fresh = given.filter(({ certified }) => certified.block.header.height > tip.position.height);
      const own = generation;
      const before = turn;
      const staged = stageBlocks(tip, fresh, crypto);
      if (!staged.ok) {
        await before; // it may be what is being checked that is wrong, and not this
        return own === generation ? staged : dropped();
      }
      tip = staged.value.state;
      const done = (async (): Promise<Result<Taken, ReplicaFault>> => {
        const [verified] = await Promise.all([staged.value.verified, before]);
        if (own !== generation) return dropped();
        if (!verified.ok) {
          drop();
          return verified;
        }
        if (fork) return forked(fork);
        const { applied, state: next, epochEnd } = staged.value;
        const taken: Taken = { applied, state: next, epochEnd };
        commit(taken);
        return ok(taken);
      })();
      turn = done;
      return done;
    },
    async judge(theirs, kept) {
      const { block } = theirs.certified;
      const { height } = block.header;
      const ours = [frames.get(height) ?? kept, frames.get(height - 1)].find(
        (own) => own !== undefined && contradict(own.certified.block, block),
      );
      if (!ours) return err(fault('block', 'it contradicts no block that is here'));
      if (block.header.net !== state.net) return err(fault('block', 'it is of another swarm'));
      const certified = await checkCertificate(theirs.certified, keepersAt(height), crypto);
      if (!certified.ok) return certified;
      fork ??= { height: ours.certified.block.header.height, ours: ours.bytes, theirs: theirs.bytes };
      drop();
      return ok(fork);
    },
    heads: () => ({
      height: state.position.height,
      head: state.position.head,
      epoch: { height: epochBlock.height, head: epochBlock.head },
    }),
    idAt: (height) => idsByHeight.get(height),
    keepersAt,
  };
};

const dropped = () => err(fault('dropped', 'it followed blocks that turned out wrong'));
const forked = ({ height }: ForkProof) =>
  err(
    fault(
      'fork',
      `the keepers certified two blocks of height ${height}: nothing after it can be trusted, and both are kept as proof`,
    ),
  );
