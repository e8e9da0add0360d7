import type { PeerId } from '../../core/brand.ts';

/**
 * The neighbour that lies on a shortest way to `to`, by what is known of who is linked with whom. Undefined if no way is
 * known. Breadth first from here; `avoid` are first steps that have failed.
 */
export const nextHop = (
  to: PeerId,
  known: {
    readonly self: PeerId;
    readonly neighbors: readonly PeerId[];
    readonly linksOf: (peer: PeerId) => readonly PeerId[];
    readonly avoid: ReadonlySet<PeerId>;
  },
): PeerId | undefined => {
  const firstStep = new Map<PeerId, PeerId>();
  const queue: PeerId[] = [];
  for (const peer of known.neighbors) {
    if (known.avoid.has(peer)) continue;
    if (peer === to) return peer;
    firstStep.set(peer, peer);
    queue.push(peer);
  }
  for (let at = queue.shift(); at !== undefined; at = queue.shift()) {
    const step = firstStep.get(at);
    for (const peer of known.linksOf(at)) {
      if (peer === known.self || firstStep.has(peer) || step === undefined) continue;
      if (peer === to) return step;
      firstStep.set(peer, step);
      queue.push(peer);
    }
  }
  return undefined;
};
