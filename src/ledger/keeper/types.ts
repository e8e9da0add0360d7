import type { Bytes } from '../../core/bytes.ts';
import type { PublicKey, Signature } from '../../core/ports/crypto.ts';
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

export type KeeperEvent =
  /** From a wallet or another keeper; its owner's signature holds against the state of now. */
  | { readonly kind: 'operation'; readonly operation: ReadOperation }
  /** A signed consensus message of the keeper in `seat`; a proposal comes with its block. */
  | {
      readonly kind: 'message';
      readonly seat: number;
      readonly message: SignedMessage;
      readonly block: Block | undefined;
    }
  /** A block with its certificate, from anybody: how one that was away catches up. */
  | { readonly kind: 'certified'; readonly certified: CertifiedBlock }
  /** The operations of a block that a proposal named were checked: see effect `check`. */
  | { readonly kind: 'checked'; readonly block: Block; readonly signaturesHold: boolean }
  | { readonly kind: 'timer'; readonly name: string };

export type KeeperEffect =
  /** To disk, fsynced, before any later effect of the list is carried out. `key` replaces what was kept under it. */
  | { readonly kind: 'persist'; readonly key: string; readonly record: Bytes }
  /** May be forgotten: a height that was decided needs no votes any more. */
  | { readonly kind: 'forget'; readonly prefix: string }
  /** To all other keepers. */
  | { readonly kind: 'broadcast'; readonly message: SignedMessage; readonly block: Block | undefined }
  /** An operation this keeper heard first from its owner, to all other keepers. */
  | { readonly kind: 'pass'; readonly operation: ReadOperation }
  /** Check every signature of this block's operations, then tell by `checked`. */
  | { readonly kind: 'check'; readonly block: Block; readonly state: LedgerState }
  /** Ask the others for the block, or for everything after a height. */
  | { readonly kind: 'fetch'; readonly block: BlockId | undefined; readonly after: number }
  /** It is final: store it strictly, then tell tabs and keepers. */
  | { readonly kind: 'final'; readonly certified: CertifiedBlock; readonly state: LedgerState }
  /** Can't be ordered (any more): whoever sent it is told. */
  | { readonly kind: 'refused'; readonly operation: OperationId; readonly reason: string }
  | {
      readonly kind: 'evidence';
      readonly seat: number;
      readonly first: SignedMessage;
      readonly second: SignedMessage;
    }
  /** Calls back with `timer`; a second of one name replaces the first. */
  | { readonly kind: 'timer'; readonly name: string; readonly afterMs: number };
