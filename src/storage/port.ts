import type { Fault } from '../core/result.ts';

/** What the browser keeps for us, one namespace per kind of record. */
export const namespaces = [
  'identity',
  'jobs',
  'jobFiles',
  'jobResults',
  'receipts',
  'speeds',
  'acts',
  'wallet',
  'publicWork',
  'metrics',
  'logs',
  'spans',
  'alerts',
  'incidents',
] as const;
export type Namespace = (typeof namespaces)[number];

/**
 * A structured-clone key-value store: values may hold bytes, Blobs and key handles. Operations reject with a
 * `StorageError`; a caller that can go on without storage catches it and says so.
 */
export interface KeyValueStore {
  get(namespace: Namespace, key: string): Promise<unknown>;
  /** `strict`: resolves only when the disk has it (where a lost write would cost work or money). */
  set(namespace: Namespace, key: string, value: unknown, durability?: 'relaxed' | 'strict'): Promise<void>;
  delete(namespace: Namespace, key: string): Promise<void>;
  /** In key order. `prefix` limits the keys: "job1/" lists everything under it. */
  entries(namespace: Namespace, prefix?: string): Promise<readonly (readonly [string, unknown])[]>;
  deletePrefix(namespace: Namespace, prefix: string): Promise<void>;
  /** Whether what is stored outlives the tab. */
  readonly durable: boolean;
  close(): void;
}

export type StorageFault = Fault<
  /** the browser has no room left for this site */
  | 'full'
  /** a newer version of the page has changed the database: this tab must reload */
  | 'newer'
  /** another tab holds an older version of the database and doesn't answer: it must be closed */
  | 'blocked'
  /** no IndexedDB here (private window), or it broke */
  | 'unavailable'
>;

export class StorageError extends Error implements StorageFault {
  readonly code: StorageFault['code'];
  constructor(code: StorageFault['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StorageError';
    this.code = code;
  }
}
