import { mulDivFloor } from '../../amounts.ts';
import { marketLimits } from './limits.ts';
import type { WorkClass } from './types.ts';

/**
 * The posted price of a class of work, from epoch to epoch. Pure; knows nothing of orders but their sums.
 *
 *   D = S + N   what was asked for, every order's work once: S was delivered within the epoch of its order or the next one;
 *               N waited, locked, through the whole epoch after that of its order and is still open
 *   C           what the class can do: median of the last six samples
 *   T = max(1, ⌊3C/4⌋)
 *   D < T       p' = p − max(1, ⌊p · min(T − D, T) / 8T⌋), not below the swarm's least price
 *   D > T       p' = p + max(1, ⌊p · min(D − T, N, T) / 8T⌋) if N > 0
 *   else        p' = p; also if nothing was asked for and nothing delivered
 *
 * The first design took D as the stock of all escrow locked through the epoch, C as the median delivered, and p' from D − T alone.
 * The simulation (`npm run sim -- market`, its lines "first design") shows why it was changed:
 * - Jobs take seconds. Orders served in time were no demand, so the price of a busy class fell by an eighth an epoch, as an idle
 *   one's did, to the floor. Delivered work is demand, and an idle class keeps its price.
 * - A stock grows while the price climbs. It goes on pushing when the price is right already, and the price swings: up
 *   to 14 times the old one where 4 times was right. So work that waits counts once, when it has waited.
 * - With demand served, the median delivered is the demand: T chases D at three quarters of it, and the price rises for ever.
 *   An epoch in which nobody had to wait says what was asked for, not what could be done. So it is no sample, unless it is a
 *   record, or more is offered than was ever asked for: then C grows by a sixteenth at most. Offers are free and may lie; all
 *   a lie can do is lower the price until somebody waits, which brings the truth.
 * - Where nobody waits nothing is scarce. So a rise needs work that waits, and is measured by it: nothing but escrow locked through
 *   a whole epoch raises a price, and escrow that shall do so again has to be placed again, at the new price.
 *
 * Between T and all that can be done the price stands.
 */
export const endEpochOf = (work: WorkClass, minPrice: number): WorkClass => {
  const waited = clamp(work.placedBefore);
  const demand = clamp(work.satisfied + waited);
  const sample = capacitySample(work, demand, waited);
  const samples = sample === undefined ? work.samples : [...work.samples, sample].slice(-keptSamples);
  const idle = demand === 0 && work.delivered === 0;
  const price = idle ? work.price : nextPrice(work.price, { demand, waited, target: targetOf(samples) });
  return {
    ...work,
    price: Math.min(marketLimits.maxPrice, Math.max(minPrice, price)),
    placed: 0,
    placedBefore: work.placed,
    satisfied: 0,
    delivered: 0,
    samples,
    history: [...work.history, { price: work.price, demand, waited, delivered: clamp(work.delivered) }].slice(
      -marketLimits.history,
    ),
  };
};

/** Before anything was asked of it. */
export const newClass = (price: number): WorkClass => ({
  price: Math.min(marketLimits.maxPrice, price),
  placed: 0,
  placedBefore: 0,
  satisfied: 0,
  delivered: 0,
  offered: 0,
  open: 0,
  samples: [],
  history: [],
});

/** Of an even number of samples the mean of the two in the middle, rounded down; 0 of none. */
export const capacityOf = (samples: readonly number[]): number => {
  const sorted = samples.toSorted((a, b) => a - b);
  const half = sorted.length / 2;
  const upper = sorted[Math.floor(half)] ?? 0;
  const lower = sorted[Math.ceil(half) - 1] ?? 0;
  return Math.floor((lower + upper) / 2);
};

const nextPrice = (
  price: number,
  { demand, waited, target }: { readonly demand: number; readonly waited: number; readonly target: number },
): number => {
  if (demand < target) return price - stepOf(price, target - demand, target);
  const excess = Math.min(demand - target, waited);
  return excess === 0 ? price : price + stepOf(price, excess, target);
};

const stepOf = (price: number, distance: number, target: number): number =>
  Math.max(1, mulDivFloor(price, Math.min(distance, target), 8 * target));

const targetOf = (samples: readonly number[]): number => {
  const capacity = capacityOf(samples);
  return Math.max(1, Math.floor((3 * capacity) / 4));
};

/** Undefined if the epoch tells nothing of what the class can do. */
const capacitySample = (
  { delivered: counted, offered, samples }: WorkClass,
  demand: number,
  waited: number,
): number | undefined => {
  const delivered = clamp(counted);
  const capacity = capacityOf(samples);
  // An eighth of what was delivered, and of what is known to be possible, waited in vain: more could not be done. Less than that
  // may be one order that its own requester lets lie.
  if (waited > 0 && waited * 8 >= Math.max(delivered, capacity)) return delivered;
  if (delivered > capacity) return delivered;
  if (waited > 0 || offered <= capacity || demand < targetOf(samples) || demand === 0) return undefined;
  return Math.min(clamp(offered), capacity + Math.max(1, Math.floor(capacity / 16)));
};

const keptSamples = 6;
const clamp = (cost: number): number => Math.min(cost, marketLimits.maxTotalCost);
