import { useState } from 'react';
import type { PeerView, PrivateSwarmView } from '../../../app/readModels.ts';
import type { PeerId } from '../../../core/brand.ts';
import { Button } from '../../kit/Button.tsx';
import { formatDuration, notReported } from '../../kit/format.ts';
import { PeerName } from '../../kit/Lantern.tsx';
import { acceptsInWords, badgeOf, runsInWords, speedInWords, workInWords } from './peerWords.ts';
import { roleInWords, rolesOf } from './swarmWords.ts';

type TableProps = {
  readonly peers: readonly PeerView[];
  readonly swarm: PrivateSwarmView | undefined;
  readonly onOpen: (peer: PeerId) => void;
};

/** More rows than this are a list to scroll past, and each costs the page something whenever somebody comes or goes. */
const shownAtFirst = 25;
const byNearness: Readonly<Record<PeerView['link'], number>> = { neighbor: 0, direct: 1, none: 2 };

/** The map as a table: everything in it can be read without seeing the map. The nearest come first in a large room. */
export const PeerTable = ({ peers, swarm, onOpen }: TableProps) => {
  const [all, setAll] = useState(false);
  const isLong = peers.length > shownAtFirst + 5;
  const shown =
    isLong && !all
      ? peers.toSorted((a, b) => byNearness[a.link] - byNearness[b.link]).slice(0, shownAtFirst)
      : peers;
  return (
    <>
      <Rows peers={shown} swarm={swarm} onOpen={onOpen} />
      {isLong ? (
        <p>
          <Button onClick={() => setAll(!all)}>
            {all ? 'Show the nearest only' : `Show all ${peers.length} devices`}
          </Button>
        </p>
      ) : null}
    </>
  );
};

const Rows = ({ peers, swarm, onOpen }: TableProps) => (
  <div className="table-scroll">
    <table className="table peers">
      <thead>
        <tr>
          <th scope="col">Device</th>
          <th scope="col">Work for others</th>
          <th scope="col" className="roomy">
            Runs on
          </th>
          <th scope="col" className="roomy number">
            Reads lines at
          </th>
          <th scope="col" className="number">
            Round trip
          </th>
          <th scope="col" className="roomy">
            Now
          </th>
          <th scope="col" className="roomy number">
            Tasks done
          </th>
        </tr>
      </thead>
      <tbody>
        {peers.map((peer) => (
          <tr key={peer.status.peer} onClick={() => onOpen(peer.status.peer)}>
            <td>
              <button type="button" className="row-link">
                <PeerName
                  peer={peer.status.peer}
                  name={peer.status.name}
                  size={24}
                  note={noteOf(peer, swarm)}
                />
              </button>
            </td>
            <td className={peer.status.accepts.open ? undefined : 'quiet'}>{acceptsInWords(peer)}</td>
            <td className="roomy quiet">{runsInWords(peer)}</td>
            <td className="roomy number">{speedInWords(peer)}</td>
            <td className="number">{peer.rtt === undefined ? notReported : formatDuration(peer.rtt)}</td>
            <td className="roomy quiet">{workInWords(peer)}</td>
            <td className="roomy number">{peer.tasksDone}</td>
          </tr>
        ))}
      </tbody>
    </table>
  </div>
);

const noteOf = (peer: PeerView, swarm: PrivateSwarmView | undefined): string | undefined =>
  [badgeOf(peer), ...rolesOf(swarm, peer.status.account).map((role) => roleInWords[role])]
    .filter((word) => word !== undefined)
    .join(', ') || undefined;
