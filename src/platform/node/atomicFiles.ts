import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Files that are whole or not there: each is written as `<path>.part` beside its place, and all get their names at the end, in
 * the order in which they were created, after their bytes are on disk. A crash leaves parts, never half a file.
 */
export interface AtomicFiles {
  /** Rejects with `EEXIST` if there is a part already: somebody else's, or a crash's. */
  create(path: string): Promise<{ write(chunk: Uint8Array): Promise<void> }>;
  /** Between two of several names a crash may come: the last created is the one that says that all are there. */
  commit(): Promise<void>;
  /** Removes what has no name yet. Idempotent; after `commit` there is nothing. */
  discard(): Promise<void>;
}

export const createAtomicFiles = (): AtomicFiles => {
  const parts: { readonly path: string; readonly handle: FileHandle; closed: boolean }[] = [];
  return {
    async create(path) {
      const handle = await open(partOf(path), 'wx');
      parts.push({ path, handle, closed: false });
      return {
        async write(chunk) {
          for (let done = 0; done < chunk.byteLength; ) {
            const length = Math.min(chunk.byteLength - done, bytesPerWrite);
            done += (await handle.write(chunk, done, length)).bytesWritten;
          }
        },
      };
    },
    async commit() {
      for (const part of parts) {
        await part.handle.sync();
        await part.handle.close();
        part.closed = true;
      }
      for (let part = parts[0]; part; part = parts[0]) {
        await rename(partOf(part.path), part.path);
        parts.shift();
        await syncFolder(dirname(part.path));
      }
    },
    async discard() {
      for (const { path, handle, closed } of parts.splice(0)) {
        if (!closed) await handle.close();
        await rm(partOf(path), { force: true });
      }
    },
  };
};

/** The system's calls take less than 2 GiB. */
const bytesPerWrite = 2 ** 30;

const partOf = (path: string): string => `${path}.part`;

/** So that the name outlives a power cut; not every system lets a folder be opened. */
const syncFolder = async (folder: string): Promise<void> => {
  const handle = await open(folder).catch(() => undefined);
  await handle?.sync().catch(() => {});
  await handle?.close();
};
