import { type Milliseconds, milliseconds, type PeerId } from '../core/brand.ts';
import { createStore, type Store } from '../core/events.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { Timers } from '../core/ports/timers.ts';
import type { NodeStatus } from '../inference/contracts.ts';
import type { LinkStats, OverlayChange, PeerRecord, Way } from '../mesh/index.ts';
import type { PeerView } from './readModels.ts';
import type { RosterChange } from './roster.ts';

/** What the coordinator knows of a peer's work. */
export type PeerWork = Pick<PeerView, 'workingForUs' | 'workingForIt' | 'tasksDone' | 'wrong' | 'breaker'>;

type Refusal = { readonly peer: PeerId; readonly reason: string; readonly at: number };

export interface PeersView {
  readonly peers: Store<readonly PeerView[]>;
  readonly refusals: Store<readonly Refusal[]>;
  heardRoster(change: RosterChange): void;
  heardLink(change: OverlayChange): void;
  /** Reads link statistics and work counters again; the app calls it once a second. */
  refresh(): void;
}

const shownRefusals = 20;
const sampleLinksEvery = 10_000;
/** Here every line of the map is looked at. */
const smallRoom = 12;
const none: PeerView['neighbors'] = [];

/**
 * The list of peers: who they say they are, how far away, what they do for us. A peer is listed once it has introduced
 * itself, over a link or by its record. Doesn't know how links work nor how tasks are routed.
 */
export const createPeersView = (deps: {
  readonly self: Pick<NodeStatus, 'account' | 'device'>;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly link: (
    peer: PeerId,
  ) => (LinkStats & { readonly neighbor: boolean; readonly way: Way }) | undefined;
  readonly recordOf: (peer: PeerId) => Pick<PeerRecord<unknown>, 'neighbors'> | undefined;
  readonly peerWork: (peer: PeerId) => PeerWork;
}): PeersView => {
  const statusesByPeer = new Map<PeerId, NodeStatus>();
  const firstHeardByPeer = new Map<PeerId, number>();
  const sampledByPeer = new Map<PeerId, ReturnType<typeof deps.link>>();
  /** As their records said when they were last sampled. */
  const neighborsByPeer = new Map<PeerId, PeerView['neighbors']>();
  let sampledAt = deps.clock.monotonic();
  const peers = createStore<readonly PeerView[]>([]);
  const refusals = createStore<readonly Refusal[]>([]);

  /** Round trips and bytes change all the time and are looked at seldom, so they are read at once: each change draws the map. */
  const linkOf = (peer: PeerId) => {
    if (sampledByPeer.has(peer)) return sampledByPeer.get(peer);
    const link = deps.link(peer);
    sampledByPeer.set(peer, link);
    return link;
  };
  /** Records are renewed with other round trips, and in a large room with other neighbours: every second one or two. */
  const neighborsOf = (peer: PeerId) => {
    const known = neighborsByPeer.get(peer);
    const told = deps.recordOf(peer)?.neighbors ?? none;
    if (known && (statusesByPeer.size > smallRoom || arePeersSame(known, told))) return known;
    neighborsByPeer.set(peer, told);
    return told;
  };
  const toView = (status: NodeStatus): PeerView => {
    const link = linkOf(status.peer);
    return {
      status,
      sameAccount: status.account === deps.self.account,
      sameDevice: status.device === deps.self.device,
      link: link ? (link.neighbor ? 'neighbor' : 'direct') : 'none',
      way: link?.way,
      neighbors: neighborsOf(status.peer),
      rtt: link?.rtt === undefined ? undefined : roundedRtt(link.rtt),
      bytesSent: link?.bytesSent ?? 0,
      bytesReceived: link?.bytesReceived ?? 0,
      connectedAt: firstHeardByPeer.get(status.peer) ?? deps.clock.now(),
      ...deps.peerWork(status.peer),
    };
  };
  const refresh = () => {
    const now = deps.clock.monotonic();
    if (now - sampledAt >= sampleLinksEvery) {
      sampledAt = now;
      sampledByPeer.clear();
      neighborsByPeer.clear();
    }
    const before = peers.get();
    const beforeByPeer = new Map(before.map((view) => [view.status.peer, view]));
    const next = [...statusesByPeer.values()].map((status) => {
      const view = toView(status);
      const old = beforeByPeer.get(status.peer);
      return old && isSame(old, view) ? old : view;
    });
    // A quiet second must not re-render the page, and one peer's news not the others.
    if (next.length !== before.length || next.some((view, index) => view !== before[index])) peers.set(next);
  };
  /** A room's worth of records arrives at once; the page is drawn once. */
  let soon = false;
  const refreshSoon = () => {
    if (soon) return;
    soon = true;
    deps.timers.after(milliseconds(50), () => {
      soon = false;
      refresh();
    });
  };

  return {
    peers,
    refusals,
    refresh,
    heardRoster(change) {
      if (change.kind === 'heard') {
        const { peer } = change.status;
        statusesByPeer.set(peer, change.status);
        if (!firstHeardByPeer.has(peer)) firstHeardByPeer.set(peer, deps.clock.now());
      } else {
        statusesByPeer.delete(change.peer);
        sampledByPeer.delete(change.peer);
        neighborsByPeer.delete(change.peer);
        firstHeardByPeer.delete(change.peer);
      }
      refreshSoon();
    },
    heardLink(change) {
      sampledByPeer.delete(change.kind === 'up' ? change.peer.peer : change.peer);
      if (change.kind === 'refused') {
        const refusal = { peer: change.peer, reason: change.reason.message, at: deps.clock.now() };
        const others = refusals.get().filter(({ peer }) => peer !== change.peer);
        refusals.set([...others, refusal].slice(-shownRefusals));
      }
      refresh();
    },
  };
};

/** A tenth of a millisecond says nothing of a path that takes thirty. */
const roundedRtt = (rtt: Milliseconds): Milliseconds =>
  milliseconds(rtt < 10 ? Math.round(rtt * 10) / 10 : Math.round(rtt));

const isSame = (one: PeerView, other: PeerView): boolean =>
  (Object.keys(other) as (keyof PeerView)[]).every((key) => Object.is(one[key], other[key]));

const arePeersSame = (one: PeerView['neighbors'], other: PeerView['neighbors']): boolean =>
  one.length === other.length && one.every(({ peer }, index) => peer === other[index]?.peer);
