import { createBoundedMap } from '../../core/boundedMap.ts';
import { type Milliseconds, milliseconds, type PeerId } from '../../core/brand.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { Way } from '../contracts.ts';
import type { SelfHealth } from '../selfHealth.ts';

/** From dialing to an accepted greeting. */
const connectWithin = { direct: 15_000, carried: 10_000 } as const;
/** After so many direct attempts in a row that came to nothing, this tab is likely behind a wall: it waits less for each. */
const walledAfter = 3;
const walledWithin = 4_000;
/** A peer that no direct connection reached is not tried directly again for so long. */
const carriedFor = 10 * 60_000;
const rememberedPeers = 256;

/** What can be dialed: whether a direct attempt ends up over a TURN server is the browsers' doing. */
export type DialWay = Exclude<Way, 'relayed'>;

export interface Ways {
  /** How a peer is to be dialed now. */
  to(peer: PeerId): DialWay;
  /** How long an attempt may take. */
  patience(way: DialWay): Milliseconds;
  /** Whether the server carries links for this tab. */
  readonly canCarry: boolean;
  /** Bytes per second, by the server's welcome. */
  serverCarries(bytesPerSecond: number): void;
  opened(way: DialWay): void;
  /**
   * An attempt came to nothing. True if the last resort is to be tried at once: the other tab is there (`heard`), and no
   * direct way to it was found.
   */
  failed(peer: PeerId, way: DialWay, heard: boolean): boolean;
  /** No direct way leads out of this network, to nobody. True if the last resort is to be tried at once. */
  walled(): boolean;
  /** What was learned on another network says nothing about this one. */
  forget(): void;
}

/** Directly or through the server: what was tried with whom, and what comes next. Doesn't dial. */
export const createWays = (deps: {
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly health: Pick<SelfHealth, 'patience'>;
  /** Whether this browser can connect directly at all. */
  readonly direct: boolean;
}): Ways => {
  const { clock, health } = deps;
  let carriedUntil = createBoundedMap<PeerId, number>(rememberedPeers);
  let failures = 0;
  let carries = 0;
  let walled = false;
  return {
    get canCarry() {
      return carries > 0;
    },
    serverCarries(bytesPerSecond) {
      carries = bytesPerSecond;
    },
    to(peer) {
      if (carries === 0) return 'direct';
      return !deps.direct || walled || (carriedUntil.get(peer) ?? 0) > clock.monotonic()
        ? 'carried'
        : 'direct';
    },
    patience(way) {
      const isWalled = way === 'direct' && carries > 0 && failures >= walledAfter;
      const within = isWalled ? walledWithin * health.patience() : connectWithin[way];
      return milliseconds(Math.min(within, connectWithin[way]));
    },
    opened(way) {
      if (way !== 'direct') return;
      failures = 0;
      walled = false; // somebody came in from outside
    },
    failed(peer, way, heard) {
      if (way === 'carried') {
        carriedUntil.delete(peer); // next time directly again
        return false;
      }
      if (!heard) return false;
      failures++;
      if (carries === 0) return false;
      carriedUntil.set(peer, clock.monotonic() + carriedFor);
      return true;
    },
    walled() {
      walled = true;
      return carries > 0;
    },
    forget() {
      failures = 0;
      walled = false;
      carriedUntil = createBoundedMap(rememberedPeers);
    },
  };
};
