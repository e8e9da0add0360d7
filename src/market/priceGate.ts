import type { AccountId } from '../core/brand.ts';
import { err, fault, ok, type Result } from '../core/result.ts';
import type { LedgerAccess } from '../ledger/access.ts';
import { formatAmount, largestRemainder } from '../ledger/amounts.ts';
import { classOf, jobKey } from '../ledger/transition/market/escrow.ts';
import { costPerPrice, marketLimits } from '../ledger/transition/market/limits.ts';
import type { Escrow } from '../ledger/transition/market/types.ts';
import type { OperationId } from '../ledger/types.ts';
import type { MarketFault, MarketOrchestrator, PriceGate } from './contracts.ts';
import { offerOf, payeesOf } from './reading.ts';
import type { Share } from './strategies.ts';

export type PriceGateOptions = {
  readonly class: string;
  /** Epochs that a job may take. */
  readonly deadline: number;
};

/** Keeps nothing: an order is found by its job. Doesn't know what the work is nor how it is counted. */
export const createPriceGate = (
  deps: { readonly market: MarketOrchestrator; readonly ledger: Pick<LedgerAccess, 'state' | 'account'> },
  options: PriceGateOptions,
): PriceGate => {
  const { market, ledger } = deps;
  const orderOf = (job: string): readonly [OperationId, Escrow] | undefined => {
    const { jobs, escrows } = ledger.state.get()?.market ?? {};
    const id = jobs?.get(jobKey(ledger.account, job));
    const escrow = id && escrows?.get(id);
    return escrow && [id, escrow];
  };

  return {
    async reserve(job, budget, { strategy, present, expected }) {
      const state = ledger.state.get()?.market;
      const posted = state && classOf(state, options.class)?.price;
      const cost = posted === undefined ? 1 : payableBy(budget, posted);
      if (cost === 0)
        return err(fault('budget', 'the budget pays for no work at all at the present price: raise it'));
      const reserved = await market.requestResources({ ...options, strategy, cost, budget, job });
      if (!reserved.ok) return reserved;
      const allocation = await market.allocateResources(reserved.value.escrow, present, expected);
      return ok({ ...reserved.value, allocation });
    },
    preferences(job) {
      const state = ledger.state.get()?.market;
      const [, escrow] = orderOf(job) ?? [];
      if (!state || !escrow) return undefined;
      const { shares, price } = escrow;
      const most = Math.max(...shares.map(([, share]) => share));
      const weights = new Map(shares.map(([account, share]) => [account, share / most]));
      return (account) => {
        const asked = offerOf(state, options.class, account)?.minPrice ?? 0;
        if (asked > price)
          return {
            closed: `it asks for ${formatAmount(asked)} VC, and this job pays ${formatAmount(price)} VC`,
          };
        return { weight: shares.length === 0 ? 1 : (weights.get(account) ?? 0) };
      };
    },
    async settle(job, work) {
      const order = orderOf(job);
      if (!order) return ok(undefined);
      const [id, escrow] = order;
      const others = [...work].filter(([account, cost]) => account !== ledger.account && cost > 0);
      if (others.length === 0) return release(job);
      const payees = withinMaximum(escrow, others);
      if (escrow.settled && payees.length === 0) return ok(undefined);
      for (let at = 0; at === 0 || at < payees.length; at += marketLimits.maxShares) {
        const settled = await market.settle(id, payees.slice(at, at + marketLimits.maxShares));
        if (!settled.ok) return settled;
      }
      return ok(undefined);
    },
    release,
  };

  async function release(job: string): Promise<Result<void, MarketFault>> {
    const order = orderOf(job);
    if (!order || order[1].settled) return ok(undefined);
    const [id, { shares, payees }] = order;
    const begun = shares.length > 0 || Object.keys(payees).length > 0;
    return begun ? market.settle(id, []) : market.cancelAllocation(id);
  }
};

/** As much work as a budget pays for, with room for one rise of the price before the order stands. */
const payableBy = (budget: number, price: number): number => {
  if (!Number.isSafeInteger(budget) || budget < 0) return 1; // refused where the order is made
  const payable = (BigInt(budget) * BigInt(costPerPrice)) / BigInt(price + Math.ceil(price / 8));
  return payable > marketLimits.maxCost ? marketLimits.maxCost : Number(payable);
};

/**
 * What each is paid for in all, of those who get more than they had. If the order has not enough, what it has left is shared by
 * what each is still owed.
 */
const withinMaximum = (escrow: Escrow, work: readonly (readonly [AccountId, number])[]): readonly Share[] => {
  const had = new Map(payeesOf(escrow));
  const owed = work
    .map(([account, cost]) => ({ account, before: had.get(account) ?? 0, cost }))
    .filter(({ before, cost }) => cost > before);
  if (owed.length === 0) return [];
  const growth = owed.map(({ before, cost }) => cost - before);
  const left = escrow.max - escrow.delivered;
  const sum = growth.reduce((total, more) => total + more, 0);
  const names = owed.map(({ account }) => account);
  const parts = sum <= left ? ok(growth) : largestRemainder(left, growth, names);
  if (!parts.ok) return [];
  return owed.flatMap(({ account, before }, index): Share[] => {
    const more = parts.value[index] ?? 0;
    return more > 0 ? [[account, before + more]] : [];
  });
};
