import type { AccountId, MilliCredits, ReceiptId } from '../core/brand.ts';
import { createStore, type Store } from '../core/events.ts';
import type { WorkReceipt } from '../inference/contracts.ts';
import type { CreditsView, ReceiptView } from './readModels.ts';

/** The newest that the page lists; sums cover all of them. */
const listedReceipts = 2_000;

export interface CreditBook {
  readonly view: Store<CreditsView>;
  add(receipt: WorkReceipt): void;
  /** All of them; the view lists the newest. */
  all(): readonly WorkReceipt[];
}

/**
 * What this account earned and spent, as a fold over its receipts: a receipt counts once, however often it arrives,
 * and only when both sides signed it. Doesn't know where receipts come from or are kept.
 */
export const createCreditBook = (deps: {
  readonly account: AccountId;
  readonly nameOf: (account: AccountId) => string | undefined;
}): CreditBook => {
  const receiptsById = new Map<ReceiptId, WorkReceipt>();
  const view = createStore<CreditsView>({
    earned: 0 as MilliCredits,
    spent: 0 as MilliCredits,
    receipts: [],
  });
  return {
    view,
    all: () => [...receiptsById.values()],
    add(receipt) {
      const known = receiptsById.get(receipt.id);
      if (known && (isWhole(known) || !isWhole(receipt))) return;
      receiptsById.set(receipt.id, receipt);
      view.set(foldReceipts([...receiptsById.values()], deps));
    },
  };
};

const isWhole = (receipt: WorkReceipt): boolean => receipt.requesterSignature !== undefined;

const foldReceipts = (
  receipts: readonly WorkReceipt[],
  deps: Parameters<typeof createCreditBook>[0],
): CreditsView => {
  let earned = 0;
  let spent = 0;
  const views: ReceiptView[] = [];
  for (const receipt of receipts) {
    const direction = directionOf(receipt, deps.account);
    const other = direction === 'earned' ? receipt.body.requester.account : receipt.body.worker.account;
    views.push({
      receipt,
      direction,
      state: isWhole(receipt) ? 'whole' : 'claim',
      otherName: deps.nameOf(other),
    });
    if (!isWhole(receipt)) continue;
    if (direction === 'earned') earned += receipt.body.cost.milliCredits;
    if (direction === 'spent') spent += receipt.body.cost.milliCredits;
  }
  views.sort((a, b) => b.receipt.body.at - a.receipt.body.at);
  return {
    earned: earned as MilliCredits,
    spent: spent as MilliCredits,
    receipts: views.slice(0, listedReceipts),
  };
};

const directionOf = (receipt: WorkReceipt, account: AccountId): ReceiptView['direction'] => {
  const { requester, worker } = receipt.body;
  if (requester.account === worker.account) return 'own';
  return worker.account === account ? 'earned' : 'spent';
};
