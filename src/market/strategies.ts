import type { AccountId } from '../core/brand.ts';
import { utf8 } from '../core/bytes.ts';
import { sha256Base64url } from '../core/hash.ts';
import { err, type Fault, fault, ok, type Result } from '../core/result.ts';
import { formatAmount, largestRemainder, mulDivFloor } from '../ledger/amounts.ts';
import type { OperationBodies } from '../ledger/types.ts';

export type Share = OperationBodies['settle']['payees'][number];

/** Somebody who could do the work, as far as is known. Integers all. */
export type Worker = {
  readonly account: AccountId;
  /** Cost per second, measured or, where nothing is, as offered. 0: unknown. */
  readonly speed: number;
  /** Thousandths of its tasks that came back right and in time. */
  readonly reliability: number;
  /** It does not work below this price. */
  readonly minPrice: number;
  /** Most that it would do of this order, in cost; undefined: as much as there is. */
  readonly capacity: number | undefined;
  /** Cost that it was given by us lately. */
  readonly given: number;
};

type Score = 'price' | 'speed' | 'reliability' | 'turn';

/**
 * What each strategy looks at, as weights over four scores from 0 to 1000: `price`, the lowest asked for over the own; `speed`, the
 * own over the highest; `reliability`; and `turn`, the least given lately over the own. A worker's part goes by the square of
 * its weighted sum, so that the better gets clearly more and nobody who is nearly as good gets nothing.
 *
 * The ledger pays everybody the posted price. So `cost` saves its user nothing: it gives the work to those who ask least, which
 * keeps them here when prices fall.
 */
export const strategyTable = {
  cost: { price: 10, speed: 1, reliability: 2, turn: 0 },
  speed: { price: 1, speed: 10, reliability: 2, turn: 0 },
  balanced: { price: 4, speed: 4, reliability: 4, turn: 1 },
  quality: { price: 1, speed: 1, reliability: 10, turn: 0 },
  fair: { price: 1, speed: 1, reliability: 1, turn: 10 },
} as const satisfies Record<string, Readonly<Record<Score, number>>>;
export type Strategy = keyof typeof strategyTable;
export const isStrategy = (name: string): name is Strategy => Object.hasOwn(strategyTable, name);

/** An order's worth of shares that the ledger takes. */
const mostShares = 64;

export type Allocation = {
  readonly shares: readonly Share[];
  /** Cost that nobody has room for. */
  readonly unplaced: number;
  /** All who were weighed or left out, as they were known. */
  readonly considered: readonly Worker[];
};

/**
 * Who does how much of `cost` at this price: whole numbers that come to all of it, or to all that there is room for. Pure; the
 * seed (the order's id) decides between equals, so that no account comes first for ever.
 */
export const allocate = (
  cost: number,
  price: number,
  workers: readonly Worker[],
  strategy: Strategy,
  seed: string,
): Result<Allocation, Fault<'no-worker'>> => {
  const willing = workers.filter(({ minPrice, capacity }) => minPrice <= price && capacity !== 0);
  if (willing.length === 0) return err(fault('no-worker', whyNobody(workers, price)));
  const weighed = willing.map((worker) => ({
    ...worker,
    weight: weightOf(worker, willing, strategy),
    tieKey: sha256Base64url(utf8(`${seed}/${worker.account}`)),
  }));
  const chosen = weighed
    .toSorted((a, b) => b.weight - a.weight || (a.tieKey < b.tieKey ? -1 : 1))
    .slice(0, mostShares);
  const amounts = fill(cost, chosen);
  const shares = chosen.flatMap(({ account }, index): Share[] => {
    const amount = amounts[index] ?? 0;
    return amount > 0 ? [[account, amount]] : [];
  });
  const unplaced = amounts.reduce((rest, amount) => rest - amount, cost);
  return ok({ shares, unplaced, considered: workers });
};

type Weighed = Worker & { readonly weight: number; readonly tieKey: string };

/** By weight; what does not fit into one is shared among those who have room. */
const fill = (cost: number, workers: readonly Weighed[]): readonly number[] => {
  const amounts = workers.map(() => 0);
  const roomOf = (index: number) => (workers[index]?.capacity ?? cost) - (amounts[index] ?? 0);
  for (let left = cost; left > 0; ) {
    const open = workers.map((_, index) => index).filter((index) => roomOf(index) > 0);
    const parts = largestRemainder(
      left,
      open.map((index) => workers[index]?.weight ?? 0),
      open.map((index) => workers[index]?.tieKey ?? ''),
    );
    if (!parts.ok) break; // nobody has room
    for (const [nth, index] of open.entries()) {
      const amount = Math.min(parts.value[nth] ?? 0, roomOf(index));
      amounts[index] = (amounts[index] ?? 0) + amount;
      left -= amount;
    }
  }
  return amounts;
};

const weightOf = (worker: Worker, all: readonly Worker[], strategy: Strategy): number => {
  const ofAll = (read: (worker: Worker) => number) => all.map(read);
  const scores: Readonly<Record<Score, number>> = {
    price: thousandths(
      Math.min(...ofAll(({ minPrice }) => Math.max(1, minPrice))),
      Math.max(1, worker.minPrice),
    ),
    speed: thousandths(worker.speed, Math.max(1, ...ofAll(({ speed }) => speed))),
    reliability: Math.max(0, Math.min(1_000, worker.reliability)),
    turn: thousandths(1 + Math.min(...ofAll(({ given }) => given)), 1 + worker.given),
  };
  const weights: Readonly<Record<Score, number>> = strategyTable[strategy];
  const names = Object.keys(weights) as readonly Score[];
  const sum = names.reduce((total, name) => total + weights[name] * scores[name], 0);
  return Math.max(1, sum * sum);
};

const thousandths = (part: number, whole: number): number => mulDivFloor(part, 1_000, whole);

const whyNobody = (workers: readonly Worker[], price: number): string => {
  if (workers.length === 0) return 'nobody offers this work now: wait for offers, or let this device do it';
  const least = Math.min(...workers.map(({ minPrice }) => minPrice));
  return least > price
    ? `nobody works at ${formatAmount(price)} VC: the lowest of ${workers.length} asks for ${formatAmount(least)} VC. Order again when the price has risen`
    : `none of ${workers.length} workers has room: wait, or ask for less`;
};
