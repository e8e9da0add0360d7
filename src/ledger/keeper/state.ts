import type { AgreementState } from '../agreement/index.ts';
import type { Block, BlockId, LedgerState } from '../types.ts';
import type { Pool } from './pool.ts';
import type { HeightRecords, Said } from './records.ts';
import type { KeeperEffect, KeeperMessage, KeeperOptions, ReadMessage } from './types.ts';
import type { HeardProposal } from './wire.ts';

/** Nobody outside of this folder looks into it, but for `chain`, `phase` and what `queries.ts` tells. */
export type KeeperState = {
  readonly options: KeeperOptions;
  /** The newest final state. */
  readonly chain: LedgerState;
  /**
   * quiet: listens only, for a while after its start; voting: takes part, if it has a seat; watching: its key must not vote,
   * because what it said may be forgotten. It still follows the chain and passes operations on.
   */
  readonly phase: 'quiet' | 'voting' | 'watching';
  /** When this keeper saw the present epoch begin, in its monotonic milliseconds. */
  readonly epochBegan: number;
  readonly pool: Pool;
  /** Whether the timer by which waiting operations are proposed runs. */
  readonly workDue: boolean;
  /** What this keeper signed at the height that is being decided. */
  readonly said: Said;
  /** Undefined while it doesn't take part. */
  readonly height: HeightState | undefined;
  /** Promises found on disk for heights that the chain has not reached. */
  readonly promised: ReadonlyMap<number, HeightRecords>;
  /** Messages of the height after the present one: others may be a little faster. */
  readonly ahead: readonly KeeperMessage[];
  /** When others were last asked for news because of a message from the future. */
  readonly askedAt: number;
};

export type HeightState = {
  readonly seat: number;
  readonly agreement: AgreementState;
  readonly blocks: ReadonlyMap<BlockId, KnownBlock>;
  /** Of the agreement, written so far. */
  readonly records: number;
};

export type KnownBlock = {
  readonly block: Block;
  /** Undefined only for one's own until it is proposed. */
  readonly proposed: { readonly seat: number; readonly message: ReadMessage } | undefined;
  readonly verdict: BlockVerdict;
  readonly onDisk: boolean;
};

export type BlockVerdict =
  /** Its signatures are being checked; these proposals of it wait for that. */
  | { readonly kind: 'checking'; readonly state: LedgerState; readonly waiting: readonly Proposed[] }
  | { readonly kind: 'valid'; readonly state: LedgerState }
  | { readonly kind: 'invalid' };

export type Proposed = { readonly proposal: HeardProposal; readonly timely: boolean };

export type KeeperStepped = readonly [KeeperState, readonly KeeperEffect[]];
