import { createBoundedMap } from '../../core/boundedMap.ts';
import type { PeerId } from '../../core/brand.ts';
import type { Clock } from '../../core/ports/clock.ts';

/**
 * To whom the path swallows large packets, as far as earlier links have found out (`wire/stall.ts`). One for all links of a
 * tab. Forgets after a while: people move between networks, and a narrow path is a slow one.
 */
export interface NarrowPaths {
  has(peer: PeerId): boolean;
  add(peer: PeerId): void;
}

const rememberedFor = 10 * 60_000;
const rememberedPeers = 256;

export const createNarrowPaths = (deps: { readonly clock: Clock }): NarrowPaths => {
  const foundAtByPeer = createBoundedMap<PeerId, number>(rememberedPeers);
  return {
    has(peer) {
      const foundAt = foundAtByPeer.get(peer);
      return foundAt !== undefined && deps.clock.monotonic() - foundAt < rememberedFor;
    },
    add: (peer) => foundAtByPeer.set(peer, deps.clock.monotonic()),
  };
};
