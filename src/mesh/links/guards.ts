import type { PeerId } from '../../core/brand.ts';
import type { Bytes } from '../../core/bytes.ts';
import type { Clock } from '../../core/ports/clock.ts';

/** One attempt to connect needs an offer or answer and a few dozen candidates. */
const maxWaitingEnvelopes = 128;
/** Redialing with its growing delays needs fewer than ten. */
const maxSessionsPerMinute = 20;
const rememberedSessions = 256;
const rememberedPeers = 256;

export interface EnvelopeInbox {
  /** False if too many wait already: this one is dropped. */
  accept(from: PeerId, payload: Bytes): boolean;
}

/**
 * Envelopes are handled one after the other per peer, because a candidate must not come before its offer; one that
 * throws does not stop the next. Bounded, because the server relays faster than signatures are checked.
 */
export const createEnvelopeInbox = (
  handle: (from: PeerId, payload: Bytes) => Promise<void>,
  onError: (from: PeerId, cause: unknown) => void,
): EnvelopeInbox => {
  const waitingByPeer = new Map<PeerId, { count: number; last: Promise<void> }>();
  let total = 0;
  return {
    accept(from, payload) {
      const waiting = waitingByPeer.get(from) ?? { count: 0, last: Promise.resolve() };
      if (waiting.count >= maxWaitingEnvelopes || total >= maxWaitingEnvelopes * 8) return false;
      waitingByPeer.set(from, waiting);
      waiting.count++;
      total++;
      waiting.last = waiting.last
        .then(() => handle(from, payload))
        .catch((cause: unknown) => onError(from, cause))
        .then(() => {
          total--;
          waiting.count--;
          if (waiting.count === 0) waitingByPeer.delete(from);
        });
      return true;
    },
  };
};

export interface SessionGuard {
  /** Whether a peer's offer or knock may start a session. Each session id may do so once. */
  mayStart(peer: PeerId, session: string): boolean;
}

/**
 * A connection attempt costs this tab an RTCPeerConnection and may end a working link. So an old envelope, sent again by
 * the server, starts nothing, and a peer that asks without end is heard only so often.
 */
export const createSessionGuard = (clock: Clock): SessionGuard => {
  const asksByPeer = new Map<PeerId, { readonly seen: Set<string>; windowStart: number; count: number }>();
  return {
    mayStart(peer, session) {
      const now = clock.monotonic();
      const asks = asksByPeer.get(peer) ?? { seen: new Set<string>(), windowStart: now, count: 0 };
      asksByPeer.delete(peer); // again at the end: the map forgets who asked longest ago
      asksByPeer.set(peer, asks);
      forgetOldest(asksByPeer, rememberedPeers);
      if (asks.seen.has(session)) return false;
      asks.seen.add(session);
      forgetOldest(asks.seen, rememberedSessions);
      if (now - asks.windowStart >= 60_000) {
        asks.windowStart = now;
        asks.count = 0;
      }
      asks.count++;
      return asks.count <= maxSessionsPerMinute;
    },
  };
};

const forgetOldest = <Key>(
  known: { readonly size: number; keys(): Iterator<Key>; delete(key: Key): boolean },
  limit: number,
): void => {
  const oldest = known.keys().next();
  if (known.size > limit && !oldest.done) known.delete(oldest.value);
};
