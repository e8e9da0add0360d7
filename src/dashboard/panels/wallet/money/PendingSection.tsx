import type { PendingView } from '../../../../app/readModels.ts';
import { useApp } from '../../../hooks/useApp.ts';
import { useNow } from '../../../hooks/useNow.ts';
import { Button } from '../../../kit/Button.tsx';
import { formatAgo, formatVcChange } from '../../../kit/format.ts';
import { Icon } from '../../../kit/Icon.tsx';
import { pendingInWords, pendingNames } from './moneyWords.ts';

const icons = { pending: 'send', waiting: 'clock', refused: 'bad' } as const;

/** What was signed here and is not final; it leaves for the history when it is. */
export const PendingSection = ({ pending }: { readonly pending: readonly PendingView[] }) => {
  const { commands } = useApp();
  const { wall } = useNow(10_000);
  if (pending.length === 0) return null;
  return (
    <section className="section" aria-labelledby="pending-title">
      <h2 id="pending-title">On its way</h2>
      <ul className="pending">
        {pending.map((entry) => (
          <li key={entry.id} className={`pending-${entry.state}`}>
            <Icon name={icons[entry.state]} />
            <div className="pending-words">
              <p>
                <strong>{entry.what}</strong> <span className="badge">{pendingNames[entry.state]}</span>
              </p>
              <p className="quiet small">
                {pendingInWords(entry)} Signed {formatAgo(wall - entry.since)}.
              </p>
            </div>
            {entry.amount === 0 ? null : <span className="number">{formatVcChange(entry.amount)}</span>}
            {entry.state === 'refused' ? (
              <Button look="plain" onClick={() => void commands.dismissOperation(entry.id)}>
                Take off the list
              </Button>
            ) : null}
          </li>
        ))}
      </ul>
    </section>
  );
};
