import { capacityOf, endEpochOf, newClass } from '../../../src/ledger/transition/market/price.ts';
import type { WorkClass } from '../../../src/ledger/transition/market/types.ts';

/**
 * Who orders at which price: demand of constant elasticity, a capacity that serves the oldest order first, and orders that wait
 * only so long. Floats are the model's, never the market's.
 */
export type Demand = {
  readonly elasticity: number;
  /** By how much more is asked for from `stepAt` on. */
  readonly factor: number;
  /** Epochs an order waits before it is given up. */
  readonly patience: number;
  /** What workers say that they could do, as a share of what they can. */
  readonly offered: number;
};

/** What an epoch came to: cost that came and cost that was served, by how long it had waited, and what still waits. */
export type Observed = {
  readonly served: number;
  readonly satisfied: number;
  /** Left of what came in this epoch, and in the epoch before. */
  readonly left: number;
  readonly leftBefore: number;
  /** All that came before this epoch and still waits. */
  readonly stock: number;
};

/** A price rule with its memory. */
export type Rule = { price(): number; end(observed: Observed): void };

export const capacity = 100_000;
const epochs = 300;
const stepAt = 100;
const firstPrice = 250_000_000;
const leastPrice = 8;

export type PriceRun = {
  /** From the step until the price is within 5 % of where it comes to rest, and stays so; undefined: it never rests. */
  readonly epochsToSettle: number | undefined;
  readonly largestStepPercent: number;
  /** Price after the step over the one before: highest, lowest, at the end. */
  readonly highest: number;
  readonly lowest: number;
  readonly last: number;
  /** Demand over capacity at the end. */
  readonly asked: number;
};

export const playPrices = (
  demand: Demand,
  createRule: (first: number, offered: number) => Rule,
): PriceRun => {
  const rule = createRule(firstPrice, Math.round(capacity * demand.offered));
  const prices: number[] = [];
  let waiting: { readonly placed: number; left: number }[] = [];
  for (let epoch = 0; epoch < epochs; epoch++) {
    const price = rule.price();
    prices.push(price);
    waiting.push({ placed: epoch, left: askedAt(price, epoch, demand) });
    let room = capacity;
    let satisfied = 0;
    for (const order of waiting) {
      const now = Math.min(room, order.left);
      order.left -= now;
      room -= now;
      if (epoch - order.placed <= 1) satisfied += now;
    }
    waiting = waiting.filter(({ placed, left }) => left > 0 && epoch < placed + demand.patience);
    const leftOf = (placed: number) => waiting.find((order) => order.placed === placed)?.left ?? 0;
    const stock = waiting.reduce((sum, { placed, left }) => sum + (placed < epoch ? left : 0), 0);
    const served = capacity - room;
    rule.end({ served, satisfied, left: leftOf(epoch), leftBefore: leftOf(epoch - 1), stock });
  }
  return { ...judge(prices), asked: askedAt(rule.price(), epochs, demand) / capacity };
};

/** Before the step and at the first price three quarters of the capacity. */
const askedAt = (price: number, epoch: number, { factor, elasticity }: Demand): number =>
  Math.round(0.75 * capacity * (epoch < stepAt ? 1 : factor) * (firstPrice / price) ** elasticity);

const judge = (prices: readonly number[]): Omit<PriceRun, 'asked'> => {
  const after = prices.slice(stepAt);
  const [before = 0, level = 0] = [prices[stepAt], prices.at(-1)];
  const rested = prices.slice(-100).every((price) => Math.abs(price / level - 1) < 0.01);
  const settled = after.findLastIndex((price) => Math.abs(price / level - 1) > 0.05) + 1;
  const steps = prices.slice(1).map((price, i) => Math.abs(price / (prices[i] ?? price) - 1) * 100);
  return {
    epochsToSettle: rested ? settled : undefined,
    largestStepPercent: Math.max(...steps),
    highest: Math.max(...after) / before,
    lowest: Math.min(...after) / before,
    last: level / before,
  };
};

/** The rule of the ledger, as it runs there. */
export const ledgerRule = (first: number, offered: number): Rule => {
  let work: WorkClass = { ...newClass(first), offered };
  return {
    price: () => work.price,
    end({ served, satisfied, left, leftBefore }) {
      const seen = { ...work, placed: left, placedBefore: leftBefore, satisfied, delivered: served };
      work = endEpochOf(seen, leastPrice);
    },
  };
};

/** The first design: `D` as told, C the median delivered, a rise whether or not anybody waits. */
const designRule =
  (demandOf: (observed: Observed) => number) =>
  (first: number): Rule => {
    let price = first;
    let delivered: readonly number[] = [];
    return {
      price: () => price,
      end(observed) {
        delivered = [...delivered, observed.served].slice(-6);
        const target = Math.max(1, Math.floor((3 * capacityOf(delivered)) / 4));
        const demand = demandOf(observed);
        if (demand === target) return;
        const distance = Math.min(Math.abs(demand - target), target);
        const step = Math.max(1, Math.floor((price * distance) / (8 * target)));
        price = Math.max(leastPrice, demand > target ? price + step : price - step);
      },
    };
  };

/** D: escrow locked all epoch, as the first design said. */
export const stockRule = designRule(({ stock }) => stock);
/** D: that, and what was delivered. */
export const servedRule = designRule(({ stock, served }) => stock + served);
