import type { Bytes } from '../../core/bytes.ts';
import type { PublicKey, Signature } from '../../core/ports/crypto.ts';
import type { ConsensusMessage } from '../messages.ts';
import type { SignedMessage } from '../transition/core/bodies.ts';
import type { Block, BlockId, CertifiedBlock, LedgerState, OperationId, ReadOperation } from '../types.ts';

/**
 * A keeper as a pure state machine: `step(state, event, now) → [state, effects]`. It joins the agreement (one instance a
 * height), the operations that wait, and the chain. It doesn't know sockets, files, clocks or how signatures are checked:
 * every message and block it is given was read and its signatures hold.
 *
 * `now` is monotonic milliseconds of this process: the length of an epoch is judged by it and by nothing else.
 */

/** Ed25519 is deterministic, so signing is a function: what was signed before a crash is signed again to the same bytes. */
export type KeeperSigner = { readonly publicKey: PublicKey; sign(message: Uint8Array): Signature };

/** A consensus message with what `readConsensusMessage` finds in its bytes. */
export type ReadMessage = SignedMessage & { readonly content: ConsensusMessage };

/**
 * Votes of one type, round and value by a quorum: `content` is what each of the voters signed. Sent whole, because of two
 * contradicting votes of a liar a keeper counts the one that it got first, and might never count the quorum together.
 */
export type Quorum = {
  readonly content: Extract<ConsensusMessage, { readonly type: 'prevote' | 'precommit' }>;
  /** In rising order of voters. */
  readonly votes: readonly { readonly voter: number; readonly signature: Signature }[];
};

/** A proposal travels with its block, a vote without. */
export type KeeperMessage =
  | {
      readonly kind: 'message';
      /** Whose signature it bears, which need not be who sends it: lost votes of others are sent again. */
      readonly seat: number;
      readonly message: ReadMessage;
      readonly block: Block | undefined;
    }
  | { readonly kind: 'quorum'; readonly quorum: Quorum };

export type KeeperEvent =
  /**
   * From a wallet (`owner`) or another keeper; its signatures hold against `checkedAgainst`, a state of this machine's, which
   * may have moved on since.
   */
  | {
      readonly kind: 'operation';
      readonly operation: ReadOperation;
      readonly from: 'owner' | 'keeper';
      readonly checkedAgainst: LedgerState;
    }
  /** From another keeper: every signature holds for the keepers of the message's height, if that height is the present one. */
  | KeeperMessage
  /** A block with its certificate, from anybody: how one that was away catches up. In the order of heights. */
  | { readonly kind: 'certified'; readonly certified: CertifiedBlock }
  /** The answer to `check`. */
  | { readonly kind: 'checked'; readonly block: Block; readonly signaturesHold: boolean }
  | { readonly kind: 'timer'; readonly name: string };

/** Carried out in order. */
export type KeeperEffect =
  /** To disk, fsynced, before any later effect of the list is carried out. `key` replaces what was kept under it. */
  | { readonly kind: 'persist'; readonly key: string; readonly record: Bytes }
  /** May be forgotten: a height that was decided needs no votes any more. */
  | { readonly kind: 'forget'; readonly prefix: string }
  /** To all other keepers. */
  | { readonly kind: 'broadcast'; readonly message: KeeperMessage }
  /** An operation this keeper heard first from its owner, to all other keepers. */
  | { readonly kind: 'pass'; readonly operation: ReadOperation }
  /** Check every signature of this block's operations (`checkSignatures`), then tell by `checked`. */
  | { readonly kind: 'check'; readonly block: Block; readonly state: LedgerState }
  /** Ask the others for the block (they answer with `proposalOf`), or for every certified block after a height. */
  | { readonly kind: 'fetch'; readonly block: BlockId | undefined; readonly after: number }
  /** It is final: store it strictly, then tell tabs and keepers. */
  | { readonly kind: 'final'; readonly certified: CertifiedBlock; readonly state: LedgerState }
  /** Can't be ordered (any more): whoever sent it is told. */
  | { readonly kind: 'refused'; readonly operation: OperationId; readonly reason: string }
  /** A keeper that contradicted itself: to be ordered as an operation, by any account. */
  | {
      readonly kind: 'evidence';
      readonly seat: number;
      readonly first: SignedMessage;
      readonly second: SignedMessage;
    }
  /**
   * This keeper heard its own voice say what it doesn't remember: its disk is an old one, or somebody else has its key. It
   * votes no more, now and after every restart with this disk.
   */
  | { readonly kind: 'amnesia'; readonly height: number }
  /** Q keepers made final what these rules refuse, or two blocks of one height: more than f lie, or versions differ. */
  | { readonly kind: 'dispute'; readonly height: number; readonly reason: string }
  /** Calls back with `timer`; a second of one name replaces the first. */
  | { readonly kind: 'timer'; readonly name: string; readonly afterMs: number };

export type KeeperOptions = {
  readonly signer: KeeperSigner;
  /** The key that is to follow it: signs from the height on at which the keepers name it, and never before. */
  readonly successor?: KeeperSigner;
  /** Unix milliseconds at the moment when `now` was 0: for the advisory time in headers. */
  readonly wallAtZeroMs: number;
  /** The operator says that this disk is a copy of an earlier one: the key of this keeper never votes again. */
  readonly restored: boolean;
  /** How long a waiting operation waits for others to share its block. */
  readonly batchMs: number;
  /** Of round 0; each further round lasts `growthMs` longer, up to `mostMs`. */
  readonly timeouts: { readonly firstMs: number; readonly growthMs: number; readonly mostMs: number };
  /** After so long everything the others may have lost is sent again. */
  readonly resendMs: number;
  /** How often the others are asked for news while nothing happens. */
  readonly pollMs: number;
  /**
   * After a start this long nothing is signed, so that what this keeper said before its disk was copied can reach it first
   * (and at N = 1 the longer chain that tabs may hold). Begins again with every block adopted in it.
   */
  readonly graceMs: number;
  readonly pool: PoolLimits;
};

export type PoolLimits = {
  readonly maxBytes: number;
  /** Operations of one account that wait, counting those signed under one number one by one. */
  readonly maxPerAccount: number;
};

/** What a keeper is told by whoever runs it, beside its keys and its clock. */
export type KeeperSettings = Omit<KeeperOptions, 'signer' | 'successor' | 'wallAtZeroMs'>;

export const keeperDefaults: KeeperSettings = {
  restored: false,
  batchMs: 50,
  timeouts: { firstMs: 1_000, growthMs: 500, mostMs: 30_000 },
  resendMs: 1_000,
  pollMs: 10_000,
  graceMs: 3_000,
  pool: { maxBytes: 8 * 1024 * 1024, maxPerAccount: 64 },
};
