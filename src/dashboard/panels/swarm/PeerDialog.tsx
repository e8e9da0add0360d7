import type { PeerView, PrivateSwarmView } from '../../../app/readModels.ts';
import { SpeedBars } from '../../charts/SpeedBars.tsx';
import { useNow } from '../../hooks/useNow.ts';
import { Dialog } from '../../kit/Dialog.tsx';
import { Facts } from '../../kit/Facts.tsx';
import { formatAgo, formatBytes, formatCount, formatDuration } from '../../kit/format.ts';
import { Lantern } from '../../kit/Lantern.tsx';
import { DeviceFacts, GpuFacts } from '../../profile/DeviceFacts.tsx';
import { PeerPowers } from './PeerPowers.tsx';
import { acceptsInWords, badgeOf, breakerInWords, runsInWords, workInWords } from './peerWords.ts';
import { roleInWords } from './swarmWords.ts';

/** Everything this tab knows of another. */
export const PeerDialog = ({
  peer,
  swarm,
  onClose,
}: {
  readonly peer: PeerView;
  readonly swarm: PrivateSwarmView | undefined;
  readonly onClose: () => void;
}) => {
  const { status } = peer;
  const member = swarm?.members.find(({ who }) => who.account === status.account);
  const badge = badgeOf(peer);
  return (
    <Dialog title={status.name} onClose={onClose} wide>
      <div className="peer-title">
        <Lantern peer={status.peer} name={status.name} size={40} lit={status.accepts.open} />
        <span>{status.profile.label}</span>
        {badge ? <span className="badge">{badge}</span> : null}
        {member?.roles.map((role) => (
          <span key={role} className="badge">
            {roleInWords[role]}
          </span>
        ))}
      </div>
      {member ? <PeerPowers member={member} name={status.name} onGone={onClose} /> : null}
      <div className="peer-facts">
        <div>
          <section>
            <h3>Between you</h3>
            <LinkFacts peer={peer} />
          </section>
          <section>
            <h3>Device</h3>
            <DeviceFacts profile={status.profile} />
          </section>
        </div>
        <div>
          <section>
            <h3>Speed</h3>
            {status.speeds.length === 0 ? (
              <p className="quiet">Not measured yet: it measures itself when it first works.</p>
            ) : (
              <SpeedBars measured={status.speeds} chosen={status.runtime} />
            )}
          </section>
          <section>
            <h3>Graphics</h3>
            <GpuFacts gpu={status.profile.gpu} />
          </section>
        </div>
      </div>
      <section>
        <h3>Identity</h3>
        <Facts
          facts={[
            { term: 'Tab', value: <span className="mono">{status.peer}</span> },
            { term: 'Device', value: <span className="mono">{status.device}</span> },
            { term: 'Account', value: <span className="mono">{status.account}</span> },
            { term: 'Build', value: <span className="mono">{status.build}</span> },
            { term: 'Models ready', value: Object.keys(status.models).join(', ') || 'none yet' },
          ]}
        />
      </section>
    </Dialog>
  );
};

const linkInWords: Readonly<Record<PeerView['link'], string>> = {
  neighbor: 'neighbour',
  direct: 'for work only',
  none: 'none now; one is made when there is work',
};

const wayInWords = {
  direct: undefined,
  relayed: 'over a relay (TURN), encrypted: the two networks let nothing straight through',
  carried: 'through the server, sealed: no direct connection came about',
};

const LinkFacts = ({ peer }: { readonly peer: PeerView }) => {
  const { wall } = useNow(5_000);
  return (
    <Facts
      facts={[
        { term: 'Works for others', value: acceptsInWords(peer) },
        {
          term: 'Runs on',
          value: runsInWords(peer),
          hint: `${formatCount(peer.status.queued, 'task')} queued`,
        },
        { term: 'Now', value: workInWords(peer) },
        {
          term: 'Link',
          value: linkInWords[peer.link],
          hint: peer.way && wayInWords[peer.way],
        },
        { term: 'Its neighbours', value: peer.neighbors.length > 0 ? peer.neighbors.length : undefined },
        { term: 'Round trip', value: peer.rtt === undefined ? undefined : formatDuration(peer.rtt) },
        { term: 'Sent to it', value: formatBytes(peer.bytesSent) },
        { term: 'Received', value: formatBytes(peer.bytesReceived) },
        { term: 'Here since', value: formatAgo(wall - peer.connectedAt) },
        { term: 'Tasks done', value: peer.tasksDone },
        { term: 'Wrong answers', value: peer.wrong },
        { term: 'Trust', value: breakerInWords[peer.breaker] },
      ]}
    />
  );
};
