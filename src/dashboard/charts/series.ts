import type { CreditsView } from '../../app/readModels.ts';

export type CreditSeries = {
  /** Seconds since the epoch. */
  readonly time: readonly number[];
  /** Thousandths of a credit, running totals. */
  readonly earned: readonly number[];
  readonly spent: readonly number[];
};

/**
 * Running totals over the listed receipts. Older receipts than those listed count in the totals, so the curves start
 * at what is left of the totals and end exactly on them. Claims and own work count for nothing.
 */
export const creditSeries = (credits: CreditsView): CreditSeries => {
  const counted = credits.receipts
    .filter((view) => view.state === 'whole' && view.direction !== 'own')
    .sort((a, b) => a.receipt.body.at - b.receipt.body.at);
  const sum = (direction: 'earned' | 'spent') =>
    counted.reduce(
      (total, view) => total + (view.direction === direction ? view.receipt.body.cost.milliCredits : 0),
      0,
    );
  let earned = credits.earned - sum('earned');
  let spent = credits.spent - sum('spent');
  const series = { time: [] as number[], earned: [] as number[], spent: [] as number[] };
  for (const { receipt, direction } of counted) {
    if (direction === 'earned') earned += receipt.body.cost.milliCredits;
    else spent += receipt.body.cost.milliCredits;
    const second = receipt.body.at / 1000;
    // Several receipts of one instant are one point: a chart's time axis must grow.
    const last = series.time.length - 1;
    const at = series.time[last] === second ? last : last + 1;
    series.time[at] = second;
    series.earned[at] = earned;
    series.spent[at] = spent;
  }
  return series;
};

/** What a chart shows, for those who listen to it. */
export const summarizeSeries = (
  label: string,
  values: readonly (number | null | undefined)[],
  format: (value: number) => string,
): string => {
  const known = values.filter((value) => value !== null && value !== undefined);
  const last = known.at(-1);
  if (last === undefined) return `${label}: no samples yet.`;
  const highest = known.reduce((most, value) => Math.max(most, value), last);
  const lowest = known.reduce((least, value) => Math.min(least, value), last);
  return `${label}: now ${format(last)}, between ${format(lowest)} and ${format(highest)}.`;
};

export const lastKnown = (values: readonly (number | null | undefined)[]): number | undefined => {
  for (let i = values.length - 1; i >= 0; i--) {
    const value = values[i];
    if (value !== null && value !== undefined) return value;
  }
  return undefined;
};
