import { useApp, useStore } from '../../hooks/useApp.ts';
import { useNow } from '../../hooks/useNow.ts';
import { formatAgo, shortId } from '../../kit/format.ts';
import { PeerName } from '../../kit/Lantern.tsx';

const mostShown = 20;

/** Tabs that knocked and were not let in, and why. */
export const Refusals = () => {
  const { models } = useApp();
  const { wall } = useNow(10_000);
  const refusals = useStore(models.refusals);
  if (refusals.length === 0) return null;
  return (
    <section className="section" aria-labelledby="refusals-title">
      <h2 id="refusals-title">Not let in</h2>
      <ul className="refusals">
        {refusals
          .slice(-mostShown)
          .toReversed()
          .map((refusal) => (
            <li key={`${refusal.peer}-${refusal.at}`}>
              <PeerName peer={refusal.peer} name={shortId(refusal.peer)} />
              <span>{refusal.reason}</span>
              <span className="quiet small">{formatAgo(wall - refusal.at)}</span>
            </li>
          ))}
      </ul>
    </section>
  );
};
