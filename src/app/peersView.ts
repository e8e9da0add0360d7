import type { Milliseconds, PeerId } from '../core/brand.ts';
import { createStore, type Store } from '../core/events.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { NodeStatus } from '../inference/contracts.ts';
import type { LinkStats, OverlayChange } from '../mesh/contracts.ts';
import type { PeerView } from './readModels.ts';

/** What the coordinator knows of a peer's work. */
export type PeerWork = Pick<PeerView, 'workingForUs' | 'workingForIt' | 'tasksDone' | 'wrong' | 'breaker'>;

type Refusal = { readonly peer: PeerId; readonly reason: string; readonly at: number };

export interface PeersView {
  readonly peers: Store<readonly PeerView[]>;
  readonly refusals: Store<readonly Refusal[]>;
  heardStatus(status: NodeStatus): void;
  heardChange(change: OverlayChange): void;
  /** Reads link statistics and work counters again; the app calls it once a second. */
  refresh(): void;
}

const shownRefusals = 20;

/**
 * The list of peers: who they say they are, how far away, what they do for us. A peer is listed once it is linked and
 * has introduced itself. Doesn't know how links work nor how tasks are routed.
 */
export const createPeersView = (deps: {
  readonly self: Pick<NodeStatus, 'account' | 'device'>;
  readonly clock: Clock;
  readonly linkStats: (peer: PeerId) => LinkStats | undefined;
  readonly peerWork: (peer: PeerId) => PeerWork;
}): PeersView => {
  const statusesByPeer = new Map<PeerId, NodeStatus>();
  const connectedAtByPeer = new Map<PeerId, number>();
  const peers = createStore<readonly PeerView[]>([]);
  const refusals = createStore<readonly Refusal[]>([]);

  const toView = (status: NodeStatus): PeerView => {
    const link = deps.linkStats(status.peer);
    return {
      status,
      sameAccount: status.account === deps.self.account,
      sameDevice: status.device === deps.self.device,
      rtt: link?.rtt === undefined ? undefined : ((Math.round(link.rtt * 10) / 10) as Milliseconds),
      bytesSent: link?.bytesSent ?? 0,
      bytesReceived: link?.bytesReceived ?? 0,
      connectedAt: connectedAtByPeer.get(status.peer) ?? deps.clock.now(),
      ...deps.peerWork(status.peer),
    };
  };
  const refresh = () => {
    const next = [...statusesByPeer.values()].map(toView);
    // A quiet second must not re-render the page.
    if (JSON.stringify(next) !== JSON.stringify(peers.get())) peers.set(next);
  };

  return {
    peers,
    refusals,
    refresh,
    heardStatus(status) {
      statusesByPeer.set(status.peer, status);
      refresh();
    },
    heardChange(change) {
      if (change.kind === 'up') connectedAtByPeer.set(change.peer.peer, deps.clock.now());
      if (change.kind === 'down') {
        connectedAtByPeer.delete(change.peer);
        statusesByPeer.delete(change.peer);
      }
      if (change.kind === 'refused') {
        const refusal = { peer: change.peer, reason: change.reason.message, at: deps.clock.now() };
        const others = refusals.get().filter(({ peer }) => peer !== change.peer);
        refusals.set([...others, refusal].slice(-shownRefusals));
      }
      refresh();
    },
  };
};
