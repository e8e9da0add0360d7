import 'fake-indexeddb/auto';
import { describe, expect, it } from 'vitest';
import { type ActStore, createMemoryActStore } from '../../src/admission/actStore.ts';
import type { ActId } from '../../src/admission/protocol.ts';
import type { RoomId } from '../../src/core/brand.ts';
import { createActStore } from '../../src/platform/browser/actStore.ts';
import { openBrowserStore } from '../../src/platform/browser/storage.ts';
import { createMemoryStore } from '../../src/storage/memory.ts';

let databases = 0;
const stores: Record<string, () => Promise<ActStore>> = {
  memory: async () => createMemoryActStore(),
  'over a key-value store in memory': async () => createActStore(createMemoryStore()),
  'over IndexedDB': async () =>
    createActStore(await openBrowserStore(`acts-${databases++}`, { onGivenWay: () => {} })),
};
const [one, other] = ['swarm', 'swarm2'] as RoomId[] as [RoomId, RoomId];
const act = (number: number) => new Uint8Array([number]);

describe.each(Object.entries(stores))('act store: %s', (_name, open) => {
  it('lists what was put in a swarm, once, and nothing of another', async () => {
    const store = await open();
    await store.put(one, 'a' as ActId, act(1));
    await store.put(one, 'b' as ActId, act(2));
    await store.put(one, 'a' as ActId, act(1));
    await store.put(other, 'c' as ActId, act(3));
    expect(await store.list(one)).toEqual([act(1), act(2)]);
    expect(await store.list(other)).toEqual([act(3)]);
  });
});
