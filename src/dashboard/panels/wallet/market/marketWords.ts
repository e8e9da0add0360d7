import type { EpochView, MarketClassView, OrderView } from '../../../../app/readModels.ts';
import type { Now } from '../../../hooks/useNow.ts';
import { formatCount, formatPercent, formatVc } from '../../../kit/format.ts';

const classNames: Readonly<Record<string, string>> = { ocr: 'Reading', training: 'Training' };

/** A class of work as people call it; one that this page does not know keeps its name. */
export const className = (name: string): string => classNames[name] ?? name;

/** Wall time at which an epoch ends, as far as this clock can tell; epochs of the past are taken to have been as long. */
export const epochEnd = (epoch: EpochView, number: number, now: Now): number =>
  now.wall + (epoch.endsAt - now.monotonic) - (epoch.number - number) * epoch.seconds * 1000;

export type MarketSeries = {
  /** Seconds since the Unix epoch, at the end of each epoch. */
  readonly time: readonly number[];
  readonly price: readonly number[];
  readonly demand: readonly number[];
  readonly delivered: readonly number[];
};

export const marketSeries = (
  history: MarketClassView['history'],
  epoch: EpochView,
  now: Now,
): MarketSeries => ({
  // The two clocks are read one after the other: without rounding the axis would say 19:59 for 20:00.
  time: history.map((point) => Math.round(epochEnd(epoch, point.epoch, now) / 1000)),
  price: history.map(({ price }) => price),
  demand: history.map(({ demand }) => demand),
  delivered: history.map(({ delivered }) => delivered),
});

/** How much of what is offered is asked for, in a sentence. */
export const demandInWords = ({ capacity, demand }: Pick<MarketClassView, 'capacity' | 'demand'>): string => {
  if (capacity === 0)
    return demand === 0
      ? 'Nobody offers this work and nobody asks for it.'
      : 'Work is asked for and nobody offers it: whoever does gets it.';
  if (demand === 0) return 'Nobody asks for this work now.';
  const share = formatPercent(demand / capacity);
  return demand > capacity
    ? `More is asked for than all offers together can do (${share}): some of it waits.`
    : `${share} of what all offers together can do is asked for.`;
};

/** The price of an amount of work, as orders and payments are counted: rounded down to a µVC. */
export const costAtPrice = (cost: number, price: number): number =>
  Number((BigInt(cost) * BigInt(price)) / 1_000_000n);

export const ordersInWords = (order: Pick<OrderView, 'max' | 'price'>): string =>
  `at most ${formatCount(order.max, 'unit')}, at ${formatVc(order.price)} per million`;

export const leftInOrder = ({ locked, paid }: Pick<OrderView, 'locked' | 'paid'>): number =>
  Math.max(0, locked - paid);

/** For an axis: 1.25 M, 640 k. */
export const shortUnits = (value: number): string => {
  if (value >= 1_000_000) return `${trim(value / 1_000_000)} M`;
  return value >= 1_000 ? `${trim(value / 1_000)} k` : trim(value);
};
const trim = (value: number): string => value.toLocaleString('en-US', { maximumFractionDigits: 2 });
