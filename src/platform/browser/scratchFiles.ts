/**
 * Files that last as long as the tab, on disk where the browser has the origin's private file system, so that one of a gigabyte
 * doesn't lie in memory. A path is "tab/name". Whether a tab lives is known to whoever holds its lock, not here.
 */

const folder = 'aivillage-models';

type Output = {
  write(chunk: Uint8Array): Promise<void>;
  finish(): Promise<Blob>;
  discard(): Promise<void>;
};

/** In a worker only. Without the file system, parts in memory that the browser may put on disk. */
export const openScratchOutput = async (path: string): Promise<Output> => {
  const [tab = '', name = ''] = path.split('/');
  const home = await openHome(true);
  if (!home) return createMemoryOutput();
  const place = await home.getDirectoryHandle(tab, { create: true });
  const handle = await place.getFileHandle(name, { create: true });
  if (!canSync(handle)) {
    await place.removeEntry(name).catch(() => {});
    return createMemoryOutput();
  }
  const access = await handle.createSyncAccessHandle();
  access.truncate(0);
  let at = 0;
  return {
    async write(chunk) {
      const written = access.write(chunk, { at });
      if (written < chunk.byteLength) throw new DOMException('storage is full', 'QuotaExceededError');
      at += written;
    },
    async finish() {
      access.flush();
      access.close();
      return handle.getFile();
    },
    async discard() {
      access.close();
      await place.removeEntry(name);
    },
  };
};

/** False if it is still held by a worker that is ending: try again. What isn't there is removed. */
export const removeScratch = async (path: string): Promise<boolean> => {
  const [tab = '', name = ''] = path.split('/');
  try {
    const home = await openHome(false);
    const place = await home?.getDirectoryHandle(tab);
    await place?.removeEntry(name);
    return true;
  } catch (cause) {
    return isNotFound(cause);
  }
};

/** The tabs that have left files here. */
export const listScratchTabs = async (): Promise<readonly string[]> => {
  const home = await openHome(false).catch(() => undefined);
  const tabs: string[] = [];
  if (home) for await (const name of home.keys()) tabs.push(name);
  return tabs;
};

export const removeScratchTab = async (tab: string): Promise<void> => {
  const home = await openHome(false);
  await home?.removeEntry(tab, { recursive: true }).catch(() => {});
};

const openHome = async (create: boolean): Promise<FileSystemDirectoryHandle | undefined> => {
  try {
    const root = await navigator.storage.getDirectory();
    return await root.getDirectoryHandle(folder, { create });
  } catch {
    // No such file system (private windows, older browsers), or nothing was ever put there.
    return undefined;
  }
};

const createMemoryOutput = (): Output => {
  let parts: Blob[] = [];
  return {
    async write(chunk) {
      parts.push(new Blob([new Uint8Array(chunk)]));
    },
    finish: async () => new Blob(parts),
    async discard() {
      parts = [];
    },
  };
};

/** The DOM's types don't have what only workers can call. */
type SyncAccess = {
  write(chunk: Uint8Array, options: { readonly at: number }): number;
  truncate(size: number): void;
  flush(): void;
  close(): void;
};
type SyncHandle = FileSystemFileHandle & { createSyncAccessHandle(): Promise<SyncAccess> };

const canSync = (handle: FileSystemFileHandle): handle is SyncHandle => 'createSyncAccessHandle' in handle;

const isNotFound = (cause: unknown): boolean =>
  cause instanceof DOMException && cause.name === 'NotFoundError';
