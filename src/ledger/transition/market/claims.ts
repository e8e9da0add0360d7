import type { AccountId } from '../../../core/brand.ts';
import { equalBytes } from '../../../core/bytes.ts';
import { err, fault, ok, type Result } from '../../../core/result.ts';
import type { OperationFault, Transition } from '../module.ts';
import { changeEscrow, payeeOf, payWorker } from './escrow.ts';
import { marketLimits } from './limits.ts';
import { findEscrow } from './orders.ts';
import { type ReceiptTerms, readReceipts } from './receipts.ts';
import type { Escrow, MarketBodies, Payee } from './types.ts';

/**
 * What a worker does whom the requester did not pay: shows what the requester signed. It is paid up to what its receipts come to,
 * as far as there is any left. Their signatures are checked with the operation's own (`receiptChecks`).
 */
export const claim: Transition<MarketBodies['claim']> = (draft, { escrow: id, receipts }, context) => {
  const found = findEscrow(draft, id);
  if (!found.ok) return found;
  const escrow = found.value;
  const { account, emit } = context;
  const terms = readReceipts(receipts);
  if (!terms.ok) return terms;
  const fit = checkTerms(terms.value, escrow, account);
  if (!fit.ok) return fit;
  const payee = claimedBy(payeeOf(escrow, account), terms.value);
  const challenge = escrow.deadline + draft.parameters.challengeEpochs;
  changeEscrow(draft, id, escrow, {
    payees: { ...escrow.payees, [account]: payee },
    due: escrow.settled ? escrow.due : challenge,
  });
  const owed = payee.claimed - payee.cost;
  const payable = Math.min(owed, escrow.max - escrow.delivered);
  if (payable > 0) payWorker(draft, id, account, payee.cost + payable, emit);
  const what = payable < owed ? `claimed ${owed}, of which ${payable} were left` : 'claimed';
  emit({ account, what, amount: 0, about: id });
  return ok(undefined);
};

const claimedBy = ({ cost, claimed, last }: Payee, terms: readonly ReceiptTerms[]): Payee => {
  const sum = terms.reduce((total, { cost: { milliCredits } }) => total + milliCredits, 0);
  const goesOn = (terms[0]?.unit ?? '') > last;
  // A sum beyond the largest order is of no use to anybody, and must stay exact.
  const all = Math.min(goesOn ? claimed + sum : sum, marketLimits.maxCost);
  return { cost, claimed: all, last: terms.at(-1)?.unit ?? last };
};

const checkTerms = (
  terms: readonly ReceiptTerms[],
  { payer, payerKey, job, payees }: Escrow,
  worker: AccountId,
): Result<void, OperationFault> => {
  if (worker === payer) return refuse('work inside one account earns nothing');
  if (!Object.hasOwn(payees, worker) && Object.keys(payees).length >= marketLimits.maxPayees)
    return refuse(`one order pays ${marketLimits.maxPayees} accounts at most`);
  for (const [index, receipt] of terms.entries()) {
    const wrong = whyNot(receipt);
    if (wrong) return refuse(`receipt ${index} ${wrong}`);
  }
  return ok(undefined);

  function whyNot(receipt: ReceiptTerms): string | undefined {
    const { requester } = receipt;
    if (requester.account !== payer) return 'was signed by another account than the one that ordered';
    if (!equalBytes(requester.deviceKey, payerKey)) return 'was signed by another key than that of the order';
    if (receipt.job !== job) return `is of job ${receipt.job}, the order is for ${job}`;
    return receipt.worker.account === worker ? undefined : 'is for the work of another account';
  }
};

const refuse = (message: string) => err(fault('operation', message));
