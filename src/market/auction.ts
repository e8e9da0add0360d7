/**
 * A double auction for a batch of equal units, each wanted once or offered once: McAfee, "A dominant strategy double auction",
 * Journal of Economic Theory 56 (1992) 434-450. Nobody gains by naming another price than the own, whatever others do; nobody
 * pays more than bid or gets less than asked; and what buyers pay covers what sellers get. The price of that is that
 * sometimes the least valuable trade is left out.
 *
 * Pure. It moves no money: the ledger's market posts prices, and no operation of it settles an auction.
 */
export type Bid = { readonly id: string; readonly price: number };

export type AuctionResult = {
  /** The i-th buyer and the i-th seller trade; which two meet has no meaning. */
  readonly buyers: readonly string[];
  readonly sellers: readonly string[];
  /** Each buyer pays, and each seller gets, so much. */
  readonly buyPrice: number;
  readonly sellPrice: number;
  /** What buyers pay beyond what sellers get. */
  readonly surplus: number;
};

/** Prices are safe integers from 0, in any unit. Equal prices are ordered by id; an id is bid for once on a side. */
export const runBatchAuction = (bids: readonly Bid[], asks: readonly Bid[]): AuctionResult => {
  const buyers = bids.toSorted((a, b) => b.price - a.price || byId(a, b));
  const sellers = asks.toSorted((a, b) => a.price - b.price || byId(a, b));
  const efficient = countWhile(buyers, sellers);
  const [lastBuyer, lastSeller] = [buyers[efficient - 1], sellers[efficient - 1]];
  if (!lastBuyer || !lastSeller) return nothing;
  const [nextBuyer, nextSeller] = [buyers[efficient], sellers[efficient]];
  if (nextBuyer && nextSeller) {
    // Between the first two that don't trade: no trader has a say in it.
    const between = nextBuyer.price + Math.floor((nextSeller.price - nextBuyer.price) / 2);
    if (lastSeller.price <= between && between <= lastBuyer.price)
      return traded(buyers, sellers, efficient, between, between);
  }
  return traded(buyers, sellers, efficient - 1, lastBuyer.price, lastSeller.price);
};

/** How many trades are worth it: the k-th bid still meets the k-th ask. */
const countWhile = (buyers: readonly Bid[], sellers: readonly Bid[]): number => {
  let count = 0;
  for (const [index, buyer] of buyers.entries()) {
    const seller = sellers[index];
    if (!seller || buyer.price < seller.price) break;
    count++;
  }
  return count;
};

const traded = (
  buyers: readonly Bid[],
  sellers: readonly Bid[],
  count: number,
  buyPrice: number,
  sellPrice: number,
): AuctionResult =>
  count === 0
    ? nothing
    : {
        buyers: buyers.slice(0, count).map(({ id }) => id),
        sellers: sellers.slice(0, count).map(({ id }) => id),
        buyPrice,
        sellPrice,
        surplus: (buyPrice - sellPrice) * count,
      };

const nothing: AuctionResult = { buyers: [], sellers: [], buyPrice: 0, sellPrice: 0, surplus: 0 };
const byId = (a: Bid, b: Bid): number => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
