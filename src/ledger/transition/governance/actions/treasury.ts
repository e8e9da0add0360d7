import * as v from 'valibot';
import { err, fault, ok } from '../../../../core/result.ts';
import { formatAmount } from '../../../amounts.ts';
import { accountSchema, positiveAmount } from '../../../schemas.ts';
import type { LedgerState } from '../../../types.ts';
import type { Draft } from '../../module.ts';
import { credit, takeFromTreasury } from '../../purse.ts';
import { governanceLimits } from '../limits.ts';
import type { GovernanceState } from '../types.ts';
import type { ActionRule } from './rule.ts';

/** A grant: all of any 30 days together at most 5 % of what the treasury held when they began. */
export const treasuryRule: ActionRule<'treasury'> = {
  schema: v.strictObject({ kind: v.literal('treasury'), to: accountSchema, amount: positiveAmount }),
  majority: 'simple',
  check(state, { amount }) {
    const { limit } = treasuryWindow(state);
    return amount <= limit ? ok(undefined) : refuse(amount, limit);
  },
  execute(draft, { to, amount }, { id }, { emit }) {
    const { grantable } = treasuryWindow(draft);
    if (amount > grantable) return refuse(amount, grantable);
    if (!takeFromTreasury(draft, amount)) return refuse(amount, draft.treasury);
    const [today, ...before] = draft.governance.treasuryDays;
    if (!today) throw new RangeError('the treasury has no day');
    const treasuryDays = [{ ...today, granted: today.granted + amount }, ...before];
    draft.governance = { ...draft.governance, treasuryDays };
    credit(draft, to, amount);
    emit({ account: to, what: 'grant', amount, about: id });
    return ok(undefined);
  },
};

export type TreasuryWindow = {
  readonly opening: number;
  readonly granted: number;
  /** What came in since the window opened: fees. */
  readonly income: number;
  /** Of all grants of the window. */
  readonly limit: number;
  readonly grantable: number;
};

/**
 * The present day and the 29 before it. It moves on with every day, so there are no two windows at whose border twice as
 * much could be taken; in the first 30 days it opens with genesis.
 */
export const treasuryWindow = ({
  treasury,
  governance,
}: Pick<LedgerState, 'treasury' | 'governance'>): TreasuryWindow => {
  const days = governance.treasuryDays;
  const opening = days.at(-1)?.opening ?? 0;
  const granted = days.reduce((sum, day) => sum + day.granted, 0);
  const limit = Math.floor(opening / governanceLimits.grantDivisor);
  const grantable = Math.max(0, Math.min(limit - granted, treasury));
  return { opening, granted, income: treasury + granted - opening, limit, grantable };
};

/** At a day's end, after what the day executed. */
export const beginTreasuryDay = (draft: Draft): void => {
  const treasuryDays: GovernanceState['treasuryDays'] = [
    { opening: draft.treasury, granted: 0 },
    ...draft.governance.treasuryDays,
  ].slice(0, governanceLimits.windowDays);
  draft.governance = { ...draft.governance, treasuryDays };
};

const refuse = (amount: number, most: number) =>
  err(
    fault(
      'operation',
      `${formatAmount(amount)} VC is more than the ${formatAmount(most)} VC that the treasury may grant: 5 % of its balance in 30 days`,
    ),
  );
