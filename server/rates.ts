import type { Clock } from '../src/core/ports/clock.ts';
import { createBucketTable } from './limits.ts';

export const messageRates = {
  /** A tab that dials a dozen others exchanges ~40 envelopes with each within seconds. */
  peer: { capacity: 400, perSecond: 20 },
  /** A school behind one router: two hundred tabs that come back at once after the server's restart. */
  address: { capacity: 20_000, perSecond: 1_000 },
  /** So many bytes cost as much as one message. */
  bytesPerToken: 4_096,
  /** Messages beyond the rate go unanswered but for one refusal a second; after so many the client is dropped. */
  ignored: { capacity: 1_000, perSecond: 5 },
  refusal: { capacity: 1, perSecond: 1 },
} as const;

export type RateVerdict =
  | { readonly kind: 'within' }
  /** Beyond, and to be told so. */
  | { readonly kind: 'slower'; readonly retryAfterMs: number }
  | { readonly kind: 'ignored' }
  | { readonly kind: 'flood' };

export interface MessageRates {
  /** `key`: whose budget it is (a proven key, or a connection without one). */
  judge(
    from: { readonly key: string; readonly connection: number; readonly address: string },
    bytes: number,
  ): RateVerdict;
}

/** How much a client may say: token buckets by key and by address. Bounded by the number of clients there may be. */
export const createMessageRates = (
  deps: { readonly clock: Pick<Clock, 'monotonic'> },
  options: { readonly maxClients: number },
): MessageRates => {
  // A client has one as a connection and one as a key; buckets of those who left are full again within a minute.
  const maxKeys = Math.max(10_000, 3 * options.maxClients);
  const peers = createBucketTable(messageRates.peer, maxKeys);
  const addresses = createBucketTable(messageRates.address, maxKeys);
  const ignored = createBucketTable(messageRates.ignored);
  const refusals = createBucketTable(messageRates.refusal);
  return {
    judge({ key, connection, address }, bytes) {
      const now = deps.clock.monotonic();
      const cost = 1 + Math.floor(bytes / messageRates.bytesPerToken);
      const own = peers.take(key, now, cost);
      const shared = addresses.take(address, now, cost);
      if (own.allowed && shared.allowed) return { kind: 'within' };
      const name = String(connection);
      if (!ignored.take(name, now).allowed) return { kind: 'flood' };
      if (!refusals.take(name, now).allowed) return { kind: 'ignored' };
      return { kind: 'slower', retryAfterMs: Math.max(own.retryAfterMs, shared.retryAfterMs) };
    },
  };
};
