import type { Store } from '../core/events.ts';
import type { Fault, Result } from '../core/result.ts';
import type { LedgerState, OperationBodies, OperationId, OperationKind } from './types.ts';

/** How an operation of this account stands. An intent has one number for ever, whatever is signed under it. */
export type Outcome =
  | { readonly phase: 'pending' }
  | { readonly phase: 'final'; readonly id: OperationId; readonly height: number }
  /** Nothing of it will ever be ordered; why, in words. */
  | { readonly phase: 'refused'; readonly reason: string };

/**
 * What domains above the ledger may do with it: read the newest checked state, and ask the wallet to sign. Doesn't say who
 * orders, nor where anything is stored.
 */
export interface LedgerAccess {
  /** Undefined until this device has a state that it checked itself. */
  readonly state: Store<LedgerState | undefined>;
  /** Whose wallet this is. */
  readonly account: LedgerState['host'];
  /** Monotonic milliseconds since the present epoch began, as far as known here. */
  epochAgeMs(): number;
  /**
   * Signs, keeps durably, then sends. Resolves as soon as it is kept; `outcome` tells the rest. Refuses at once what could not
   * be applied now: nothing is signed then.
   */
  submit<Kind extends OperationKind>(
    kind: Kind,
    body: OperationBodies[Kind],
  ): Promise<Result<SubmittedOperation, Fault>>;
}

export type SubmittedOperation = {
  readonly outcome: Store<Outcome>;
  /** Resolves with the first outcome that is not pending. */
  settled(): Promise<Exclude<Outcome, { readonly phase: 'pending' }>>;
};
