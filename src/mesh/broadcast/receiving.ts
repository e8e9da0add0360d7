import { createBoundedMap } from '../../core/boundedMap.ts';
import type { PeerId, RoomId } from '../../core/brand.ts';
import type { CryptoPort } from '../../core/ports/crypto.ts';
import type { Telemetry } from '../../core/ports/telemetry.ts';
import type { Observation } from '../overlay/scores.ts';
import { createInbox, type Inbox } from './inbox.ts';
import { type BroadcastFault, type Opened, openBroadcast, type Topics } from './message.ts';
import type { OriginLimits } from './origins.ts';
import type { MessageId, PlumtreeEvent } from './plumtreeTypes.ts';
import { type BroadcastMessage, decodeBroadcastMessage } from './wire.ts';

export interface Receiving {
  neighbor(peer: PeerId, up: boolean): void;
  message(from: PeerId, bytes: Uint8Array): void;
  close(): void;
}

export type ReceivingDeps = {
  readonly crypto: CryptoPort;
  readonly origins: Pick<OriginLimits, 'take'>;
  readonly telemetry: Telemetry;
  readonly now: () => number;
  readonly isSeen: (id: MessageId) => boolean;
  readonly take: (event: PlumtreeEvent<Opened>) => void;
  readonly count: (what: 'duplicates' | 'invalid' | 'unusable' | 'flooded') => void;
  readonly observe: (peer: PeerId, observation: Observation) => void;
};
export type ReceivingOptions = { readonly room: RoomId; readonly topics: Topics };

type Gossip = Extract<BroadcastMessage, { t: 'gossip' }>;

/**
 * All that one neighbour sends in answer to a comparison and to grafts between two ticks, and some more: only who sends
 * faster than can be checked gets beyond it.
 */
const maxWaiting = 640;
const maxRefused = 1_024;

/**
 * What neighbours send, in their order, checked before the tree hears of it: well-formed, genuine, within what its origin
 * may spread. Knows who is a neighbour now; doesn't know the tree.
 */
export const createReceiving = (deps: ReceivingDeps, options: ReceivingOptions): Receiving => {
  const { crypto, origins, telemetry, isSeen, take, count } = deps;
  const { room, topics } = options;
  const inboxes = new Map<PeerId, Inbox<BroadcastMessage>>();
  /** Of no use here, and never will be: not checked and not asked for again. */
  const refused = createBoundedMap<MessageId, true>(maxRefused);

  const blame = (peer: PeerId, observation: 'invalid' | 'flood') => {
    count(observation === 'invalid' ? 'invalid' : 'flooded');
    deps.observe(peer, observation);
  };

  const handle = async (from: PeerId, message: BroadcastMessage, isOpen: () => boolean) => {
    switch (message.t) {
      case 'gossip':
        return onGossip(from, message, isOpen);
      case 'ihave':
      case 'holding': {
        const ids = message.ids.filter((id) => !refused.get(id));
        return take({ t: 'received', from, message: { t: message.t, ids } });
      }
      default:
        return take({ t: 'received', from, message });
    }
  };

  const onGossip = async (from: PeerId, gossip: Gossip, isOpen: () => boolean) => {
    const { id } = gossip;
    if (refused.get(id) || isDuplicate(from, gossip)) return;
    const opened = await openBroadcast(gossip.message, { room, topics, now: deps.now(), id }, crypto);
    if (!isOpen()) return;
    if (!opened.ok) return refuse(from, id, opened.error);
    // Another neighbour may have brought it meanwhile.
    if (isDuplicate(from, gossip)) return;
    const message = opened.value;
    if (origins.take(message.from, id)) take({ t: 'received', from, message: { ...gossip, message } });
    else dropSurplus(from, message);
  };

  /** What was seen needs no checking, but says something about the tree. */
  const isDuplicate = (from: PeerId, { id, repair }: Gossip): boolean => {
    if (!isSeen(id)) return false;
    count('duplicates');
    take({ t: 'duplicate', from, id, repair });
    return true;
  };

  const refuse = (from: PeerId, id: MessageId, { code, message }: BroadcastFault) => {
    telemetry.log('info', 'broadcast', `message refused: ${message}`, { from, id });
    if (code === 'broadcast') return blame(from, 'invalid');
    // Who passes it on may be slow, or of a newer page. Its id was compared, so no other message is meant.
    count('unusable');
    refused.set(id, true);
    return take({ t: 'dropped', id });
  };

  /** Its origin says too much; only if that is the neighbour itself, it is to blame. */
  const dropSurplus = (from: PeerId, { id, from: origin }: Opened) => {
    if (from === origin) blame(from, 'flood');
    else count('flooded');
    take({ t: 'dropped', id });
  };

  const openInbox = (peer: PeerId) =>
    createInbox<BroadcastMessage>(maxWaiting, (message, isOpen) => handle(peer, message, isOpen));

  return {
    neighbor(peer, up) {
      inboxes.get(peer)?.close();
      inboxes.delete(peer);
      if (up) inboxes.set(peer, openInbox(peer));
      take({ t: up ? 'neighbor-up' : 'neighbor-down', peer });
    },
    message(from, bytes) {
      const inbox = inboxes.get(from);
      if (!inbox) return; // linked for work only, or gone
      const decoded = decodeBroadcastMessage(bytes);
      if (!decoded.ok) {
        telemetry.log('info', 'broadcast', `message not readable: ${decoded.error.message}`, { from });
        return blame(from, 'invalid');
      }
      if (!inbox.put(decoded.value)) blame(from, 'flood');
    },
    close() {
      for (const inbox of inboxes.values()) inbox.close();
      inboxes.clear();
    },
  };
};
