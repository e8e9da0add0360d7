import type { PeerView } from '../../app/readModels.ts';
import { formatDuration } from '../kit/format.ts';

/** What the map shows of a peer, for who hears it. */
export const peerInWords = (peer: PeerView): string => {
  const parts = [peer.status.name];
  if (peer.workingForUs > 0) parts.push(`working for you on ${peer.workingForUs}`);
  if (peer.workingForIt > 0) parts.push(`you work for it on ${peer.workingForIt}`);
  if (!peer.status.accepts.open) parts.push(`accepts no work: ${peer.status.accepts.reason}`);
  if (peer.rtt !== undefined) parts.push(`${formatDuration(peer.rtt)} away`);
  if (peer.way === 'relayed') parts.push('linked over a relay');
  if (peer.way === 'carried') parts.push('linked through the server');
  if (peer.link === 'none') parts.push('reached over others');
  return parts.join(', ');
};
