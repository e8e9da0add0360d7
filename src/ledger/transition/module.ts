import type * as v from 'valibot';
import type { AccountId } from '../../core/brand.ts';
import type { Bytes } from '../../core/bytes.ts';
import type { PublicKey, Signature } from '../../core/ports/crypto.ts';
import type { Fault, Result } from '../../core/result.ts';
import type { Genesis, LedgerEvent, LedgerState, OperationId } from '../types.ts';

/**
 * A state that is being changed by one block: a shallow copy, whose tables are persistent. If an operation fails its draft is
 * dropped, and nothing has happened.
 */
export type Draft = { -readonly [Field in keyof LedgerState]: LedgerState[Field] };

export type OperationFault = Fault<'operation'>;

/** The operation that is being applied. Its owner's signature, seq and validity are checked before. */
export type OperationContext = {
  readonly account: AccountId;
  readonly id: OperationId;
  /** Adds to the histories. */
  emit(event: Omit<LedgerEvent, 'operation'>): void;
};

/** The epoch that an epoch block ends; `draft.epoch` still is this one. */
export type EpochContext = {
  readonly epoch: number;
  /** 32 bytes from the keepers' reveals of this epoch; nobody knew them when its operations were signed. */
  readonly randomness: Bytes;
  emit(event: Omit<LedgerEvent, 'operation'>): void;
};

export type Transition<Body> = (
  draft: Draft,
  body: Body,
  context: OperationContext,
) => Result<void, OperationFault>;

/** A signature an operation rests on besides its owner's. Checked by whoever verifies a block, never inside `apply`. */
export type SignatureCheck = {
  readonly key: PublicKey;
  readonly message: Bytes;
  readonly signature: Signature;
};

/**
 * A part of the ledger with a state and operations of its own. Modules move money only through `purse.ts`, and what they hold
 * themselves (escrow, unvested rewards) they count twice: as a running sum, and again entry by entry for the audit.
 */
export type LedgerModule<Bodies, State> = {
  readonly bodies: { readonly [Kind in keyof Bodies]: v.GenericSchema<unknown, Bodies[Kind]> };
  readonly transitions: { readonly [Kind in keyof Bodies]: Transition<Bodies[Kind]> };
  /** By kind, where there are any. Depends on the body and the state before the block alone. */
  readonly signatures: {
    readonly [Kind in keyof Bodies]?: (body: Bodies[Kind], state: LedgerState) => readonly SignatureCheck[];
  };
  initial(genesis: Genesis): State;
  /** Can't fail: an epoch always ends. */
  endEpoch(draft: Draft, context: EpochContext): void;
  held(state: State): number;
  countHeld(state: State): number;
};
