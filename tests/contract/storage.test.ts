import 'fake-indexeddb/auto';
import { describe, expect, it } from 'vitest';
import { openBrowserStore } from '../../src/platform/browser/storage.ts';
import { createMemoryStore } from '../../src/storage/memory.ts';
import type { KeyValueStore } from '../../src/storage/port.ts';

let databases = 0;
const adapters: Record<string, () => Promise<KeyValueStore>> = {
  memory: async () => createMemoryStore(),
  IndexedDB: () => openBrowserStore(`contract-${databases++}`, { onGivenWay: () => {} }),
};

describe.each(Object.entries(adapters))('key-value store: %s', (_name, open) => {
  it('gives back what it was given, per namespace', async () => {
    const store = await open();
    await store.set('speeds', 'a', { n: 1, bytes: new Uint8Array([1, 2]) });
    expect(await store.get('speeds', 'a')).toEqual({ n: 1, bytes: new Uint8Array([1, 2]) });
    expect(await store.get('jobs', 'a')).toBeUndefined();
  });

  it('replaces and deletes', async () => {
    const store = await open();
    await store.set('jobs', 'a', 1);
    await store.set('jobs', 'a', 2, 'strict');
    expect(await store.get('jobs', 'a')).toBe(2);
    await store.delete('jobs', 'a');
    await store.delete('jobs', 'never there');
    expect(await store.get('jobs', 'a')).toBeUndefined();
  });

  it('lists a prefix in key order and nothing beside it', async () => {
    const store = await open();
    for (const key of ['b/1', 'a/2', 'a/1', 'a', 'ab/1']) await store.set('jobResults', key, key);
    const keys = async (prefix?: string) => (await store.entries('jobResults', prefix)).map(([key]) => key);
    expect(await keys('a/')).toEqual(['a/1', 'a/2']);
    expect(await keys()).toEqual(['a', 'a/1', 'a/2', 'ab/1', 'b/1']);
  });

  it('deletes a prefix whole and nothing beside it', async () => {
    const store = await open();
    for (const key of ['a/1', 'a/2', 'ab/1']) await store.set('jobResults', key, key);
    await store.deletePrefix('jobResults', 'a/');
    expect((await store.entries('jobResults')).map(([key]) => key)).toEqual(['ab/1']);
  });
});

describe('IndexedDB', () => {
  it('keeps values for the next opening', async () => {
    const name = `contract-${databases++}`;
    const first = await openBrowserStore(name, { onGivenWay: () => {} });
    await first.set('receipts', 'r', 'kept');
    first.close();
    const second = await openBrowserStore(name, { onGivenWay: () => {} });
    expect(await second.get('receipts', 'r')).toBe('kept');
  });

  it('is not touched once a newer version has changed it, and says so', async () => {
    const name = `contract-${databases++}`;
    await new Promise<void>((resolve, reject) => {
      const request = indexedDB.open(name, 99);
      request.onsuccess = () => {
        request.result.close();
        resolve();
      };
      request.onerror = () => reject(request.error);
    });
    await expect(openBrowserStore(name, { onGivenWay: () => {} })).rejects.toMatchObject({ code: 'newer' });
  });

  it('gives way to a newer tab', async () => {
    const name = `contract-${databases++}`;
    let gaveWay = false;
    const old = await openBrowserStore(name, {
      onGivenWay: () => {
        gaveWay = true;
      },
    });
    await new Promise<void>((resolve) => {
      const request = indexedDB.open(name, 2);
      request.onsuccess = () => {
        request.result.close();
        resolve();
      };
    });
    expect(gaveWay).toBe(true);
    await expect(old.set('jobs', 'a', 1)).rejects.toMatchObject({ code: 'newer' });
  });

  it('says what is missing in a private window', async () => {
    const original = globalThis.indexedDB;
    try {
      globalThis.indexedDB = {
        open() {
          throw new DOMException('denied', 'SecurityError');
        },
      } as unknown as IDBFactory;
      await expect(openBrowserStore('x', { onGivenWay: () => {} })).rejects.toMatchObject({
        code: 'unavailable',
      });
    } finally {
      globalThis.indexedDB = original;
    }
  });
});
