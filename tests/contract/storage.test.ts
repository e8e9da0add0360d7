import 'fake-indexeddb/auto';
import fc from 'fast-check';
import { deleteDB, openDB } from 'idb';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openBrowserStore } from '../../src/platform/browser/storage.ts';
import { createMemoryStore } from '../../src/storage/memory.ts';
import { type KeyValueStore, StorageError } from '../../src/storage/port.ts';

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
    for (const key of ['b/1', 'a/2', 'a/1', 'a', 'ab/1', 'a/é', 'a0'])
      await store.set('jobResults', key, key);
    const keys = async (prefix?: string) => (await store.entries('jobResults', prefix)).map(([key]) => key);
    expect(await keys('a/')).toEqual(['a/1', 'a/2', 'a/é']);
    expect(await keys()).toEqual(['a', 'a/1', 'a/2', 'a/é', 'a0', 'ab/1', 'b/1']);
  });

  it('deletes a prefix whole and nothing beside it', async () => {
    const store = await open();
    for (const key of ['a/1', 'a/2', 'ab/1']) await store.set('jobResults', key, key);
    await store.deletePrefix('jobResults', 'a/');
    expect((await store.entries('jobResults')).map(([key]) => key)).toEqual(['ab/1']);
    await store.deletePrefix('jobResults', '');
    expect(await store.entries('jobResults')).toEqual([]);
  });

  it('keeps what it was given, not what becomes of it', async () => {
    const store = await open();
    const value = { lines: ['first'] };
    await store.set('jobs', 'a', value);
    value.lines.push('second');
    const read = (await store.get('jobs', 'a')) as typeof value;
    expect(read.lines).toEqual(['first']);
    read.lines.push('third');
    const [[, listed] = []] = await store.entries('jobs');
    expect(listed).toEqual({ lines: ['first'] });
  });

  it('keeps files and keys that can not be read', async () => {
    const store = await open();
    const { privateKey } = (await crypto.subtle.generateKey('Ed25519', false, [
      'sign',
      'verify',
    ])) as CryptoKeyPair;
    await store.set('jobFiles', 'page', new Blob(['pixels'], { type: 'image/png' }));
    await store.set('identity', 'key', privateKey);
    const file = (await store.get('jobFiles', 'page')) as Blob;
    expect([file.type, await file.text()]).toEqual(['image/png', 'pixels']);
    expect(await store.get('identity', 'key')).toMatchObject({ type: 'private', extractable: false });
  });

  it('throws at a value that nobody could store, whatever the state of storage', async () => {
    const store = await open();
    await expect(store.set('jobs', 'a', () => {})).rejects.toMatchObject({ name: 'DataCloneError' });
    expect(await store.get('jobs', 'a')).toBeUndefined();
  });

  it('agrees with a map under any sequence of operations', async () => {
    const key = fc.stringMatching(/^[ab]\/?[ab]?$/);
    const operation = fc.oneof(
      fc.record({ kind: fc.constant('set' as const), key, value: fc.nat() }),
      fc.record({ kind: fc.constant('delete' as const), key }),
      fc.record({ kind: fc.constant('deletePrefix' as const), key }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { maxLength: 12 }), key, async (operations, prefix) => {
        const store = await open();
        const model = new Map<string, number>();
        for (const step of operations) {
          if (step.kind === 'set') {
            await store.set('jobs', step.key, step.value);
            model.set(step.key, step.value);
          } else if (step.kind === 'delete') {
            await store.delete('jobs', step.key);
            model.delete(step.key);
          } else {
            await store.deletePrefix('jobs', step.key);
            for (const known of [...model.keys()]) if (known.startsWith(step.key)) model.delete(known);
          }
        }
        const expected = [...model].filter(([known]) => known.startsWith(prefix)).sort();
        expect(await store.entries('jobs', prefix)).toEqual(expected);
        store.close();
      }),
      { numRuns: 40 },
    );
  });
});

describe('IndexedDB', () => {
  /** Every connection of a test, to be dropped as a browser drops them. */
  let connections: IDBDatabase[] = [];
  const remember = (event: Event) => connections.push((event.target as IDBOpenDBRequest).result);
  beforeEach(() => {
    connections = [];
    const open = indexedDB.open.bind(indexedDB);
    vi.spyOn(indexedDB, 'open').mockImplementation((...args) => {
      const request = open(...args);
      request.addEventListener('success', remember);
      return request;
    });
  });
  afterEach(() => void vi.restoreAllMocks());

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
      const request = indexedDB.open(name, 99);
      request.onsuccess = () => {
        request.result.close();
        resolve();
      };
    });
    expect(gaveWay).toBe(true);
    await expect(old.set('jobs', 'a', 1)).rejects.toMatchObject({ code: 'newer' });
  });

  it('opens again after the browser dropped the connection', async () => {
    const store = await openBrowserStore(`contract-${databases++}`, { onGivenWay: () => {} });
    await store.set('jobs', 'a', 1);
    for (const connection of connections) connection.close();
    await store.set('jobs', 'b', 2);
    expect((await store.entries('jobs')).map(([key]) => key)).toEqual(['a', 'b']);
  });

  it('goes on with an empty database when the person clears the data of the site', async () => {
    const name = `contract-${databases++}`;
    let gaveWay = false;
    const store = await openBrowserStore(name, { onGivenWay: () => (gaveWay = true) });
    await store.set('jobs', 'a', 1);
    await deleteDB(name);
    expect(await store.get('jobs', 'a')).toBeUndefined();
    await store.set('jobs', 'b', 2);
    expect(await store.get('jobs', 'b')).toBe(2);
    expect(gaveWay).toBe(false);
  });

  it('keeps what an older version of the page stored', async () => {
    const name = `contract-${databases++}`;
    const old = await openBrowserStore(name, { onGivenWay: () => {}, version: 1 });
    await old.set('receipts', 'r', 'worth something');
    const next = await openBrowserStore(name, { onGivenWay: () => {}, version: 2 });
    expect(await next.get('receipts', 'r')).toBe('worth something');
    await expect(old.set('receipts', 'r', 'older')).rejects.toMatchObject({ code: 'newer' });
    expect(await next.get('receipts', 'r')).toBe('worth something');
  });

  it('does not wait for ever for an older tab that is frozen', async () => {
    const name = `contract-${databases++}`;
    const frozen = await openDB(name, 1);
    await expect(
      openBrowserStore(name, { onGivenWay: () => {}, version: 2, patienceMs: 10 }),
    ).rejects.toMatchObject({ code: 'blocked', message: expect.stringContaining('close the other tabs') });
    frozen.close();
  });

  it('says that there is no room, and what was there stays', async () => {
    const store = await openBrowserStore(`contract-${databases++}`, { onGivenWay: () => {} });
    await store.set('jobs', 'a', 1);
    const put = vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(() => {
      throw new DOMException('no space', 'QuotaExceededError');
    });
    try {
      const refused = store.set('jobs', 'a', 2);
      await expect(refused).rejects.toBeInstanceOf(StorageError);
      await expect(refused).rejects.toMatchObject({
        code: 'full',
        message: expect.stringContaining('remove finished jobs'),
      });
    } finally {
      put.mockRestore();
    }
    expect(await store.get('jobs', 'a')).toBe(1);
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
