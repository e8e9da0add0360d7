import type { ReadingEstimate, StrategyName } from '../../../app/readModels.ts';
import { formatCount, formatInteger, formatVc, formatVcFigure } from '../../kit/format.ts';

export const strategies: readonly {
  readonly name: StrategyName;
  readonly label: string;
  readonly sentence: string;
}[] = [
  {
    name: 'balanced',
    label: 'Balanced',
    sentence: 'Looks at speed, past work and least prices alike.',
  },
  { name: 'speed', label: 'Fast', sentence: 'The fastest devices are asked first.' },
  {
    name: 'quality',
    label: 'Reliable',
    sentence: 'Those whose work for you was right and in time are asked first.',
  },
  {
    name: 'cost',
    label: 'Low price',
    sentence:
      'Those who ask least are asked first. Everybody is paid today’s price, so it saves you nothing; it keeps them here when prices fall.',
  },
  {
    name: 'fair',
    label: 'In turn',
    sentence: 'Those who had least work from you since yesterday are asked first, even if it takes longer.',
  },
];

export const strategyLabel = (name: StrategyName): string =>
  strategies.find((strategy) => strategy.name === name)?.label ?? name;

/** "0.9 to 1.4 VC", or one amount if both are the same. */
export const rangeInWords = (least: number, most: number): string =>
  least === most ? formatVc(least) : `${formatVcFigure(least)} to ${formatVc(most)}`;

export type EstimateWords = { readonly headline: string; readonly basis: string };

/** What pages will cost, and what that rests on. */
export const estimateInWords = (estimate: ReadingEstimate, count: number): EstimateWords => {
  const price = `today’s price of ${formatVc(estimate.price)} per million units${medianInWords(estimate)}`;
  const { pages } = estimate;
  if (!pages)
    return {
      headline: `What ${count === 1 ? 'this page' : 'these pages'} will cost isn’t known yet.`,
      basis: `No page was read on this device so far, so there is nothing to go by. Work is paid at ${price}.`,
    };
  const { measured, leastUnits, mostUnits } = pages;
  const units =
    leastUnits === mostUnits
      ? `${formatInteger(mostUnits)} units`
      : `${formatInteger(leastUnits)} to ${formatInteger(mostUnits)} units each`;
  const from = measured === 1 ? 'one page' : `${formatInteger(measured)} pages`;
  return {
    headline: `${formatCount(count, 'page')} should cost ${rangeInWords(pages.least, pages.most)} if others read ${count === 1 ? 'it' : 'them all'}.`,
    basis: `What this device reads itself costs nothing; what is read twice as a check comes on top. From the ${from} read here lately (${units}), at ${price}.`,
  };
};

const medianInWords = ({ price, median, epochs }: ReadingEstimate): string =>
  epochs === 0 || median === price
    ? ''
    : ` (median of the last ${formatCount(epochs, 'epoch')}: ${formatVc(median)})`;

/** To three figures, because somebody has to type it. */
const roundedUp = (amount: number): number => {
  const step = 10 ** Math.max(0, String(amount).length - 3);
  return Math.ceil(amount / step) * step;
};

/** What is to be said of a budget, and what to do about it; undefined while all is well. */
export const shortfallInWords = (
  budget: number,
  balance: number,
  estimate: ReadingEstimate | undefined,
): string | undefined => {
  if (budget > balance) return `That is more than there is: you have ${formatVc(balance)}.`;
  const pages = estimate?.pages;
  if (!pages || budget >= pages.enough) return undefined;
  const remedy = `set aside ${formatVc(roundedUp(pages.enough))}, or send fewer pages`;
  return budget < pages.least
    ? `Less than the pages should cost: those who read would share it, and get less than they worked for. To pay in full, ${remedy}.`
    : `It may fall short if the pages are long or the price rises before the order stands. To be sure, ${remedy}.`;
};
