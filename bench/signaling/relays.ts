import { randomBytes } from 'node:crypto';
import type { PeerId } from '../../src/core/brand.ts';
import type { Relayed, Tab } from './tabs.ts';

export type Pair = { readonly from: Tab; readonly to: Tab };

/** About what an offer or answer weighs when it is sealed. */
const payloadBytes = 1_024;
const arriveWithinMs = 20_000;

type Sent = { readonly from: PeerId; readonly payload: Uint8Array; arrived(): void };

/**
 * Relays over many tabs, each with bytes of its own by chance; one counts as arrived when sender and every byte are right, and
 * a wrong one ends the bench.
 */
export const createRelays = (tabs: readonly Tab[]) => {
  const sentByKey = new Map<string, Sent>();
  const background = randomBytes(payloadBytes);
  let failure: Error | undefined;
  const keyOf = (to: PeerId, payload: Uint8Array) =>
    `${to} ${Buffer.from(payload.subarray(0, 16)).toString('hex')}`;
  const onRelay = (to: PeerId, { from, payload }: Relayed) => {
    const key = keyOf(to, payload);
    const sent = sentByKey.get(key);
    if (!sent || sent.from !== from || !Buffer.from(sent.payload).equals(payload)) {
      failure ??= new Error('a relay arrived that nobody sent like this');
      return;
    }
    sentByKey.delete(key);
    sent.arrived();
  };
  for (const tab of tabs) tab.onRelay = (message) => onRelay(tab.peer, message);

  /** Resolves with the milliseconds it took. */
  const send = ({ from, to }: Pair, withinMs = arriveWithinMs): Promise<number> =>
    new Promise((resolve, reject) => {
      if (failure) return reject(failure);
      const payload = new Uint8Array(background);
      payload.set(randomBytes(16));
      const key = keyOf(to.peer, payload);
      const started = performance.now();
      const timer = setTimeout(() => {
        sentByKey.delete(key);
        reject(failure ?? new Error(`a relay did not arrive within ${withinMs} ms`));
      }, withinMs);
      sentByKey.set(key, {
        from: from.peer,
        payload,
        arrived() {
          clearTimeout(timer);
          resolve(performance.now() - started);
        },
      });
      return from.relay(to.peer, payload);
    });

  /** As many at a time until all pairs have had their turn: the time each took. */
  const sendAll = async (pairs: Iterable<Pair>, concurrency: number): Promise<readonly number[]> => {
    const times: number[] = [];
    const waiting = pairs[Symbol.iterator]();
    const work = async () => {
      for (let next = waiting.next(); !next.done; next = waiting.next()) times.push(await send(next.value));
    };
    await Promise.all(Array.from({ length: concurrency }, work));
    return times;
  };
  return { send, sendAll };
};
