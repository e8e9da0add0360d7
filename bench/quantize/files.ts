/** Models in the origin's private file system, by a worker's synchronous handles: nothing of a file is in memory. */
import type { ByteSource, Write } from '../../src/onnx/index.ts';

/** Of `FileSystemSyncAccessHandle`, whose types and the page's can't be loaded together. */
type SyncHandle = {
  read(into: Uint8Array, options: { readonly at: number }): number;
  write(from: Uint8Array, options: { readonly at: number }): number;
  truncate(size: number): void;
  getSize(): number;
  flush(): void;
  close(): void;
};
type WithSyncHandles = { createSyncAccessHandle(): Promise<SyncHandle> };

export type OpenFile = { readonly source: ByteSource; close(): void };

export const openForReading = async (name: string): Promise<OpenFile> => {
  const handle = await open(name, false);
  const source: ByteSource = {
    size: handle.getSize(),
    async read(offset, length) {
      const bytes = new Uint8Array(length);
      if (handle.read(bytes, { at: offset }) !== length)
        throw new RangeError(`${name} has no ${length} bytes at ${offset}`);
      return bytes;
    },
  };
  return { source, close: () => handle.close() };
};

/** `use` writes the file from its beginning; the result is `use`'s. */
export const writeFile = async <T>(name: string, use: (write: Write) => Promise<T>): Promise<T> => {
  const handle = await open(name, true);
  let at = 0;
  try {
    handle.truncate(0);
    const result = await use(async (chunk) => {
      for (let done = 0; done < chunk.byteLength; )
        done += handle.write(chunk.subarray(done), { at: at + done });
      at += chunk.byteLength;
    });
    handle.flush();
    return result;
  } finally {
    handle.close();
  }
};

export const readWhole = async (name: string): Promise<Uint8Array<ArrayBuffer>> => {
  const { source, close } = await openForReading(name);
  const bytes = await source.read(0, source.size);
  close();
  return bytes;
};

const open = async (name: string, create: boolean): Promise<SyncHandle> => {
  const root = await navigator.storage.getDirectory();
  const file: unknown = await root.getFileHandle(name, { create });
  if (!hasSyncHandles(file)) throw new Error('this worker has no synchronous files');
  return file.createSyncAccessHandle();
};

const hasSyncHandles = (file: unknown): file is WithSyncHandles =>
  typeof file === 'object' && file !== null && 'createSyncAccessHandle' in file;
