import type { JobId, ReceiptId, TaskId } from '../../core/brand.ts';
import type { WorkReceipt } from '../../inference/contracts.ts';
import type { JobStore } from '../../inference/jobStore.ts';
import type { ReceiptOutboxStore } from '../../inference/receiptStore.ts';
import { type KeyValueStore, StorageError } from '../../storage/port.ts';

const pageKey = (job: JobId, page: number) => `${job}/${String(page).padStart(5, '0')}`;
const resultKey = (job: JobId, task: TaskId) => `${job}/${task}`;
const values = (entries: readonly (readonly [string, unknown])[]) => entries.map(([, value]) => value);

/** A Blob in parts: WebKit's private windows keep bytes, and no Blobs. */
type BlobParts = { readonly type: string; readonly bytes: Uint8Array<ArrayBuffer> };
const isBlobParts = (value: unknown): value is BlobParts =>
  typeof value === 'object' &&
  value !== null &&
  'bytes' in value &&
  value.bytes instanceof Uint8Array &&
  'type' in value &&
  typeof value.type === 'string';

/** Jobs in the device's key-value store: record, files and results apart, so that a result is one small write. */
export const createJobStore = (store: KeyValueStore): JobStore => ({
  durable: store.durable,
  putJob: (job) => store.set('jobs', job.id, job, 'strict'),
  async putFiles(job, files) {
    for (const [page, file] of files.entries()) {
      const key = pageKey(job, page);
      await store.set('jobFiles', key, file).catch(async (cause: unknown) => {
        if (!(cause instanceof StorageError) || cause.code !== 'unavailable') throw cause;
        const parts: BlobParts = { type: file.type, bytes: new Uint8Array(await file.arrayBuffer()) };
        await store.set('jobFiles', key, parts);
      });
    }
  },
  async getFile(job, page) {
    const file = await store.get('jobFiles', pageKey(job, page));
    if (file instanceof Blob) return file;
    return isBlobParts(file) ? new Blob([file.bytes], { type: file.type }) : undefined;
  },
  putResult: (job, result) => store.set('jobResults', resultKey(job, result.task), result),
  deleteResult: (job, task) => store.delete('jobResults', resultKey(job, task)),
  listJobs: async () => values(await store.entries('jobs')),
  listResults: async (job) => values(await store.entries('jobResults', `${job}/`)),
  async deleteJob(job) {
    // The record goes last: a tab that dies half-way finds the job again and can finish removing it.
    await store.deletePrefix('jobResults', `${job}/`);
    await store.deletePrefix('jobFiles', `${job}/`);
    await store.delete('jobs', job);
  },
});

const outboxPrefix = 'outbox/';
const wholePrefix = 'kept/';

export const createReceiptOutbox = (store: KeyValueStore): ReceiptOutboxStore => ({
  put: (entry) => store.set('receipts', `${outboxPrefix}${entry.receipt.id}`, entry, 'strict'),
  delete: (id: ReceiptId) => store.delete('receipts', `${outboxPrefix}${id}`),
  list: async () => values(await store.entries('receipts', outboxPrefix)),
});

export interface ReceiptArchive {
  /** Strict: a receipt is worth credits. */
  put(receipt: WorkReceipt): Promise<void>;
  list(): Promise<readonly unknown[]>;
}

/** Every receipt this device knows of, whole or claim, by id. */
export const createReceiptArchive = (store: KeyValueStore): ReceiptArchive => ({
  put: (receipt) => store.set('receipts', `${wholePrefix}${receipt.id}`, receipt, 'strict'),
  list: async () => values(await store.entries('receipts', wholePrefix)),
});
