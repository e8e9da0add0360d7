import type { PeerView } from '../../app/readModels.ts';
import type { PeerId } from '../../core/brand.ts';
import type { Point, Size } from './layout.ts';

export type Star = { readonly peer: PeerId; readonly hops: number; readonly at: Point };
export type Constellation = {
  readonly self: Point;
  readonly stars: readonly Star[];
  /** Each link once, as told by either end. */
  readonly links: readonly (readonly [PeerId, PeerId])[];
};

type Linked = Pick<PeerView, 'link' | 'neighbors'> & { readonly status: { readonly peer: PeerId } };

/** How many links lie between this tab and each peer, by what peers say; one beyond the farthest if nobody says. */
export const hopsOf = (peers: readonly Linked[]): ReadonlyMap<PeerId, number> => {
  const byPeer = new Map(peers.map((peer) => [peer.status.peer, peer]));
  const linkedWith = new Map<PeerId, Set<PeerId>>(peers.map((peer) => [peer.status.peer, new Set()]));
  for (const { status, neighbors } of peers)
    for (const { peer } of neighbors) {
      linkedWith.get(status.peer)?.add(peer);
      linkedWith.get(peer)?.add(status.peer);
    }
  const hops = new Map<PeerId, number>();
  for (const { status, link } of peers) if (link !== 'none') hops.set(status.peer, 1);
  let farthest = 1;
  for (const [peer, distance] of hops) // a Map is walked through what is added on the way
    for (const next of linkedWith.get(peer) ?? [])
      if (byPeer.has(next) && !hops.has(next)) {
        hops.set(next, distance + 1);
        farthest = Math.max(farthest, distance + 1);
      }
  for (const peer of byPeer.keys()) if (!hops.has(peer)) hops.set(peer, farthest + 1);
  return hops;
};

/**
 * Self in the middle, its neighbours around it, everybody else farther out by hops, at an angle that only their id
 * decides: who comes or goes moves nobody but a few neighbours. Points are in pixels, inside the margin.
 */
export const layoutConstellation = (
  self: PeerId,
  peers: readonly Linked[],
  size: Size,
  margin: { readonly x: number; readonly top: number; readonly bottom: number },
): Constellation => {
  const hops = hopsOf(peers);
  const farthest = Math.max(2, ...hops.values());
  const radius = {
    x: Math.max(0, size.width / 2 - margin.x),
    y: Math.max(0, (size.height - margin.top - margin.bottom) / 2),
  };
  const center = { x: size.width / 2, y: margin.top + radius.y };
  const place = (angle: number, share: number): Point => ({
    x: round(center.x + Math.cos(angle) * radius.x * share),
    y: round(center.y + Math.sin(angle) * radius.y * share),
  });
  const near = [...hops].filter(([, distance]) => distance === 1).map(([peer]) => peer);
  const order = new Map(
    near.toSorted((a, b) => hashOf(a) - hashOf(b)).map((peer, index) => [peer, index / near.length]),
  );
  const stars = peers.map(({ status: { peer } }) => {
    const distance = hops.get(peer) ?? farthest;
    const turn = order.get(peer);
    if (turn !== undefined) return { peer, hops: 1, at: place((turn - 0.25) * 2 * Math.PI, 0.42) };
    const band = (1 - outerFrom) / (farthest - 1);
    const jitter = (hashOf(`${peer}r`) % 1_000) / 1_000;
    const share = outerFrom + band * (distance - 2 + 0.15 + 0.85 * jitter);
    return { peer, hops: distance, at: place(((hashOf(peer) % 3_600) / 3_600) * 2 * Math.PI, share) };
  });
  return { self: center, stars, links: linksOf(self, peers) };
};

/** Where the ring of those who are no neighbours begins. */
const outerFrom = 0.6;

const linksOf = (self: PeerId, peers: readonly Linked[]): readonly (readonly [PeerId, PeerId])[] => {
  const known = new Set(peers.map(({ status }) => status.peer));
  const links = new Map<string, readonly [PeerId, PeerId]>();
  for (const { status, link, neighbors } of peers) {
    if (link !== 'none') links.set(`${self} ${status.peer}`, [self, status.peer]);
    for (const { peer } of neighbors) {
      if (!known.has(peer)) continue;
      const pair = status.peer < peer ? ([status.peer, peer] as const) : ([peer, status.peer] as const);
      links.set(pair.join(' '), pair);
    }
  }
  return [...links.values()];
};

/** Many straight threads as one path: the browser draws hundreds as fast as one. */
export const linksPath = (
  links: readonly (readonly [PeerId, PeerId])[],
  placeOf: (peer: PeerId) => Point | undefined,
): string =>
  links
    .flatMap(([a, b]) => {
      const [from, to] = [placeOf(a), placeOf(b)];
      return from && to ? [`M${from.x} ${from.y}L${to.x} ${to.y}`] : [];
    })
    .join('');

const hashOf = (text: string): number => {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
};
const round = (value: number): number => Math.round(value * 10) / 10;
