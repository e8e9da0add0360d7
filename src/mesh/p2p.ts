import type { PeerId } from '../core/brand.ts';
import { createEmitter, type Subscribe } from '../core/events.ts';
import type { Result } from '../core/result.ts';
import type { Broadcast, BroadcastStats, Heard, PublishError } from './broadcast/broadcast.ts';
import type { Topics } from './broadcast/message.ts';
import type { MessageId } from './broadcast/plumtreeTypes.ts';
import type { LinkStats, Overlay, Way } from './contracts.ts';
import type { Directory, PeerRecord, Wanted } from './directory/directory.ts';
import { leftTopic, peerTopic, recordLimits } from './directory/record.ts';
import type { LetterError, Post, PostStats, Received } from './letters/post.ts';

/** What the whole room is told. `app` is for whoever builds on this; the rest is the mesh's own. */
export const meshTopics: Topics = {
  [peerTopic]: { critical: false, maxBytes: recordLimits.maxBytes },
  [leftTopic]: { critical: true, maxBytes: 0 },
  app: { critical: false, maxBytes: 16 * 1024 },
};

export type NetworkStatistics = {
  /** This tab and everybody whose record has not expired. */
  readonly peers: number;
  readonly neighbors: number;
  readonly links: readonly (LinkStats & {
    readonly way: Way;
    readonly peer: PeerId;
    readonly neighbor: boolean;
  })[];
  readonly broadcast: BroadcastStats;
  readonly letters: PostStats;
};

/** The swarm for whoever builds on it: who can do what, messages to one and to all, and how it goes. */
export interface P2PCoordinator<About> {
  readonly self: PeerId;
  /** By what they say of themselves; those with most free slots first. */
  discoverPeers(wanted?: Wanted): readonly PeerRecord<About>[];
  /** To anybody in the swarm, near or far: resolves when it has arrived and was acknowledged. */
  sendMessage(
    to: PeerId,
    payload: Uint8Array,
    options?: Parameters<Post['send']>[2],
  ): Promise<Result<void, LetterError>>;
  readonly messages: Subscribe<Received>;
  /** To everybody in the swarm, this tab too. */
  broadcast(payload: Uint8Array): Promise<Result<MessageId, PublishError>>;
  readonly broadcasts: Subscribe<Heard>;
  getNetworkStatistics(): NetworkStatistics;
}

export const createP2PCoordinator = <About>(deps: {
  readonly overlay: Pick<Overlay, 'self' | 'peers' | 'neighbors' | 'stats'>;
  readonly broadcast: Broadcast;
  readonly directory: Directory<About>;
  readonly post: Post;
}): P2PCoordinator<About> => {
  const { overlay, broadcast, directory, post } = deps;
  const broadcasts = createEmitter<Heard>();
  broadcast.subscribe('app', broadcasts.emit);
  return {
    self: overlay.self,
    discoverPeers: (wanted = {}) => directory.discover(wanted),
    sendMessage: post.send,
    messages: post.received,
    broadcast: (payload) => broadcast.publish('app', payload),
    broadcasts: broadcasts.subscribe,
    getNetworkStatistics() {
      const neighbors = overlay.neighbors();
      return {
        peers: directory.records.get().size + 1,
        neighbors: neighbors.length,
        links: overlay.peers().flatMap(({ peer }) => {
          const stats = overlay.stats(peer);
          return stats ? [{ ...stats, peer, neighbor: neighbors.includes(peer) }] : [];
        }),
        broadcast: broadcast.stats(),
        letters: post.stats(),
      };
    },
  };
};
