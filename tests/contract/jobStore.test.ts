import 'fake-indexeddb/auto';
import { describe, expect, it } from 'vitest';
import type { AccountId, JobId, PeerId, ReceiptId, TaskId } from '../../src/core/brand.ts';
import type { WorkReceipt } from '../../src/inference/contracts.ts';
import {
  createMemoryJobStore,
  type JobStore,
  type StoredJob,
  type StoredResult,
} from '../../src/inference/jobStore.ts';
import {
  createMemoryReceiptOutboxStore,
  type OutboxEntry,
  type ReceiptOutboxStore,
} from '../../src/inference/receiptStore.ts';
import {
  createJobStore,
  createReceiptArchive,
  createReceiptOutbox,
} from '../../src/platform/browser/jobStore.ts';
import { openBrowserStore } from '../../src/platform/browser/storage.ts';
import { createMemoryStore } from '../../src/storage/memory.ts';
import { StorageError } from '../../src/storage/port.ts';

let databases = 0;
const openDatabase = () => openBrowserStore(`jobs-${databases++}`, { onGivenWay: () => {} });

const job = (id: string, end: StoredJob['end'] = { phase: 'unfinished' }): StoredJob => ({
  v: 1,
  id: id as JobId,
  kind: 'ocr',
  createdAt: 7,
  audience: 'room',
  pages: [{ name: 'a.png' }],
  end,
});
const result = (task: string, text: string): StoredResult => ({
  v: 1,
  kind: 'ocr.recognize',
  task: task as TaskId,
  page: 0,
  by: { peer: 'p' as PeerId, account: 'a' as AccountId, name: 'Fox', runtime: 'wasm', milliCredits: 3 },
  checkedBy: undefined,
  checkWanted: false,
  claim: undefined,
  lines: [{ index: 0, text, confidence: 0.9 }],
});
const ids = (records: readonly unknown[]) => records.map((record) => (record as { id: string }).id).sort();

const jobStores: Record<string, () => Promise<JobStore>> = {
  memory: async () => createMemoryJobStore(),
  'over a key-value store in memory': async () => createJobStore(createMemoryStore()),
  'over IndexedDB': async () => createJobStore(await openDatabase()),
  'over a store that takes no Blobs': async () => {
    const inner = createMemoryStore();
    return createJobStore({
      ...inner,
      async set(namespace, key, value, durability) {
        if (value instanceof Blob) throw new StorageError('unavailable', 'Error preparing Blob/File data');
        return inner.set(namespace, key, value, durability);
      },
    });
  },
};

describe.each(Object.entries(jobStores))('job store: %s', (_name, open) => {
  it('lists what was put, and replaces a record without touching its files and results', async () => {
    const store = await open();
    await store.putJob(job('one'));
    await store.putJob(job('two'));
    await store.putFiles('one' as JobId, [new Blob(['pixels'])]);
    await store.putResult('one' as JobId, result('t', 'read'));
    await store.putJob(job('one', { phase: 'cancelled' }));
    expect(ids(await store.listJobs())).toEqual(['one', 'two']);
    expect(await store.listJobs()).toContainEqual(job('one', { phase: 'cancelled' }));
    expect(await (await store.getFile('one' as JobId, 0))?.text()).toBe('pixels');
    expect(await store.listResults('one' as JobId)).toEqual([result('t', 'read')]);
  });

  it('gives each page its own file, beyond the tenth too', async () => {
    const store = await open();
    const files = Array.from({ length: 12 }, (_, page) => new Blob([`page ${page}`], { type: 'image/png' }));
    await store.putFiles('job' as JobId, files);
    expect(await (await store.getFile('job' as JobId, 2))?.text()).toBe('page 2');
    expect(await (await store.getFile('job' as JobId, 11))?.text()).toBe('page 11');
    expect((await store.getFile('job' as JobId, 11))?.type).toBe('image/png');
    expect(await store.getFile('job' as JobId, 12)).toBeUndefined();
    expect(await store.getFile('other' as JobId, 0)).toBeUndefined();
  });

  it('holds one result a task: the last', async () => {
    const store = await open();
    await store.putResult('job' as JobId, result('t', 'wrong'));
    await store.putResult('job' as JobId, result('t', 'right'));
    await store.putResult('job' as JobId, result('u', 'other'));
    expect(await store.listResults('job' as JobId)).toHaveLength(2);
    expect(await store.listResults('job' as JobId)).toContainEqual(result('t', 'right'));
    await store.deleteResult('job' as JobId, 't' as TaskId);
    expect(await store.listResults('job' as JobId)).toEqual([result('u', 'other')]);
  });

  it('deletes a job whole, and not the one whose name begins alike', async () => {
    const store = await open();
    for (const id of ['job', 'job2'] as JobId[]) {
      await store.putJob(job(id));
      await store.putFiles(id, [new Blob([id])]);
      await store.putResult(id, result('t', id));
    }
    await store.deleteJob('job' as JobId);
    await store.deleteJob('never there' as JobId);
    expect(ids(await store.listJobs())).toEqual(['job2']);
    expect(await store.getFile('job' as JobId, 0)).toBeUndefined();
    expect(await store.listResults('job' as JobId)).toEqual([]);
    expect(await (await store.getFile('job2' as JobId, 0))?.text()).toBe('job2');
    expect(await store.listResults('job2' as JobId)).toEqual([result('t', 'job2')]);
  });
});

const receipt = (id: string): WorkReceipt =>
  ({ id: id as ReceiptId, workerSignature: new Uint8Array(64) }) as unknown as WorkReceipt;
const entry = (id: string, role: OutboxEntry['role'] = 'worker'): OutboxEntry => ({
  v: 1,
  role,
  receipt: receipt(id),
});

const outboxes: Record<string, () => Promise<ReceiptOutboxStore>> = {
  memory: async () => createMemoryReceiptOutboxStore(),
  'over a key-value store in memory': async () => createReceiptOutbox(createMemoryStore()),
  'over IndexedDB': async () => createReceiptOutbox(await openDatabase()),
};

describe.each(Object.entries(outboxes))('receipt outbox: %s', (_name, open) => {
  it('holds one entry a receipt until it is deleted', async () => {
    const outbox = await open();
    await outbox.put(entry('a'));
    await outbox.put(entry('b'));
    await outbox.put(entry('a', 'requester'));
    const listed = (await outbox.list()) as readonly OutboxEntry[];
    expect(listed.map(({ receipt: { id }, role }) => [id, role]).sort()).toEqual([
      ['a', 'requester'],
      ['b', 'worker'],
    ]);
    await outbox.delete('a' as ReceiptId);
    await outbox.delete('never there' as ReceiptId);
    expect(await outbox.list()).toEqual([entry('b')]);
  });
});

describe('receipts in one database', () => {
  it('do not mix: those on their way and those that are kept', async () => {
    const database = await openDatabase();
    const [outbox, archive] = [createReceiptOutbox(database), createReceiptArchive(database)];
    await outbox.put(entry('a'));
    await archive.put(receipt('a'));
    await archive.put(receipt('a'));
    await outbox.delete('a' as ReceiptId);
    expect(await outbox.list()).toEqual([]);
    expect(await archive.list()).toEqual([receipt('a')]);
  });
});
