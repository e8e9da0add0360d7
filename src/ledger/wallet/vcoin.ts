import type { AccountId } from '../../core/brand.ts';
import type { Fault, Result } from '../../core/result.ts';
import type { LedgerAccess, SubmittedOperation } from '../access.ts';
import type { OwnRow } from '../replica/store.ts';
import { accountOf } from '../transition/purse.ts';

/** What one may do with money. Amounts are micro-VCoin. */
export interface VCoinLedger {
  transfer(to: AccountId, amount: number, memo?: string): Promise<Result<SubmittedOperation, Fault>>;
  /** Undefined until this device has a state that it checked itself. */
  balanceOf(account: AccountId): number | undefined;
  /** Of the own account, newest first, from below a height on. */
  history(before: number, count: number): Promise<readonly OwnRow[]>;
}

export const createVCoinLedger = (
  access: Pick<LedgerAccess, 'state' | 'submit'>,
  history: VCoinLedger['history'],
): VCoinLedger => ({
  transfer: (to, amount, memo) =>
    access.submit('transfer', { to, amount, ...(memo === undefined ? {} : { memo }) }),
  balanceOf(account) {
    const state = access.state.get();
    return state && accountOf(state, account).balance;
  },
  history,
});
