import { useMemo, useState } from 'react';
import type { CreditsView } from '../../../app/readModels.ts';
import type { MilliCredits } from '../../../core/brand.ts';
import { creditSeries } from '../../charts/series.ts';
import { TimeChart } from '../../charts/TimeChart.tsx';
import { saveFile } from '../../hooks/saveFile.ts';
import { useApp, useStore } from '../../hooks/useApp.ts';
import { useNavigate } from '../../hooks/useNavigation.ts';
import { Button } from '../../kit/Button.tsx';
import { Figure } from '../../kit/Facts.tsx';
import { Segmented } from '../../kit/Field.tsx';
import { formatCredits } from '../../kit/format.ts';
import { Empty } from '../../kit/Notice.tsx';
import { ReceiptDialog } from './ReceiptDialog.tsx';
import { ReceiptTable } from './ReceiptTable.tsx';
import { filterReceipts, type ReceiptFilter, receiptFilters } from './receiptWords.ts';
import './receipts.css';

export const ReceiptsPanel = () => {
  const { models, commands, timers } = useApp();
  const { view, go, replace } = useNavigate();
  const credits = useStore(models.credits);
  const [filter, setFilter] = useState<ReceiptFilter>('all');
  const shown = useMemo(() => filterReceipts(credits.receipts, filter), [credits, filter]);
  const open = credits.receipts.find((entry) => entry.receipt.id === view.item);
  const exportAll = async () => saveFile(timers, await commands.exportReceipts(), 'aivillage-receipts.json');
  return (
    <div className="screen">
      <header className="screen-head">
        <div>
          <h1>Receipts</h1>
          <p>Every task done for somebody else ends in a paper that both sides signed and keep.</p>
        </div>
        <Button icon="download" onClick={exportAll} disabled={credits.receipts.length === 0}>
          Export JSON
        </Button>
      </header>
      {credits.receipts.length === 0 ? (
        <Empty
          title="No receipts yet"
          action={<Button onClick={() => go({ screen: 'read' })}>Read some pages</Button>}
        >
          The first one appears when another account’s device reads for you, or yours for it. Work among your
          own devices earns nothing.
        </Empty>
      ) : (
        <>
          <Totals credits={credits} />
          <section className="section" aria-labelledby="receipt-list-title">
            <div className="section-head">
              <h2 id="receipt-list-title">All receipts</h2>
              <div className="table-scroll">
                <Segmented
                  label="Show receipts"
                  value={filter}
                  onChange={setFilter}
                  options={receiptFilters}
                />
              </div>
            </div>
            {shown.length === 0 ? (
              <p className="quiet">No receipt of this kind. Choose another one above.</p>
            ) : (
              <ReceiptTable
                key={filter}
                receipts={shown}
                onOpen={(id) => go({ screen: 'receipts', item: id })}
              />
            )}
          </section>
        </>
      )}
      {open ? (
        <ReceiptDialog key={open.receipt.id} view={open} onClose={() => replace({ screen: 'receipts' })} />
      ) : null}
    </div>
  );
};

const Totals = ({ credits }: { readonly credits: CreditsView }) => {
  const series = useMemo(() => creditSeries(credits), [credits]);
  const format = (milli: number) => formatCredits(Math.round(milli) as MilliCredits);
  const lines = useMemo(
    () => [
      { label: 'Earned', values: series.earned, colour: '--accent', stepped: true },
      { label: 'Spent', values: series.spent, colour: '--ink-2', dashed: true, stepped: true },
    ],
    [series],
  );
  return (
    <section className="receipt-totals" aria-label="Credits">
      <div className="figures">
        <Figure label="Credits earned" value={formatCredits(credits.earned)} />
        <Figure label="Credits spent" value={formatCredits(credits.spent)} />
        <Figure label="Balance" value={formatCredits((credits.earned - credits.spent) as MilliCredits)} />
      </div>
      {series.time.length > 1 ? (
        <TimeChart title="Credits over time" time={series.time} lines={lines} format={format} height={190} />
      ) : null}
    </section>
  );
};
