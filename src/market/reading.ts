import type { AccountId } from '../core/brand.ts';
import { err, fault, ok, type Result } from '../core/result.ts';
import { classOf, lockedFor, paidFrom } from '../ledger/transition/market/escrow.ts';
import { costPerPrice, marketLimits } from '../ledger/transition/market/limits.ts';
import { capacityOf } from '../ledger/transition/market/price.ts';
import type { Escrow, MarketState, Offer, WorkClass } from '../ledger/transition/market/types.ts';
import type { LedgerState, OperationId } from '../ledger/types.ts';
import type { AllocationStatus, MarketFault, PriceEstimate, ResourceRequest } from './contracts.ts';
import type { Share, Worker } from './strategies.ts';

/** What a checked state says of the market. Pure. */

export const estimateOf = (
  state: LedgerState,
  { class: name, cost }: Pick<ResourceRequest, 'class' | 'cost'>,
): Result<PriceEstimate, MarketFault> => {
  const known = checkWork(state, name, cost);
  if (!known.ok) return known;
  const { price, history, samples, open } = known.value;
  const prices = history.map((epoch) => epoch.price);
  const eighth = Math.max(1, Math.floor(price / 8));
  return ok({
    class: name,
    cost,
    amount: lockedFor(cost, price),
    basis: {
      posted: price,
      median: prices.length > 0 ? capacityOf(prices) : price,
      samples: prices.length,
      capacity: capacityOf(samples),
      waiting: open,
    },
    next: {
      least: lockedFor(cost, Math.max(state.parameters.minPrice, price - eighth)),
      most: lockedFor(cost, Math.min(marketLimits.maxPrice, price + eighth)),
    },
  });
};

/** The limit that a budget comes to, and not a µVC more than the budget is locked by it. */
export const limitFor = (cost: number, budget: number): number =>
  Math.min(marketLimits.maxPrice, Number((BigInt(budget) * BigInt(costPerPrice)) / BigInt(cost)));

export const checkWork = (
  { market }: LedgerState,
  name: string,
  cost: number,
): Result<WorkClass, MarketFault> => {
  const work = classOf(market, name);
  if (!work) {
    const names = Object.keys(market.classes).join(', ');
    return err(fault('request', `there is no work of class ${name}: this swarm has ${names}`));
  }
  if (!Number.isSafeInteger(cost) || cost < 1 || cost > marketLimits.maxCost)
    return err(
      fault(
        'request',
        `a cost is a whole number from 1 to ${marketLimits.maxCost}, not ${cost}: part the job`,
      ),
    );
  return ok(work);
};

export const statusOf = ({ market }: LedgerState, id: OperationId): AllocationStatus | undefined => {
  const escrow = market.escrows.get(id);
  if (escrow) return openStatus(id, escrow);
  const epoch = market.closed.get(id);
  return epoch === undefined ? undefined : { phase: 'closed', escrow: id, epoch };
};

/** Looks through all open orders. */
export const ordersOf = ({ market }: LedgerState, payer: AccountId): readonly OperationId[] => {
  const own: { id: OperationId; placed: number }[] = [];
  for (const [id, escrow] of market.escrows.entries())
    if (escrow.payer === payer) own.push({ id: id as OperationId, placed: escrow.placed });
  return own.toSorted((a, b) => a.placed - b.placed).map(({ id }) => id);
};

/** Those who are there, with what they offer. Somebody whose speed nobody knows is as fast as its offer says. */
export const workersOf = (
  { market, parameters }: LedgerState,
  { class: name, payer }: Pick<Escrow, 'class' | 'payer'>,
  present: readonly Worker[],
): readonly Worker[] =>
  present.flatMap((worker) => {
    if (worker.account === payer) return [];
    const offer = offerOf(market, name, worker.account);
    if (!offer) return [worker];
    const { capacity, minPrice } = offer;
    return {
      ...worker,
      minPrice,
      capacity: Math.min(capacity, worker.capacity ?? capacity),
      speed: worker.speed || Math.floor(capacity / parameters.epochSeconds),
    };
  });

export const offerOf = ({ offers }: MarketState, name: string, account: AccountId): Offer | undefined =>
  offers.get(`${name}/${account}`);

const openStatus = (id: OperationId, escrow: Escrow): AllocationStatus => ({
  phase: escrow.settled ? 'settled' : escrow.shares.length > 0 ? 'allocated' : 'waiting',
  escrow: id,
  job: escrow.job,
  class: escrow.class,
  max: escrow.max,
  delivered: escrow.delivered,
  price: escrow.price,
  locked: escrow.locked,
  paid: paidFrom(escrow),
  deadline: escrow.deadline,
  closesAfter: escrow.due,
  shares: escrow.shares,
  payees: payeesOf(escrow),
});

export const payeesOf = ({ payees }: Escrow): readonly Share[] =>
  Object.entries(payees).map(([account, { cost }]) => [account as AccountId, cost] as const);
