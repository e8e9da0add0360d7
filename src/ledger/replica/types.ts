import type { Bytes } from '../../core/bytes.ts';
import type { Fault } from '../../core/result.ts';
import type { BlockId, CertifiedBlock, LedgerEvent, LedgerState, OperationId } from '../types.ts';

export type ReplicaFault = Fault<
  /** no block of this swarm, or one that breaks its rules: whoever sent it lies, or is broken */
  | 'block'
  /** it does not follow what is here: nothing is wrong, something is missing */
  | 'gap'
  /** it names another past than ours; whether that is proof of a fork is for `judge` to say */
  | 'other-chain'
  /** keepers certified two histories: this replica follows none of them any more */
  | 'fork'
  /** it was built on something that turned out wrong */
  | 'dropped'
>;

/** As it came, and as it was read. */
export type Frame = { readonly bytes: Bytes; readonly certified: CertifiedBlock };

/** A block that was checked and applied. */
export type AppliedBlock = Frame & { readonly events: readonly LedgerEvent[] };

export type EpochEnd = { readonly frame: Frame; readonly state: LedgerState };

/** Two certified blocks that no honest quorum can both have made. */
export type ForkProof = { readonly height: number; readonly ours: Bytes; readonly theirs: Bytes };

/** What one replica tells another of where it stands. */
export type Heads = {
  readonly height: number;
  readonly head: BlockId;
  /** The newest epoch block: two that stand at different heights still have it in common. */
  readonly epoch: { readonly height: number; readonly head: BlockId };
};

/** Which operation took a number of an account. */
export type OrderedOperation = { readonly seq: number; readonly id: OperationId; readonly height: number };
