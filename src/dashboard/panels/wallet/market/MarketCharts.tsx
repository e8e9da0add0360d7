import { useMemo } from 'react';
import type { EpochView, MarketClassView } from '../../../../app/readModels.ts';
import { TimeChart } from '../../../charts/TimeChart.tsx';
import { useApp } from '../../../hooks/useApp.ts';
import { formatVcFigure } from '../../../kit/format.ts';
import { marketSeries, shortUnits } from './marketWords.ts';

/** The axis asks for figures between whole µVC, too. */
const formatPrice = (micro: number) => formatVcFigure(Math.round(micro));

export const MarketCharts = ({
  market: { history },
  epoch,
}: {
  readonly market: MarketClassView;
  readonly epoch: EpochView;
}) => {
  const { clock } = useApp();
  // Read once an epoch: a time axis that follows the clock would creep under the pointer.
  const series = useMemo(
    () => marketSeries(history, epoch, { wall: clock.now(), monotonic: clock.monotonic() }),
    [history, epoch, clock],
  );
  const price = useMemo(
    () => [{ label: 'Price', values: series.price, colour: '--accent', stepped: true }],
    [series],
  );
  const work = useMemo(
    () => [
      { label: 'Asked for', values: series.demand, colour: '--ink-2', dashed: true, stepped: true },
      { label: 'Delivered', values: series.delivered, colour: '--accent', stepped: true },
    ],
    [series],
  );
  if (series.time.length < 2)
    return <p className="quiet">The charts begin when two epochs with this work have ended.</p>;
  return (
    <div className="market-charts">
      <TimeChart
        title="VC per million units"
        time={series.time}
        lines={price}
        format={formatPrice}
        height={190}
      />
      <TimeChart title="Units per epoch" time={series.time} lines={work} format={shortUnits} height={190} />
    </div>
  );
};
