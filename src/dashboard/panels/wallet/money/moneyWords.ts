import type { HistoryEntry, PendingView, WalletView } from '../../../../app/readModels.ts';
import { err, ok, type Result } from '../../../../core/result.ts';
import { formatVc, parseVc } from '../../../kit/format.ts';

export type HistoryFilter = 'all' | 'in' | 'out';

export const historyFilters: readonly { readonly value: HistoryFilter; readonly label: string }[] = [
  { value: 'all', label: 'All' },
  { value: 'in', label: 'In' },
  { value: 'out', label: 'Out' },
];

/** What moved nothing (a vote) is under "All" only. */
export const filterHistory = (
  history: readonly HistoryEntry[],
  filter: HistoryFilter,
): readonly HistoryEntry[] => {
  if (filter === 'all') return history;
  return history.filter(({ amount }) => (filter === 'in' ? amount > 0 : amount < 0));
};

/** What is on its way out counts as gone, though it is not final: nobody can spend it twice. */
export const onItsWay = ({ pending }: Pick<WalletView, 'pending'>): number =>
  pending.reduce((sum, { state, amount }) => (state === 'refused' ? sum : sum + Math.max(0, -amount)), 0);

/** What can be sent at most, its fee being paid besides. */
export const mostToSend = (wallet: Pick<WalletView, 'balance' | 'pending' | 'transferFee'>): number =>
  Math.max(0, wallet.balance - onItsWay(wallet) - wallet.transferFee);

export const readAmountToSend = (
  text: string,
  wallet: Pick<WalletView, 'balance' | 'pending' | 'transferFee'>,
): Result<number, string> => {
  const amount = parseVc(text);
  if (!amount.ok) return amount;
  if (amount.value === 0) return err('Write an amount above zero.');
  const most = mostToSend(wallet);
  if (amount.value <= most) return amount;
  return err(
    most === 0
      ? `There is nothing to send: the fee is ${formatVc(wallet.transferFee)}, and ${formatVc(wallet.balance - onItsWay(wallet))} can be spent.`
      : `You can send ${formatVc(most)} at most: ${formatVc(wallet.balance - onItsWay(wallet))} less the fee of ${formatVc(wallet.transferFee)}.`,
  );
};

export const longestMemo = 140;

export const readMemo = (text: string): Result<string, string> => {
  const memo = text.trim();
  const length = memo.length;
  return length <= longestMemo
    ? ok(memo)
    : err(`A note has at most ${longestMemo} characters; this has ${length}.`);
};

export const pendingInWords = ({ state, reason }: Pick<PendingView, 'state' | 'reason'>): string => {
  switch (state) {
    case 'pending':
      return 'Signed and sent; final when the keepers have put it into a block.';
    case 'waiting':
      return `Signed and kept on this device. No keeper can be reached now: it will be sent as soon as one answers${reason ? ` (${trimmed(reason)})` : ''}.`;
    case 'refused':
      return `Will never be final. ${reason ?? 'The keepers did not say why.'}`;
    default:
      return state satisfies never;
  }
};

const trimmed = (reason: string): string => {
  const begun = reason.replace(/\.$/, '');
  return begun.charAt(0).toLocaleLowerCase('en') + begun.slice(1);
};

export const pendingNames: Record<PendingView['state'], string> = {
  pending: 'on its way',
  waiting: 'waits',
  refused: 'refused',
};
