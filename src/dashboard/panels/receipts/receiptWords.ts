import type { PeerView, ReceiptView } from '../../../app/readModels.ts';
import type { AccountId } from '../../../core/brand.ts';
import { shortId } from '../../kit/format.ts';
import type { LanternId } from '../../kit/lantern.ts';

export type ReceiptFilter = 'all' | 'earned' | 'spent' | 'own' | 'claim';

export const receiptFilters: readonly { readonly value: ReceiptFilter; readonly label: string }[] = [
  { value: 'all', label: 'All' },
  { value: 'earned', label: 'Earned' },
  { value: 'spent', label: 'Spent' },
  { value: 'own', label: 'Own' },
  { value: 'claim', label: 'Claims' },
];

/** A claim is listed under its direction too: it may still become whole. */
export const filterReceipts = (
  receipts: readonly ReceiptView[],
  filter: ReceiptFilter,
): readonly ReceiptView[] => {
  if (filter === 'all') return receipts;
  if (filter === 'claim') return receipts.filter((view) => view.state === 'claim');
  return receipts.filter((view) => view.direction === filter);
};

const otherAccount = ({ receipt, direction }: ReceiptView): AccountId =>
  direction === 'earned' ? receipt.body.requester.account : receipt.body.worker.account;

export const otherName = (view: ReceiptView): string =>
  view.direction === 'own'
    ? 'Your own devices'
    : (view.otherName ?? `Account ${shortId(otherAccount(view))}`);

/** The lantern of the other side: one of its tabs if it is here, else one made from the account. */
export const otherLantern = (view: ReceiptView, peers: readonly PeerView[]): LanternId => {
  const account = otherAccount(view);
  return peers.find((peer) => peer.status.account === account)?.status.peer ?? account;
};

export const directionInWords: Record<ReceiptView['direction'], string> = {
  earned: 'You worked for it',
  spent: 'It worked for you',
  own: 'Among your devices',
};

export const stateInWords: Record<ReceiptView['state'], string> = {
  whole: 'signed by both',
  claim: 'signed by the worker only',
};
