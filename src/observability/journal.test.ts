import { describe, expect, it } from 'vitest';
import { milliseconds } from '../core/brand.ts';
import { createMemoryStore, type KeyValueStore, StorageError } from '../storage/index.ts';
import { createJournal, type JournalOptions, journalDefaults } from './journal.ts';
import { createTestClock } from './traces/testDoubles.ts';

const parse = (value: unknown) => (typeof value === 'string' ? value : undefined);
const settings = { ...journalDefaults, namespace: 'logs', writeEvery: milliseconds(100) } as const;

const createDisk = () => {
  const store = createMemoryStore();
  const time = createTestClock();
  const open = (tab: string, more: Partial<JournalOptions> = {}, over: KeyValueStore = store) =>
    createJournal(
      { store: over, clock: time.clock, timers: time.timers, tab, parse },
      { ...settings, ...more },
    );
  return { store, time, open };
};
const itemsOf = async (journal: ReturnType<ReturnType<typeof createDisk>['open']>) =>
  (await journal.read()).map(({ item }) => item);
const settle = async () => {
  for (let i = 0; i < 50; i++) await Promise.resolve();
};

describe('a journal', () => {
  it('writes many records at once, a moment later', async () => {
    const { store, time, open } = createDisk();
    const journal = open('a');
    for (const item of ['one', 'two', 'three']) journal.append(item);
    expect(await store.entries('logs')).toEqual([]);
    time.advance(100);
    await settle();
    expect(await store.entries('logs')).toHaveLength(1);
    expect(await itemsOf(journal)).toEqual(['one', 'two', 'three']);
  });

  it('loses what waited when its tab is killed, and nothing that was written', async () => {
    const { time, open } = createDisk();
    const killed = open('a');
    killed.append('written');
    await killed.flush();
    killed.append('waiting');
    time.advance(1);
    expect(await itemsOf(open('b'))).toEqual(['written']);
  });

  it('is shared by tabs that write at the same time', async () => {
    const { open } = createDisk();
    const [a, b] = [open('a'), open('b')];
    for (let i = 0; i < 3; i++) {
      a.append(`a${i}`);
      b.append(`b${i}`);
      await Promise.all([a.flush(), b.flush()]);
    }
    expect((await a.read()).map(({ tab, item }) => `${tab}:${item}`).sort()).toEqual([
      'a:a0',
      'a:a1',
      'a:a2',
      'b:b0',
      'b:b1',
      'b:b2',
    ]);
  });

  it('keeps the newest within its bytes, whoever wrote the oldest', async () => {
    const { store, time, open } = createDisk();
    const before = open('before', { maxBytes: 2_000 });
    const journal = open('now', { maxBytes: 2_000 });
    for (let i = 0; i < 20; i++) {
      const writer = i < 5 ? before : journal;
      writer.append(`${i}`.padStart(300, '.'));
      await writer.flush();
      time.advance(1);
    }
    const chunks = await store.entries('logs');
    const bytes = chunks.reduce((sum, [, value]) => sum + JSON.stringify(value).length, 0);
    expect(bytes).toBeLessThan(2_500);
    expect((await itemsOf(journal)).at(-1)).toContain('19');
    expect((await itemsOf(journal)).every((item) => !item.endsWith('.0'))).toBe(true);
  });

  it.each([
    ['two minutes', -120_000],
    ['a year', -365 * 86_400_000],
  ])('keeps what is written after the clock was set back by %s', async (_by, jump) => {
    const { time, open } = createDisk();
    const journal = open('a', { maxBytes: 2_000 });
    const write = async (item: string) => {
      journal.append(item.padStart(300, '.'));
      await journal.flush();
      time.advance(10);
    };
    for (let i = 0; i < 10; i++) await write(`before${i}`);
    time.jump(jump);
    for (let i = 0; i < 4; i++) await write(`after${i}`);
    const items = (await itemsOf(journal)).map((item) => item.replace(/^\.+/, ''));
    expect(items).toEqual(expect.arrayContaining(['after0', 'after1', 'after2', 'after3', 'before9']));
    for (let i = 4; i < 20; i++) await write(`after${i}`);
    expect((await itemsOf(journal)).every((item) => item.includes('after'))).toBe(true);
  });

  it('sees what other tabs write, and stays near its bytes', async () => {
    const { store, time, open } = createDisk();
    const tabs = [0, 1, 2, 3].map((tab) => open(`${tab}`, { maxBytes: 5_000, lookEvery: 4 }));
    for (let i = 0; i < 200; i++) {
      const journal = tabs[i % 4];
      journal?.append('x'.repeat(100));
      await journal?.flush();
      time.advance(1);
    }
    const chunks = await store.entries('logs');
    const bytes = chunks.reduce((sum, [, value]) => sum + JSON.stringify(value).length, 0);
    expect(bytes).toBeLessThan(5_000 + 4 * 4 * 140);
  });

  it('counts what a full disk does not take, asks ever less often, and goes on when there is room', async () => {
    const { store, time, open } = createDisk();
    let full = true;
    let asked = 0;
    const disk: KeyValueStore = {
      ...store,
      async set(...args) {
        asked++;
        if (full) throw new StorageError('full', 'no room');
        return store.set(...args);
      },
    };
    const journal = open('a', { maxWaiting: 10 }, disk);
    for (let i = 0; i < 200; i++) {
      journal.append(`${i}`);
      time.advance(100);
      await settle();
    }
    expect(asked).toBeLessThan(20);
    expect(journal.dropped()).toBe(190);
    full = false;
    for (let i = 0; i < 100; i++) {
      time.advance(100);
      await settle();
    }
    expect(await itemsOf(journal)).toHaveLength(10);
    expect(journal.dropped()).toBe(190);
  });

  it('reads around what is damaged, and never touches what a newer version wrote', async () => {
    const { store, time, open } = createDisk();
    await store.set('logs', '000000000000001/x/000000', { v: 1, json: '["half' });
    await store.set('logs', '000000000000002/x/000000', { v: 1, json: '["good",7,null]' });
    await store.set('logs', '000000000000003/x/000000', 'nonsense');
    await store.set('logs', '000000000000004/x/000000', { v: 2, json: '["newer"]' });
    const journal = open('a', { maxBytes: 200 });
    expect(await itemsOf(journal)).toEqual(['good']);
    for (let i = 0; i < 10; i++) {
      journal.append('x'.repeat(100));
      await journal.flush();
      time.advance(1);
    }
    expect(await store.get('logs', '000000000000004/x/000000')).toEqual({ v: 2, json: '["newer"]' });
    expect(await store.get('logs', '000000000000001/x/000000')).toBeUndefined();
  });

  it('reads nothing where nothing can be read, and closes all the same', async () => {
    const { open, store } = createDisk();
    const broken: KeyValueStore = {
      ...store,
      entries: () => Promise.reject(new StorageError('unavailable', 'broken')),
      deletePrefix: () => Promise.reject(new StorageError('unavailable', 'broken')),
    };
    const journal = open('a', {}, broken);
    journal.append('lost');
    expect(await itemsOf(journal)).toEqual([]);
    await journal.close();
    await journal.close();
    journal.append('later');
    expect(journal.dropped()).toBe(2);
    await journal.clear();
  });
});
