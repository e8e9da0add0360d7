import type { NetworkView } from '../../../app/readModels.ts';
import { useApp, useStore } from '../../hooks/useApp.ts';
import { Figure } from '../../kit/Facts.tsx';
import { formatCount, formatDuration, notReported } from '../../kit/format.ts';

const linksInWords = ({ direct, relayed, carried }: NetworkView): string => {
  const parts = [
    direct > 0 ? `and ${formatCount(direct, 'link')} for work` : 'links this device keeps',
    relayed > 0 ? `${relayed} over a relay` : '',
    carried > 0 ? `${carried} through the server` : '',
  ];
  return parts.filter(Boolean).join(', ');
};

/** How this device stands in the swarm: who is near, and what goes through it. */
export const Neighborhood = () => {
  const { models } = useApp();
  const network = useStore(models.network);
  const { neighbors, slowest, toldPerMinute, passedOnPerMinute, refused } = network;
  return (
    <section className="section" aria-labelledby="neighborhood-title">
      <h2 id="neighborhood-title">Neighbourhood</h2>
      <div className="figures">
        <Figure label="Neighbours" value={neighbors} hint={linksInWords(network)} />
        <Figure
          label="Slowest neighbour"
          value={slowest === undefined ? notReported : formatDuration(slowest)}
          hint="there and back"
        />
        <Figure label="Heard a minute" value={toldPerMinute ?? notReported} hint="news of the whole room" />
        <Figure
          label="Passed on a minute"
          value={passedOnPerMinute ?? notReported}
          hint="to neighbours, for others"
        />
        <Figure
          label="Refused"
          value={refused}
          hint={refused === 0 ? 'nothing forged or flooding' : 'forged, damaged or too many'}
        />
      </div>
    </section>
  );
};
