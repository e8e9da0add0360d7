import { err, ok, type Result } from '../../core/result.ts';
import type { JobView } from '../../inference/contracts.ts';
import type { MarketOrchestrator } from '../../market/index.ts';
import type { ReadingEstimate } from '../ledgerView.ts';

/** The class of work that reading pages is, on the ledger. */
export const readingClass = 'ocr';

/** Of the newest pages read here, whoever read them: older ones say little of what is read now. */
const measuredPages = 50;

/** What pages cost that were read here, in units, newest job first. */
export const pageCostsOf = (jobs: readonly JobView[]): readonly number[] =>
  jobs
    .toSorted((a, b) => b.createdAt - a.createdAt)
    .flatMap(({ pages }) => pages)
    .filter(({ state, milliCredits }) => state.phase === 'done' && milliCredits > 0)
    .slice(0, measuredPages)
    .map(({ milliCredits }) => milliCredits);

/** From the cheapest to the dearest page read here, as often as there are pages, at the posted price. */
export const estimateReading = (
  market: Pick<MarketOrchestrator, 'getPriceEstimate'>,
  costs: readonly number[],
  pages: number,
): Result<ReadingEstimate, string> => {
  const measured = costs.length > 0;
  const least = market.getPriceEstimate({
    class: readingClass,
    cost: measured ? pages * Math.min(...costs) : pages,
  });
  if (!least.ok) return err(least.error.message);
  const { posted, median, samples } = least.value.basis;
  const price = { price: posted, median, epochs: samples };
  if (!measured) return ok({ ...price, pages: undefined });
  const most = market.getPriceEstimate({ class: readingClass, cost: pages * Math.max(...costs) });
  if (!most.ok) return err(most.error.message);
  return ok({
    ...price,
    pages: {
      measured: costs.length,
      leastUnits: Math.min(...costs),
      mostUnits: Math.max(...costs),
      least: least.value.amount,
      most: most.value.amount,
      enough: most.value.next.most,
    },
  });
};
