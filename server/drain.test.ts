import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { RoomId } from '../src/core/brand.ts';
import { createBusNetwork } from './busDouble.ts';
import { createHubForTests } from './testDoubles.ts';

const room = 'r'.repeat(43) as RoomId;
const pass = (ms = 0) => vi.advanceTimersByTimeAsync(ms);

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Two processes that share a room: the first has a hundred tabs and will be taken down. */
const open = async () => {
  const network = createBusNetwork();
  const [old, other] = [network.open(), network.open()].map((bus) =>
    createHubForTests({ maxPeersPerRoom: 500 }, bus),
  );
  if (!old || !other) throw new Error('no hubs');
  await pass();
  const stays = await other.join(room);
  const tabs = await Promise.all(Array.from({ length: 100 }, () => old.join(room)));
  await pass();
  return { old, other, stays, tabs };
};

describe('a process that is taken down beside another', () => {
  it('sends its tabs away a few at a time, each soon to come back', async () => {
    const { old, tabs } = await open();
    const sentAway = () => tabs.filter(({ wire }) => wire.ends.length > 0).length;
    old.hub.drain(300, 4_000);
    const counts = [sentAway()];
    for (let i = 0; i < 4; i++) {
      await pass(1_000);
      counts.push(sentAway());
    }
    expect(counts).toEqual([3, 33, 63, 93, 100]);
    for (const { wire, last } of tabs) {
      expect(last()).toMatchObject({ t: 'refused', code: 'draining', retryAfterMs: 300 });
      expect(wire.ends[0]).toBe('close draining');
    }
  });

  it('loses none of them: all are in the room of the other one afterwards, and can be reached there', async () => {
    const { old, other, stays, tabs } = await open();
    old.hub.drain(300, 4_000);
    const moved = new Map<string, typeof stays>();
    while (moved.size < tabs.length) {
      const waiting = tabs.filter(({ wire, peer }) => wire.ends.length > 0 && !moved.has(peer));
      await pass(300);
      for (const { peer, signer, session } of waiting) {
        session.closed();
        moved.set(peer, await other.join(room, signer));
      }
      // Half-way everybody is known somewhere, but for those who are on their way.
      stays.say({ t: 'find' });
      const found = stays.last();
      expect(found?.t === 'found' && found.others).toBeGreaterThanOrEqual(tabs.length - 20);
    }
    old.hub.close();
    await pass(10_000);
    expect(old.hub.load()).toMatchObject({ connections: 0, peers: 0, rooms: 0 });
    expect(other.hub.load()).toMatchObject({ peers: 101, elsewhere: 0 });
    for (const [peer, tab] of moved) {
      stays.say({ t: 'relay', to: peer as typeof stays.peer, payload: new Uint8Array([7]) });
      expect(tab.last()).toMatchObject({ t: 'relay', from: stays.peer });
      expect(tab.wire.ends).toEqual([]);
      await pass(50); // at the pace of one tab's messages
    }
  });

  it('sends nobody away twice', async () => {
    const { old, tabs } = await open();
    old.hub.drain(300, 4_000);
    await pass(10_000);
    const refusals = tabs.map(({ wire }) => wire.messages.filter(({ t }) => t === 'refused').length);
    expect(new Set(refusals)).toEqual(new Set([1]));
  });
});
