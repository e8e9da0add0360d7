import type { AccountId } from '../../core/brand.ts';
import { err, fault, ok, type Result } from '../../core/result.ts';
import { formatAmount } from '../amounts.ts';
import { epochsPerDay } from '../parameters.ts';
import type { Account, LedgerState } from '../types.ts';
import type { Draft, OperationFault } from './module.ts';

/**
 * The only place where balances, treasury and supply change. Each function moves one amount; whoever takes from one side gives
 * to another in the same transition, and the block is refused if the sums don't meet (`audit.ts`). Knows no operation.
 */

/** The least balances that are kept: of today and the seven days before. */
const keptDays = 8;

export const emptyAccount: Account = {
  balance: 0,
  seq: 0,
  key: null,
  recovery: null,
  active: -1,
  day: 0,
  lows: Array.from({ length: keptDays }, () => 0),
};

export const accountOf = (state: Pick<LedgerState, 'accounts'>, id: AccountId): Account =>
  state.accounts.get(id) ?? emptyAccount;

export const credit = (draft: Draft, id: AccountId, amount: number): void => {
  if (amount === 0) return;
  setBalance(draft, id, accountOf(draft, id), amount);
};

export const debit = (draft: Draft, id: AccountId, amount: number): Result<void, OperationFault> => {
  const account = accountOf(draft, id);
  if (account.balance < amount) {
    const has = formatAmount(account.balance);
    return err(fault('operation', `this needs ${formatAmount(amount)} VC, the account has ${has} VC`));
  }
  if (amount > 0) setBalance(draft, id, account, -amount);
  return ok(undefined);
};

export const payTreasury = (draft: Draft, amount: number): void => {
  draft.treasury = exact(draft.treasury + amount);
};

/** Undefined if there is not so much. */
export const takeFromTreasury = (draft: Draft, amount: number): true | undefined => {
  if (draft.treasury < amount) return undefined;
  draft.treasury -= amount;
  return true;
};

/** New money: the caller gives it to somebody. Undefined if the supply would leave exact integers. */
export const mintAmount = (draft: Draft, amount: number): true | undefined => {
  const minted = draft.supply.minted + amount;
  if (!Number.isSafeInteger(minted)) return undefined;
  draft.supply = { ...draft.supply, minted };
  return true;
};

/** Money that was taken from somebody and goes to nobody. */
export const burnAmount = (draft: Draft, amount: number): void => {
  draft.supply = { ...draft.supply, burned: exact(draft.supply.burned + amount) };
};

/** What the account could have spent at every moment of the last seven to eight days, up to `epoch`. */
export const settledBalance = (
  state: Pick<LedgerState, 'accounts' | 'parameters'>,
  id: AccountId,
  epoch: number,
): number => {
  const account = accountOf(state, id);
  return Math.min(account.balance, ...lowsOn(account, Math.floor(epoch / epochsPerDay(state.parameters))));
};

const setBalance = (draft: Draft, id: AccountId, account: Account, change: number): void => {
  const balance = exact(account.balance + change);
  const day = Math.floor(draft.epoch / epochsPerDay(draft.parameters));
  const [today = 0, ...before] = lowsOn(account, day);
  const lows = [Math.min(today, balance), ...before];
  draft.accounts = draft.accounts.set(id, { ...account, balance, day: Math.max(day, account.day), lows });
  draft.balances = exact(draft.balances + change);
};

/** `lows` as they stand on a later day: nothing has changed since, so the days between had this balance all the time. */
const lowsOn = ({ lows, day, balance }: Account, today: number): readonly number[] => {
  const passed = Math.min(Math.max(0, today - day), keptDays);
  return [...Array.from({ length: passed }, () => balance), ...lows].slice(0, keptDays);
};

/** Sums stay within the supply, and the supply within exact integers: anything else is a bug. */
const exact = (amount: number): number => {
  if (!Number.isSafeInteger(amount) || amount < 0) throw new RangeError(`an amount became ${amount}`);
  return amount;
};
