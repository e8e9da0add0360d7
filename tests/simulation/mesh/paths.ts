/**
 * How long things take between two nodes. Without troubles: a latency for each pair, and a little jitter. With them: slow
 * nodes, and paths that lose. A data channel loses nothing, so a loss is time: the frame is sent again after a round trip or
 * more, and what follows on that link waits for it; and who loses too often in a row loses the link.
 */
import type { PeerId } from '../../../src/core/brand.ts';
import type { SeededRandom } from '../random.ts';

export type Slow = {
  /** Of all nodes. */
  readonly share: number;
  /** What handling anything takes longer there, in ms. */
  readonly handling: readonly [number, number];
  /** What goes out goes one after the other: so many ms for a message whole, and for anything else. */
  readonly payloadMs: number;
  readonly otherMs: number;
};
export type Lossy = {
  /** Of all frames sent. */
  readonly share: number;
  /** That what was sent again is lost again: losses come in bursts. */
  readonly again: number;
  /** Added to the round trip of the first retry, in ms, and doubled for each further one. */
  readonly backoff: number;
  /** The link dies with the next loss. */
  readonly retries: number;
};
export type Troubles = { readonly slow?: Slow; readonly lossy?: Lossy };

export const slowDefaults: Slow = { share: 0.1, handling: [50, 500], payloadMs: 60, otherMs: 5 };
export const lossyDefaults: Lossy = { share: 0.05, again: 0.15, backoff: 200, retries: 3 };

export type PathsOptions = {
  readonly seed: number;
  /** One way, in ms. */
  readonly latency: readonly [number, number];
  readonly troubles?: Troubles;
};

export const createPaths = (options: PathsOptions, random: SeededRandom) => {
  const { slow, lossy } = options.troubles ?? {};
  const [low, high] = options.latency;
  /** When what was sent last gets there, by direction, and when a slow node is done with what it has. */
  const lastArrivals = new Map<string, number>();
  const sentUntil = new Map<PeerId, number>();
  const handledUntil = new Map<PeerId, number>();

  const hashOf = (...names: readonly string[]): number => {
    let hash = options.seed | 0;
    for (const name of names)
      for (let i = 0; i < name.length; i++)
        hash = Math.imul(hash ^ name.charCodeAt(i), 0x9e3779b1) ^ (hash >>> 15);
    return (hash >>> 0) / 2 ** 32;
  };

  /** One way, in ms: the same both ways and for ever, from the pair's names and the seed. */
  const latency = (a: PeerId, b: PeerId): number =>
    low + (a < b ? hashOf(a, b) : hashOf(b, a)) * (high - low);
  const jitter = () => 0.9 + 0.2 * random.next();
  const isSlow = (peer: PeerId): boolean => slow !== undefined && hashOf('slow', peer) < slow.share;
  const meanHandling = slow ? (slow.handling[0] + slow.handling[1]) / 2 : 0;

  /** Retries and what they take; undefined if that was one too many. */
  const retrying = (roundTrip: number): number | undefined => {
    if (!lossy || random.next() >= lossy.share) return 0;
    let delay = 0;
    for (let retry = 0; retry < lossy.retries; retry++) {
      delay += roundTrip + lossy.backoff * 2 ** retry;
      if (random.next() >= lossy.again) return delay;
    }
    return undefined;
  };

  /** One after the other: never before what went the same way. */
  const inOrder = <Key>(last: Map<Key, number>, key: Key, at: number): number => {
    const next = Math.max(at, last.get(key) ?? 0);
    last.set(key, next);
    return next;
  };

  return {
    latency,
    jitter,
    isSlow,
    /** What a ping measures: a slow node's answer waits like everything else there. */
    roundTrip: (a: PeerId, b: PeerId): number =>
      2 * latency(a, b) + (isSlow(b) ? meanHandling : 0) + (isSlow(a) ? meanHandling : 0),
    /** When it gets there; undefined if the link dies of it. */
    arrival(from: PeerId, to: PeerId, now: number, isPayload: boolean): number | undefined {
      const leaves =
        slow && isSlow(from)
          ? inOrder(sentUntil, from, now) + (isPayload ? slow.payloadMs : slow.otherMs)
          : now;
      if (leaves > now) sentUntil.set(from, leaves);
      const straight = leaves + latency(from, to) * jitter();
      if (!lossy) return straight;
      const delay = retrying(2 * latency(from, to));
      return delay === undefined ? undefined : inOrder(lastArrivals, `${from} ${to}`, straight + delay);
    },
    /** When a node gets to handle what has arrived. */
    handling: (at: PeerId, now: number): number =>
      slow && isSlow(at) ? inOrder(handledUntil, at, now + random.between(...slow.handling)) : now,
  };
};
