import type { AccountId } from '../../../core/brand.ts';
import { mulDivCeil, mulDivFloor } from '../../amounts.ts';
import type { LedgerEvent, OperationId } from '../../types.ts';
import type { Draft } from '../module.ts';
import { credit, payTreasury } from '../purse.ts';
import { costPerPrice, marketLimits } from './limits.ts';
import type { Escrow, MarketState, Payee, WorkClass } from './types.ts';

/**
 * How money goes through an escrow: in, out to workers, and what is left back. Whoever calls has checked that it may. Every
 * function keeps the market's sums beside the entries.
 */
export type Emit = (event: Omit<LedgerEvent, 'operation'>) => void;

export const lockedFor = (max: number, limit: number): number => mulDivCeil(max, limit, costPerPrice);
export const payFor = (cost: number, price: number): number => mulDivFloor(cost, price, costPerPrice);
export const jobKey = (payer: AccountId, job: string): string => `${payer}/${job}`;

/** The payer has been debited. */
export const addEscrow = (draft: Draft, id: OperationId, escrow: Escrow): void => {
  const { market } = draft;
  draft.market = {
    ...market,
    jobs: market.jobs.set(jobKey(escrow.payer, escrow.job), id),
    escrows: market.escrows.set(id, escrow),
    locked: market.locked + escrow.locked,
  };
  countWork(draft, escrow, { placed: escrow.max, open: escrow.max });
  lookAt(draft, id, escrow.due);
};

/** Changes what an escrow says, and when it is looked at. Not its money. */
export const changeEscrow = (
  draft: Draft,
  id: OperationId,
  escrow: Escrow,
  change: Partial<Pick<Escrow, 'shares' | 'settled' | 'due' | 'payees'>>,
): Escrow => {
  const changed = { ...escrow, ...change };
  draft.market = { ...draft.market, escrows: draft.market.escrows.set(id, changed) };
  if (changed.due !== escrow.due) lookAt(draft, id, changed.due);
  return changed;
};

/** What is still asked for. Once the requester has settled, the rest of the maximum was never needed. */
export const waitingOf = ({ settled, max, delivered }: Escrow): number => (settled ? 0 : max - delivered);

/** The rest of a settled order no more counts as work that waits. */
export const countSettled = (draft: Draft, escrow: Escrow): void => {
  const waiting = waitingOf(escrow);
  countWork(draft, escrow, { placed: -waiting, open: -waiting });
};

export const payeeOf = ({ payees }: Escrow, account: AccountId): Payee =>
  payees[account] ?? { cost: 0, claimed: 0, last: '' };

/**
 * Pays a worker up to `cost` in all, of which the treasury gets its part. Rounding is of the whole cost, so that many small
 * payments come to what one would.
 */
export const payWorker = (
  draft: Draft,
  id: OperationId,
  worker: AccountId,
  cost: number,
  emit: Emit,
): { readonly escrow: Escrow; readonly paid: number } => {
  const escrow = openEscrow(draft, id);
  const payee = payeeOf(escrow, worker);
  const more = cost - payee.cost;
  const paid = payFor(cost, escrow.price) - payFor(payee.cost, escrow.price);
  const fee = feeFor(cost, escrow) - feeFor(payee.cost, escrow);
  credit(draft, worker, paid - fee);
  payTreasury(draft, fee);
  const changed: Escrow = {
    ...escrow,
    rest: escrow.rest - paid,
    delivered: escrow.delivered + more,
    payees: { ...escrow.payees, [worker]: { ...payee, cost } },
  };
  const { market } = draft;
  draft.market = { ...market, escrows: market.escrows.set(id, changed), locked: market.locked - paid };
  const waiting = waitingOf(escrow) - waitingOf(changed);
  countWork(draft, escrow, { placed: -waiting, open: -waiting, done: more });
  emit({ account: worker, what: 'earned', amount: paid, about: id });
  if (fee > 0) emit({ account: worker, what: 'fee', amount: -fee, about: id });
  return { escrow: changed, paid };
};

/** Gives back what is left, but for what cancelling costs. Throws if the sums don't meet, which would be a bug. */
export const closeEscrow = (draft: Draft, id: OperationId, cost: number, emit: Emit): void => {
  const escrow = openEscrow(draft, id);
  const { payer, rest } = escrow;
  if (rest !== escrow.locked - paidFrom(escrow) || cost > rest)
    throw new Error(`escrow ${id} holds ${rest} of ${escrow.locked} after paying ${paidFrom(escrow)}`);
  credit(draft, payer, rest - cost);
  payTreasury(draft, cost);
  const waiting = waitingOf(escrow);
  countWork(draft, escrow, { placed: -waiting, open: -waiting });
  const { market } = draft;
  draft.market = {
    ...market,
    jobs: market.jobs.delete(jobKey(payer, escrow.job)),
    escrows: market.escrows.delete(id),
    closed: market.closed.set(id, draft.epoch),
    locked: market.locked - rest,
  };
  lookAt(draft, id, draft.epoch + marketLimits.closedKept);
  if (cost > 0) emit({ account: payer, what: 'fee', amount: -cost, about: id });
  emit({ account: payer, what: 'refunded', amount: rest, about: id });
};

/** By its entries. */
export const paidFrom = ({ payees, price }: Escrow): number =>
  Object.values<Payee>(payees).reduce((sum, { cost }) => sum + payFor(cost, price), 0);

/** Closes what is due at the end of this epoch, and forgets what was closed long ago. Looks at nothing else. */
export const closeDue = (draft: Draft, emit: Emit): void => {
  const { epoch } = draft;
  const count = draft.market.dueCounts.get(`${epoch}`) ?? 0;
  for (let index = 0; index < count; index++) {
    const key = `${epoch}/${index}`;
    const id = draft.market.due.get(key);
    draft.market = { ...draft.market, due: draft.market.due.delete(key) };
    if (id === undefined) continue;
    // One whose end has moved is there again under its new epoch.
    const escrow = draft.market.escrows.get(id);
    if (escrow?.due === epoch) closeEscrow(draft, id, 0, emit);
    else if (draft.market.closed.get(id) === epoch - marketLimits.closedKept)
      draft.market = { ...draft.market, closed: draft.market.closed.delete(id) };
  }
  draft.market = { ...draft.market, dueCounts: draft.market.dueCounts.delete(`${epoch}`) };
};

export const changeClass = (market: MarketState, name: string, work: WorkClass): MarketState => ({
  ...market,
  classes: { ...market.classes, [name]: work },
});

/** Class names come from strangers: `constructor` is none. */
export const classOf = ({ classes }: MarketState, name: string): WorkClass | undefined =>
  Object.hasOwn(classes, name) ? classes[name] : undefined;

const feeFor = (cost: number, { price, feeDivisor }: Escrow): number =>
  Math.floor(payFor(cost, price) / feeDivisor);

const lookAt = (draft: Draft, id: OperationId, epoch: number): void => {
  const { market } = draft;
  const count = market.dueCounts.get(`${epoch}`) ?? 0;
  draft.market = {
    ...market,
    due: market.due.set(`${epoch}/${count}`, id),
    dueCounts: market.dueCounts.set(`${epoch}`, count + 1),
  };
};

/** Work placed before the epoch before was counted when it had waited, and is not counted again. */
const countWork = (
  draft: Draft,
  { class: name, placed }: Escrow,
  change: { readonly placed: number; readonly open: number; readonly done?: number },
): void => {
  const work = classOf(draft.market, name);
  if (!work) throw new Error(`there is an order of class ${name}, and no such class`);
  const age = draft.epoch - placed;
  const done = change.done ?? 0;
  draft.market = changeClass(draft.market, name, {
    ...work,
    open: work.open + change.open,
    placed: work.placed + (age === 0 ? change.placed : 0),
    placedBefore: work.placedBefore + (age === 1 ? change.placed : 0),
    satisfied: addUpTo(work.satisfied, age <= 1 ? done : 0),
    delivered: addUpTo(work.delivered, done),
  });
};

const addUpTo = (sum: number, more: number): number => Math.min(marketLimits.maxTotalCost, sum + more);

const openEscrow = (draft: Draft, id: OperationId): Escrow => {
  const escrow = draft.market.escrows.get(id);
  if (!escrow) throw new Error(`escrow ${id} is not open`);
  return escrow;
};
