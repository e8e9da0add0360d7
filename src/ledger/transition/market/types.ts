import type { AccountId } from '../../../core/brand.ts';
import type { Bytes } from '../../../core/bytes.ts';
import type { PublicKey, Signature } from '../../../core/ports/crypto.ts';
import type { Table } from '../../table/types.ts';
import type { OperationId } from '../../types.ts';

/**
 * The market's vocabulary. Cost is a count of work: the milli-credits of receipts, 10⁷ multiply-accumulates each. A price is
 * micro-VCoin per 10⁶ of cost. An order is named by the id of the operation that placed it.
 */

/** How much work of an order somebody has, or is to have, done. */
export type Share = readonly [account: AccountId, cost: number];

/** The exact bytes of an inference receipt's body, and the requester's signature over them. */
export type SignedReceipt = { readonly body: Bytes; readonly signature: Signature };

export type MarketBodies = {
  /**
   * Locks ⌈max · limit / 10⁶⌉ for at most `max` of work at no more than `limit`. `deadline`: the last epoch it waits.
   * `job` should name one job for ever: receipts say their job, so those of an earlier order under this name count again.
   */
  order: {
    readonly class: string;
    readonly max: number;
    readonly limit: number;
    readonly deadline: number;
    readonly job: string;
  };
  /** Who is to do it. Keeps the order open beyond its deadline, so that the workers can still claim. */
  match: { readonly escrow: OperationId; readonly shares: readonly Share[] };
  /** What each worker has done so far: never less than before. The first one begins the order's last epochs. */
  settle: { readonly escrow: OperationId; readonly payees: readonly Share[] };
  /**
   * By a worker who was not paid what the requester signed for. Receipts stand in rising order of their units. One that goes
   * on after the last unit of the claim before adds to it; any other begins anew, so nothing is counted twice.
   */
  claim: { readonly escrow: OperationId; readonly receipts: readonly SignedReceipt[] };
  cancel: { readonly escrow: OperationId };
  /** What an account would do for others: cost per epoch, from which price on. No capacity: it withdraws. */
  offer: { readonly class: string; readonly capacity: number; readonly minPrice: number };
};

export type Payee = {
  /** Paid for, by settlement or claim. */
  readonly cost: number;
  /** By receipts alone, up to and with unit `last`. */
  readonly claimed: number;
  /** '' before the first claim. */
  readonly last: string;
};

export type Escrow = {
  readonly payer: AccountId;
  /** The payer's key when the order was placed: receipts it signed count. */
  readonly payerKey: PublicKey;
  readonly class: string;
  readonly job: string;
  readonly max: number;
  readonly limit: number;
  /** As posted in the epoch in which it was placed. */
  readonly price: number;
  /** Of that epoch, too: a vote does not change what was agreed. */
  readonly feeDivisor: number;
  readonly locked: number;
  /** What is left of it. */
  readonly rest: number;
  readonly placed: number;
  readonly deadline: number;
  /** At the end of this epoch it is closed. */
  readonly due: number;
  readonly shares: readonly Share[];
  readonly settled: boolean;
  readonly payees: Readonly<Record<AccountId, Payee>>;
  /** Sum of the payees' cost. */
  readonly delivered: number;
};

export type Offer = {
  readonly account: AccountId;
  readonly class: string;
  readonly capacity: number;
  readonly minPrice: number;
};

/** A class of work and its price. The counts are of cost, by epochs (price.ts says what they are for). */
export type WorkClass = {
  readonly price: number;
  /** Not delivered yet, of open orders of this epoch and of the epoch before. */
  readonly placed: number;
  readonly placedBefore: number;
  /** Delivered in this epoch, of orders no older than the epoch before. */
  readonly satisfied: number;
  /** Delivered in this epoch. */
  readonly delivered: number;
  /** Offered now. */
  readonly offered: number;
  /** Not delivered yet, of all open orders. */
  readonly open: number;
  /** What the last epochs that tell something of capacity say of it, newest last. */
  readonly samples: readonly number[];
  /** The last day's epochs, or fewer if they are long, newest last. */
  readonly history: readonly PricedEpoch[];
};

/** An epoch that has ended: the price it had, what was asked for, how much of that had to wait, and what was delivered. */
export type PricedEpoch = {
  readonly price: number;
  readonly demand: number;
  readonly waited: number;
  readonly delivered: number;
};

export type MarketState = {
  readonly classes: Readonly<Record<string, WorkClass>>;
  readonly escrows: Table<Escrow>;
  /** The open order of an account's job: `${account}/${job}`. */
  readonly jobs: Table<OperationId>;
  /** `${class}/${account}`. */
  readonly offers: Table<Offer>;
  /** What the end of an epoch looks at: number n of an epoch is `${epoch}/${n}`, and `${epoch}` how many there are. */
  readonly due: Table<OperationId>;
  readonly dueCounts: Table<number>;
  /** Epoch in which an order was closed; forgotten after a while. */
  readonly closed: Table<number>;
  /** Sum of what is left in all escrows. */
  readonly locked: number;
};
