import type { AccountId } from '../core/brand.ts';
import type { Store } from '../core/events.ts';
import type { Fault, Result } from '../core/result.ts';
import type { OperationId } from '../ledger/types.ts';
import type { AuctionResult, Bid } from './auction.ts';
import type { Allocation, Share, Strategy, Worker } from './strategies.ts';

export type MarketFault = Fault<
  /** there is no checked ledger here yet, or the market is stopped */
  | 'closed'
  /** the ledger knows no such class of work, or the request makes no sense */
  | 'request'
  /** the budget does not pay for it at today's price */
  | 'budget'
  /** the account has less than would be locked */
  | 'balance'
  | 'no-worker'
  /** no such order is open */
  | 'no-order'
  /** the wallet or the ledger refused it */
  | 'refused'
>;

export type ResourceRequest = {
  readonly class: string;
  /** Most work that is to be paid for. */
  readonly cost: number;
  /** At most so many µVC are locked. */
  readonly budget: number;
  /** How `allocateResources` shares it out. */
  readonly strategy: Strategy;
  /** Epochs it may wait, from the present one. */
  readonly deadline: number;
  readonly job: string;
};

export type Reservation = {
  /** Names the order on the ledger. */
  readonly escrow: OperationId;
  readonly job: string;
  readonly strategy: Strategy;
  readonly locked: number;
  /** It is paid at this price, whatever comes. */
  readonly price: number;
};

/** What work would cost if it were ordered now, and what that rests on. */
export type PriceEstimate = {
  readonly class: string;
  readonly cost: number;
  /** µVC, rounded up. */
  readonly amount: number;
  readonly basis: {
    readonly posted: number;
    /** Of the prices of the last epochs; the posted one if there are none. */
    readonly median: number;
    /** How many epochs that are. */
    readonly samples: number;
    /** Cost that the class is known to do in an epoch; 0: nobody knows. */
    readonly capacity: number;
    /** Cost in open orders. */
    readonly waiting: number;
  };
  /** Of the amount, if it is ordered in the next epoch: no price moves by more than an eighth. */
  readonly next: { readonly least: number; readonly most: number };
};

export type AllocationStatus =
  | {
      readonly phase: 'waiting' | 'allocated' | 'settled';
      readonly escrow: OperationId;
      readonly job: string;
      readonly class: string;
      readonly max: number;
      readonly delivered: number;
      readonly price: number;
      readonly locked: number;
      readonly paid: number;
      readonly deadline: number;
      /** The end of this epoch gives back what is left. */
      readonly closesAfter: number;
      readonly shares: readonly Share[];
      /** What each worker was paid for. */
      readonly payees: readonly Share[];
    }
  | { readonly phase: 'closed'; readonly escrow: OperationId; readonly epoch: number };

/**
 * The market as its users know it: ask for work, share it out, pay. Everything it says is read from the ledger as this device
 * checked it, and everything it does is an operation of the wallet: it keeps no money and decides no price.
 */
export interface MarketOrchestrator {
  /** Follows the ledger. Idempotent, as `stop` is; nothing on the ledger changes by either. */
  start(): void;
  stop(): void;
  /** Orders: locks the money. Resolves when that is final. */
  requestResources(request: ResourceRequest): Promise<Result<Reservation, MarketFault>>;
  /**
   * Shares an order out among those who are there, and records it. Who they are the caller knows; a standing offer adds its
   * least price and its capacity, and offers of others are left alone. `expected`: work that is expected, where less than all
   * that was ordered, so that nobody's room is taken for too little. Resolves when it is final.
   */
  allocateResources(
    escrow: OperationId,
    present: readonly Worker[],
    expected?: number,
  ): Promise<Result<Allocation, MarketFault>>;
  getPriceEstimate(request: Pick<ResourceRequest, 'class' | 'cost'>): Result<PriceEstimate, MarketFault>;
  /** Undefined: never heard of, or closed over a week ago. */
  getAllocationStatus(escrow: OperationId): AllocationStatus | undefined;
  /** Gives back what was locked but for a part, as long as nobody was asked to work. */
  cancelAllocation(escrow: OperationId): Promise<Result<void, MarketFault>>;
  /** What each worker has done in all; what is left comes back when they had time to object. */
  settle(escrow: OperationId, payees: readonly Share[]): Promise<Result<void, MarketFault>>;
  /** Of equal units, wanted and offered one by one: says who trades at which price, and moves nothing. */
  clearBatch(bids: readonly Bid[], asks: readonly Bid[]): AuctionResult;
  /** Own orders that were open at `start` or placed since, oldest first; closed ones stay until `stop`. */
  readonly allocations: Store<readonly AllocationStatus[]>;
}

export type Reserved = Reservation & {
  /** Whom the strategy chose; if nobody could be chosen, or that could not be recorded, the budget is set aside all the same. */
  readonly allocation: Result<Allocation, MarketFault>;
};

export type Choice = {
  readonly strategy: Strategy;
  readonly present: readonly Worker[];
  /** Cost that the job is expected to come to; undefined: nobody knows. */
  readonly expected: number | undefined;
};

/** How gladly a job's work is given to somebody. */
export type Preference =
  /** 1: to nobody rather; 0: only if nobody who was chosen can. */
  | { readonly weight: number }
  /** Not at all, and why. */
  | { readonly closed: string };

/** What a budget goes through, job by job; survives a reload, because the ledger knows which order is a job's. */
export interface PriceGate {
  /** Sets all of the budget aside, for as much work as it pays, and chooses among those who are there. */
  reserve(job: string, budget: number, choice: Choice): Promise<Result<Reserved, MarketFault>>;
  /** As the shares of its order say, and the least prices of offers; undefined without an open order. */
  preferences(job: string): ((account: AccountId) => Preference) | undefined;
  /**
   * Pays: what each account has done for the job in all. If that is beyond the budget, what is left is shared by largest remainder.
   * Own work is left out. Nothing to do if the job has no open order.
   */
  settle(job: string, work: ReadonlyMap<AccountId, number>): Promise<Result<void, MarketFault>>;
  /** The job needs nothing any more: gives back what is left, now or when workers had time to object. */
  release(job: string): Promise<Result<void, MarketFault>>;
}
