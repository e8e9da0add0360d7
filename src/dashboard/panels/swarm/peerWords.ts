import type { PeerView } from '../../../app/readModels.ts';
import { formatCount, formatSpeed } from '../../kit/format.ts';

export const acceptsInWords = ({ status, breaker }: PeerView): string => {
  if (!status.accepts.open) return `no: ${status.accepts.reason}`;
  return breaker === 'open' ? 'left alone after failures' : 'yes';
};

export const badgeOf = (peer: PeerView): string | undefined => {
  if (peer.sameDevice) return 'same device';
  return peer.sameAccount ? 'yours' : undefined;
};

export const runsInWords = ({ status }: PeerView): string => {
  const runtime = status.runtime === 'webgpu' ? 'WebGPU' : status.runtime === 'wasm' ? 'WASM' : undefined;
  return runtime ? `${runtime}, ${formatCount(status.slots, 'slot')}` : 'not chosen yet';
};

/** Lines are most of the work: the speed at which all its workers together recognise them. */
export const speedInWords = ({ status }: PeerView): string => {
  const speed = status.speeds.find((measured) => measured.runtime === status.runtime);
  const each = speed?.megapixelsPerSecond['ocr.recognize'];
  return speed && each !== undefined ? formatSpeed(each * speed.workers) : 'not measured';
};

export const workInWords = (peer: PeerView): string => {
  const parts: string[] = [];
  if (peer.workingForUs > 0) parts.push(`${formatCount(peer.workingForUs, 'task')} for you`);
  if (peer.workingForIt > 0) parts.push(`${peer.workingForIt} of its here`);
  return parts.length > 0 ? parts.join(', ') : 'resting';
};

export const breakerInWords: Record<PeerView['breaker'], string> = {
  closed: 'fine',
  'half-open': 'being tried again after failures',
  open: 'left alone for a while after failures',
};
