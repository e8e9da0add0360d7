import { createBoundedMap } from '../../core/boundedMap.ts';
import type { PeerId } from '../../core/brand.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { Random } from '../../core/ports/random.ts';

const firstDelayMs = 500;
const longestDelayMs = 30_000;
/** A link that lasted this long was sound: after its loss the first redial is immediate. */
const soundAfterMs = 10_000;
const rememberedPeers = 256;

export interface Redialing {
  /** Milliseconds until a peer should be dialed (again); half of it by chance. */
  delay(peer: PeerId): number;
  failed(peer: PeerId): void;
  /** After a link of so many milliseconds: one that comes and goes at once must not be redialed at that pace. */
  down(peer: PeerId, lasted: number): void;
  /** Whatever failed, failed for want of the server. */
  forgive(): void;
}

/** How long to wait before dialing whom: at once the first time, then later and later. Doesn't dial. */
export const createRedialing = (deps: {
  readonly clock: Clock;
  readonly random: Pick<Random, 'next'>;
}): Redialing => {
  const { clock, random } = deps;
  let failuresByPeer = nobody();
  const failed = (peer: PeerId) => {
    const count = (failuresByPeer.get(peer)?.count ?? 0) + 1;
    const delay = Math.min(longestDelayMs, firstDelayMs * 2 ** Math.min(count - 1, 10));
    failuresByPeer.set(peer, { count, until: clock.monotonic() + delay * (0.5 + random.next() / 2) });
  };
  return {
    delay: (peer) => Math.max(0, (failuresByPeer.get(peer)?.until ?? 0) - clock.monotonic()),
    failed,
    down(peer, lasted) {
      if (lasted < soundAfterMs) failed(peer);
      else failuresByPeer.delete(peer);
    },
    forgive() {
      failuresByPeer = nobody();
    },
  };
};

const nobody = () =>
  createBoundedMap<PeerId, { readonly count: number; readonly until: number }>(rememberedPeers);
