import { createStore, type Unsubscribe } from '../core/events.ts';
import { err, fault, ok, type Result } from '../core/result.ts';
import type { LedgerAccess } from '../ledger/access.ts';
import { formatAmount } from '../ledger/amounts.ts';
import { lockedFor } from '../ledger/transition/market/escrow.ts';
import { marketLimits } from '../ledger/transition/market/limits.ts';
import type { Escrow } from '../ledger/transition/market/types.ts';
import { accountOf } from '../ledger/transition/purse.ts';
import type { LedgerState, OperationBodies, OperationId, OperationKind } from '../ledger/types.ts';
import { runBatchAuction } from './auction.ts';
import type { AllocationStatus, MarketFault, MarketOrchestrator, ResourceRequest } from './contracts.ts';
import { checkWork, estimateOf, limitFor, ordersOf, statusOf, workersOf } from './reading.ts';
import { allocate, type Strategy } from './strategies.ts';

type Deps = { readonly ledger: Pick<LedgerAccess, 'state' | 'account' | 'submit'> };

/** Doesn't know who orders operations, how work is done, or whether it was: callers settle what they saw. */
export const createMarketOrchestrator = ({ ledger }: Deps): MarketOrchestrator => {
  const allocations = createStore<readonly AllocationStatus[]>([]);
  const strategies = new Map<OperationId, Strategy>();
  let followed: readonly OperationId[] = [];
  let unsubscribe: Unsubscribe | undefined;

  /** A ledger that opens after `start` brings the orders that were open before this tab. */
  let looked = false;
  const refresh = (): void => {
    const state = ledger.state.get();
    if (!state) return;
    if (!looked) followed = [...new Set([...ordersOf(state, ledger.account), ...followed])];
    looked = true;
    const statuses = followed.flatMap((id) => statusOf(state, id) ?? []);
    if (!sameStatuses(statuses, allocations.get())) allocations.set(statuses);
  };

  const running = (): Result<LedgerState, MarketFault> => {
    if (!unsubscribe) return refuse('closed', 'the market is stopped here: start it first');
    const state = ledger.state.get();
    return state ? ok(state) : refuse('closed', 'this device has no checked ledger yet: wait until it has');
  };
  const openOrder = (id: OperationId): Result<readonly [LedgerState, Escrow], MarketFault> => {
    const state = running();
    if (!state.ok) return state;
    const escrow = state.value.market.escrows.get(id);
    if (!escrow) return refuse('no-order', `order ${id} is not open here: it was closed, or never was`);
    return ok([state.value, escrow]);
  };
  /** The operation's id, when it is final. */
  const carryOut = async <Kind extends OperationKind>(
    kind: Kind,
    body: OperationBodies[Kind],
  ): Promise<Result<OperationId, MarketFault>> => {
    const submitted = await ledger.submit(kind, body);
    if (!submitted.ok) return refuse('refused', submitted.error.message);
    const outcome = await submitted.value.settled();
    return outcome.phase === 'final' ? ok(outcome.id) : refuse('refused', outcome.reason);
  };

  return {
    allocations,
    start() {
      unsubscribe ??= ledger.state.subscribe(refresh);
      refresh();
    },
    stop() {
      unsubscribe?.();
      unsubscribe = undefined;
      looked = false;
      followed = [];
      allocations.set([]);
    },
    async requestResources(request) {
      const state = running();
      if (!state.ok) return state;
      const terms = termsOf(state.value, request, ledger.account);
      if (!terms.ok) return terms;
      const { limit, deadline } = terms.value;
      const { class: name, cost: max, job, strategy } = request;
      const placed = await carryOut('order', { class: name, max, limit, deadline, job });
      if (!placed.ok) return placed;
      const escrow = placed.value;
      strategies.set(escrow, strategy);
      followed = [...followed, escrow];
      refresh();
      const price = ledger.state.get()?.market.escrows.get(escrow)?.price ?? terms.value.price;
      return ok({ escrow, job, strategy, price, locked: lockedFor(max, limit) });
    },
    async allocateResources(id, present, expected = Number.POSITIVE_INFINITY) {
      const open = openOrder(id);
      if (!open.ok) return open;
      const [state, escrow] = open.value;
      const workers = workersOf(state, escrow, present);
      const strategy = strategies.get(id) ?? 'balanced';
      const cost = Math.max(1, Math.min(escrow.max, expected));
      const allocated = allocate(cost, escrow.price, workers, strategy, id);
      if (!allocated.ok) return allocated;
      const matched = await carryOut('match', { escrow: id, shares: allocated.value.shares });
      return matched.ok ? allocated : matched;
    },
    getPriceEstimate(request) {
      const state = ledger.state.get();
      if (!state) return refuse('closed', 'this device has no checked ledger yet: wait until it has');
      return estimateOf(state, request);
    },
    getAllocationStatus(id) {
      const state = ledger.state.get();
      return state && statusOf(state, id);
    },
    async cancelAllocation(id) {
      const open = openOrder(id);
      if (!open.ok) return open;
      const done = await carryOut('cancel', { escrow: id });
      return done.ok ? ok(undefined) : done;
    },
    async settle(id, payees) {
      const open = openOrder(id);
      if (!open.ok) return open;
      const done = await carryOut('settle', { escrow: id, payees });
      return done.ok ? ok(undefined) : done;
    },
    clearBatch: runBatchAuction,
  };
};

type Terms = { readonly limit: number; readonly deadline: number; readonly price: number };

/** What the order will say, or what stands in its way and what to do about it. */
const termsOf = (
  state: LedgerState,
  { class: name, cost, budget, deadline, job }: ResourceRequest,
  account: LedgerState['host'],
): Result<Terms, MarketFault> => {
  const work = checkWork(state, name, cost);
  if (!work.ok) return work;
  const { price } = work.value;
  if (!Number.isSafeInteger(budget) || budget < 1)
    return refuse('request', `a budget is a whole number of µVC above zero, not ${budget}`);
  if (!Number.isSafeInteger(deadline) || deadline < 0 || deadline > marketLimits.maxWait)
    return refuse('request', `an order waits 0 to ${marketLimits.maxWait} epochs, not ${deadline}`);
  if (state.market.jobs.has(`${account}/${job}`))
    return refuse('request', `job ${job} has an open order already: settle or cancel that one first`);
  const limit = limitFor(cost, budget);
  if (limit < price) {
    const missing = formatAmount(lockedFor(cost, price) - budget);
    return refuse(
      'budget',
      `this costs ${formatAmount(lockedFor(cost, price))} VC at today's price, ${missing} VC more than the budget: raise it, or wait for a lower price`,
    );
  }
  const locked = lockedFor(cost, limit);
  const { balance } = accountOf(state, account);
  if (balance < locked)
    return refuse(
      'balance',
      `this locks ${formatAmount(locked)} VC and the account has ${formatAmount(balance)} VC: ${formatAmount(locked - balance)} VC are missing`,
    );
  return ok({ limit, price, deadline: state.epoch + deadline });
};

const sameStatuses = (some: readonly AllocationStatus[], others: readonly AllocationStatus[]): boolean =>
  JSON.stringify(some) === JSON.stringify(others);

const refuse = (code: MarketFault['code'], message: string) => err(fault(code, message));
