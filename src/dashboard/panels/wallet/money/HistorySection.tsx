import { useMemo, useState } from 'react';
import type { HistoryEntry } from '../../../../app/readModels.ts';
import { useNavigate } from '../../../hooks/useNavigation.ts';
import { Button } from '../../../kit/Button.tsx';
import { Segmented } from '../../../kit/Field.tsx';
import { formatDateTime, formatVcChange, formatVcFigure } from '../../../kit/format.ts';
import { Empty } from '../../../kit/Notice.tsx';
import { PartyName } from '../PartyName.tsx';
import { filterHistory, type HistoryFilter, historyFilters } from './moneyWords.ts';

const pageSize = 25;

export const HistorySection = ({
  history,
  onOpen,
  onReceive,
}: {
  readonly history: readonly HistoryEntry[];
  readonly onOpen: (item: string) => void;
  readonly onReceive: () => void;
}) => {
  const { go } = useNavigate();
  const [filter, setFilter] = useState<HistoryFilter>('all');
  const shown = useMemo(() => filterHistory(history, filter), [history, filter]);
  const [before] = useState(() => new Set(history.map(({ key }) => key)));
  const newest = history.find(({ key }) => !before.has(key));
  return (
    <section className="section" aria-labelledby="history-title">
      <div className="section-head">
        <h2 id="history-title">History</h2>
        {history.length > 0 ? (
          <Segmented label="Show history" value={filter} onChange={setFilter} options={historyFilters} />
        ) : null}
      </div>
      <p className="unseen" role="status">
        {newest ? `Final: ${newest.what}, ${formatVcChange(newest.amount)}.` : ''}
      </p>
      {history.length === 0 ? (
        <Empty
          title="Nothing yet"
          action={
            <div className="bar">
              <Button icon="qr" onClick={onReceive}>
                Show your code
              </Button>
              <Button look="plain" onClick={() => go({ screen: 'wallet', item: 'market' })}>
                Offer work
              </Button>
            </div>
          }
        >
          Money comes when your device works for others at a price, when it does public work, or when somebody
          sends you some.
        </Empty>
      ) : shown.length === 0 ? (
        <p className="quiet">Nothing of this kind. Choose another one above.</p>
      ) : (
        <HistoryTable key={filter} entries={shown} before={before} onOpen={onOpen} />
      )}
    </section>
  );
};

const HistoryTable = ({
  entries,
  before,
  onOpen,
}: {
  readonly entries: readonly HistoryEntry[];
  /** What was there when the screen was opened: what comes later is lit for a moment. */
  readonly before: ReadonlySet<string>;
  readonly onOpen: (item: string) => void;
}) => {
  const [limit, setLimit] = useState(pageSize);
  return (
    <>
      <table className="table wallet-table history">
        <thead>
          <tr>
            <th scope="col">What</th>
            <th scope="col" className="roomy">
              With
            </th>
            <th scope="col" className="wide">
              When
            </th>
            <th scope="col" className="number">
              VC
            </th>
          </tr>
        </thead>
        <tbody>
          {entries.slice(0, limit).map((entry) => (
            <tr
              key={entry.key}
              className={before.has(entry.key) ? undefined : 'fresh'}
              onClick={() => onOpen(entry.item)}
            >
              <td>
                <button type="button" className="row-link">
                  <span className="row-words">{entry.what}</span>
                </button>
                {before.has(entry.key) ? null : <span className="badge">now final</span>}
                {entry.memo ? <span className="row-note">“{entry.memo}”</span> : null}
                <span className="row-note narrow">{formatDateTime(entry.at)}</span>
              </td>
              <td className="roomy">{entry.with ? <PartyName party={entry.with} /> : null}</td>
              <td className="wide quiet">{formatDateTime(entry.at)}</td>
              <td className="number">
                <Change amount={entry.amount} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {entries.length > limit ? (
        <div>
          <Button look="plain" onClick={() => setLimit(limit + pageSize)}>
            Show {Math.min(pageSize, entries.length - limit)} more of {entries.length - limit}
          </Button>
        </div>
      ) : null}
    </>
  );
};

const Change = ({ amount }: { readonly amount: number }) => {
  if (amount === 0) return <span className="quiet">–</span>;
  return amount > 0 ? <strong>+{formatVcFigure(amount)}</strong> : formatVcFigure(amount);
};
