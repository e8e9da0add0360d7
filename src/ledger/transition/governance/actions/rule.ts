import type * as v from 'valibot';
import { ok, type Result } from '../../../../core/result.ts';
import type { LedgerState } from '../../../types.ts';
import type { Draft, EpochContext, OperationFault } from '../../module.ts';
import type { Action, ActionKind, Proposal } from '../types.ts';

/** More votes for than against, or at least two thirds of both. */
export type Majority = 'simple' | 'two-thirds';

/** What there is to know of a kind of action. */
export type ActionRule<Kind extends ActionKind> = {
  readonly schema: v.GenericSchema<unknown, Action<Kind>>;
  readonly majority: Majority;
  /** Whether it could be carried out now but for the waiting: asked when it is proposed. */
  check(state: LedgerState, action: Action<Kind>): Result<void, OperationFault>;
  /** In an epoch block. Asks everything again; a draft that it refused is dropped. */
  execute(
    draft: Draft,
    action: Action<Kind>,
    proposal: Proposal,
    context: EpochContext,
  ): Result<void, OperationFault>;
};

/** Whether it can be done, without what it would give. */
export const asVoid = (result: Result<unknown, OperationFault>): Result<void, OperationFault> =>
  result.ok ? ok(undefined) : result;
