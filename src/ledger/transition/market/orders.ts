import type { AccountId } from '../../../core/brand.ts';
import { err, fault, ok, type Result } from '../../../core/result.ts';
import { formatAmount } from '../../amounts.ts';
import type { OperationId } from '../../types.ts';
import type { Draft, OperationContext, OperationFault, Transition } from '../module.ts';
import { accountOf, debit } from '../purse.ts';
import {
  addEscrow,
  changeEscrow,
  classOf,
  closeEscrow,
  countSettled,
  jobKey,
  lockedFor,
  payeeOf,
  payWorker,
} from './escrow.ts';
import { costPerPrice, marketLimits } from './limits.ts';
import type { Escrow, MarketBodies, Share } from './types.ts';

/** What a requester does with an order of its own. */

export const order: Transition<MarketBodies['order']> = (draft, body, { account, id, emit }) => {
  const price = whyNoOrder(draft, body, account);
  if (!price.ok) return price;
  const { key } = accountOf(draft, account);
  if (!key) return refuse('this account was never opened here');
  const locked = lockedFor(body.max, body.limit);
  const paid = debit(draft, account, locked);
  if (!paid.ok) return paid;
  addEscrow(draft, id, {
    ...body,
    payer: account,
    payerKey: key,
    price: price.value,
    feeDivisor: draft.parameters.payFeeDivisor,
    locked,
    rest: locked,
    placed: draft.epoch,
    due: body.deadline,
    shares: [],
    settled: false,
    payees: {},
    delivered: 0,
  });
  emit({ account, what: 'locked', amount: -locked, about: id });
  return ok(undefined);
};

export const match: Transition<MarketBodies['match']> = (draft, { escrow: id, shares }, context) => {
  const found = ownEscrow(draft, id, context);
  if (!found.ok) return found;
  const escrow = found.value;
  if (escrow.settled) return refuse('it is settled: who was to do it is not changed any more');
  if (draft.epoch > escrow.deadline) return refuse(`its deadline was epoch ${escrow.deadline}`);
  const sum = sumOf(shares);
  if (sum > escrow.max) return refuse(`shares of ${sum} in all are more than the ${escrow.max} ordered`);
  const fit = checkShares(shares, escrow.payer);
  if (!fit.ok) return fit;
  changeEscrow(draft, id, escrow, { shares, due: escrow.deadline + draft.parameters.challengeEpochs });
  for (const [account] of shares) context.emit({ account, what: 'asked to work', amount: 0, about: id });
  return ok(undefined);
};

export const settle: Transition<MarketBodies['settle']> = (draft, { escrow: id, payees }, context) => {
  const found = ownEscrow(draft, id, context);
  if (!found.ok) return found;
  const escrow = found.value;
  const fit = whyNoSettlement(escrow, payees);
  if (!fit.ok) return fit;
  if (!escrow.settled) {
    countSettled(draft, escrow);
    changeEscrow(draft, id, escrow, {
      settled: true,
      due: draft.epoch + draft.parameters.challengeEpochs,
    });
  }
  for (const [worker, cost] of payees)
    if (cost > payeeOf(escrow, worker).cost) payWorker(draft, id, worker, cost, context.emit);
  context.emit({ account: context.account, what: 'settled', amount: 0, about: id });
  return ok(undefined);
};

export const cancel: Transition<MarketBodies['cancel']> = (draft, { escrow: id }, context) => {
  const found = ownEscrow(draft, id, context);
  if (!found.ok) return found;
  const { shares, settled, payees, locked } = found.value;
  if (shares.length > 0)
    return refuse('workers were asked already: settle it with what they have done, even nothing');
  if (settled) return refuse('it is settled, and what is left comes back by itself');
  if (Object.keys(payees).length > 0) return refuse('a worker has claimed its pay already');
  context.emit({ account: context.account, what: 'cancelled', amount: 0, about: id });
  closeEscrow(draft, id, Math.floor(locked / draft.parameters.cancelDivisor), context.emit);
  return ok(undefined);
};

export const findEscrow = (draft: Draft, id: OperationId): Result<Escrow, OperationFault> => {
  const escrow = draft.market.escrows.get(id);
  if (escrow) return ok(escrow);
  const closed = draft.market.closed.get(id);
  return refuse(
    closed === undefined
      ? `there is no order ${id}: it never was, or was closed over ${marketLimits.closedKept} epochs ago`
      : `order ${id} was closed in epoch ${closed}, this is ${draft.epoch}`,
  );
};

const ownEscrow = (
  draft: Draft,
  id: OperationId,
  { account }: OperationContext,
): Result<Escrow, OperationFault> => {
  const found = findEscrow(draft, id);
  if (!found.ok || found.value.payer === account) return found;
  return refuse('only who placed an order may do this');
};

/** The price it is placed at. */
const whyNoOrder = (
  draft: Draft,
  { class: name, max, limit, deadline, job }: MarketBodies['order'],
  account: AccountId,
): Result<number, OperationFault> => {
  const work = classOf(draft.market, name);
  if (!work) return refuse(`there is no work of class ${name}`);
  if (limit < work.price)
    return refuse(
      `it pays at most ${formatAmount(limit)} VC per ${costPerPrice}, the price is ${formatAmount(work.price)}`,
    );
  if (deadline < draft.epoch) return refuse(`its deadline was epoch ${deadline}, this is ${draft.epoch}`);
  if (deadline > draft.epoch + marketLimits.maxWait)
    return refuse(`an order waits ${marketLimits.maxWait} epochs at most`);
  if (work.open + max > marketLimits.maxTotalCost)
    return refuse(`orders of class ${name} are as many as can be counted`);
  const other = draft.market.jobs.get(jobKey(account, job));
  return other === undefined
    ? ok(work.price)
    : refuse(`job ${job} has an open order, ${other}: settle or cancel that one first`);
};

const whyNoSettlement = (escrow: Escrow, payees: readonly Share[]): Result<void, OperationFault> => {
  const fit = checkShares(payees, escrow.payer);
  if (!fit.ok) return fit;
  if (payees.length === 0 && escrow.shares.length === 0 && Object.keys(escrow.payees).length === 0)
    return refuse('nobody was asked to work, so there is nothing to settle: cancel it');
  let total = escrow.delivered;
  let known = Object.keys(escrow.payees).length;
  for (const [worker, cost] of payees) {
    const had = payeeOf(escrow, worker).cost;
    if (cost < had) return refuse(`${worker} was paid for ${had} already, not ${cost}`);
    total += cost - had;
    if (!Object.hasOwn(escrow.payees, worker)) known++;
  }
  if (total > escrow.max) return refuse(`${total} in all is more than the ${escrow.max} ordered`);
  if (known > marketLimits.maxPayees)
    return refuse(`one order pays ${marketLimits.maxPayees} accounts at most`);
  if (escrow.settled && total === escrow.delivered)
    return refuse('this pays nothing that was not paid before');
  return ok(undefined);
};

const checkShares = (shares: readonly Share[], payer: AccountId): Result<void, OperationFault> => {
  const accounts = new Set(shares.map(([account]) => account));
  if (accounts.size < shares.length) return refuse('an account is named twice');
  if (accounts.has(payer)) return refuse('work inside one account earns nothing');
  return ok(undefined);
};

const sumOf = (shares: readonly Share[]): number => shares.reduce((sum, [, cost]) => sum + cost, 0);
const refuse = (message: string) => err(fault('operation', message));
