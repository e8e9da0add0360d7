import { mkdir } from 'node:fs/promises';
import { ClassicLevel } from 'classic-level';
import type { Bytes } from '../../core/bytes.ts';
import { err, type Fault, fault, ok, type Result } from '../../core/result.ts';

/** Keys are texts without a zero character, in the order of their UTF-8 bytes. Values belong to the caller. */
export interface OrderedStore {
  get(key: string): Promise<Bytes | undefined>;
  /** Entries with `from` ≤ key < `before`, ascending, at most `limit`. */
  range(from: string, before: string, limit?: number): Promise<readonly (readonly [string, Bytes])[]>;
  /** The entry with the greatest key of the range. */
  last(from: string, before: string): Promise<readonly [string, Bytes] | undefined>;
  /** All of the changes or none, in their order. `durable`: resolves only when the disk has them (fsync). */
  write(changes: readonly StoreChange[], durable: boolean): Promise<void>;
  /** Idempotent. */
  close(): Promise<void>;
}

export type StoreChange =
  | { readonly kind: 'put'; readonly key: string; readonly value: Uint8Array }
  | { readonly kind: 'delete'; readonly key: string };

export type StoreOpenFault = Fault<
  /** another process has it open */
  | 'locked'
  /** its files are not whole */
  | 'damaged'
  /** the folder can't be made, read or written */
  | 'unreachable'
>;

/**
 * LevelDB in a folder: a write-ahead log and sorted files, one process at a time. Doesn't know what is kept in it. Rejects
 * where the disk fails under an open store: whoever promised to keep something must not go on then.
 */
export const openLevelStore = async (folder: string): Promise<Result<OrderedStore, StoreOpenFault>> => {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
  } catch (cause) {
    return err(fault('unreachable', `${folder} can not be made: ${messageOf(cause)}`));
  }
  const level = new ClassicLevel<string, Uint8Array>(folder, { keyEncoding: 'utf8', valueEncoding: 'view' });
  try {
    await level.open();
  } catch (cause) {
    return err(whyNotOpen(folder, cause));
  }
  return ok({
    async get(key) {
      const value = await level.get(key);
      return value && new Uint8Array(value);
    },
    async range(from, before, limit = -1) {
      const entries = await level.iterator({ gte: from, lt: before, limit }).all();
      return entries.map(([key, value]) => [key, new Uint8Array(value)]);
    },
    async last(from, before) {
      const [found] = await level.iterator({ gte: from, lt: before, limit: 1, reverse: true }).all();
      return found && [found[0], new Uint8Array(found[1])];
    },
    async write(changes, durable) {
      const operations = changes.map((change) =>
        change.kind === 'put'
          ? { type: 'put' as const, key: change.key, value: change.value }
          : { type: 'del' as const, key: change.key },
      );
      await level.batch(operations, { sync: durable });
    },
    close: () => level.close(),
  });
};

const whyNotOpen = (folder: string, cause: unknown): StoreOpenFault => {
  const found = cause instanceof Error ? (cause.cause ?? cause) : cause;
  const code = found instanceof Error && 'code' in found ? found.code : undefined;
  const message = messageOf(found);
  if (code === 'LEVEL_LOCKED')
    return fault('locked', `${folder} is in use by another process: stop that one first`);
  if (code === 'LEVEL_CORRUPTION' || /corruption|MANIFEST|CURRENT|sstable|checksum/i.test(message))
    return fault('damaged', `${folder} is damaged (${message})`);
  return fault('unreachable', `${folder} can not be opened: ${message}`);
};

const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));
