/**
 * Bounds of the market. `maxCost` · `maxPrice` / 10⁶ is the most that an order locks, and just an exact integer; sums of cost stay
 * below `maxTotalCost`, which leaves room for what the price formula does with them.
 */
export const marketLimits = {
  /** Of one order: 2 · 10¹⁶ multiply-accumulates, some eight million pages. */
  maxCost: 2 ** 31,
  /** About two million VCoin per 10⁶ of cost. */
  maxPrice: 2 ** 41,
  maxTotalCost: 2 ** 49,
  /** Epochs from placing an order to its deadline: a week of ten minutes each. */
  maxWait: 1_008,
  maxShares: 64,
  /** Accounts that one order pays. */
  maxPayees: 256,
  maxReceipts: 256,
  maxReceiptBytes: 2_048,
  maxUnitLength: 128,
  /** Epochs whose prices are kept: a day of ten minutes each. */
  history: 144,
  /** For so many epochs it is known when an order was closed. */
  closedKept: 1_008,
} as const;

/** Price is per so much of cost. */
export const costPerPrice = 1_000_000;
