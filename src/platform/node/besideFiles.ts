import { type FileHandle, open, realpath } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import type { ByteSource } from '../../onnx/ir/types.ts';
import { createFileSource } from './byteSource.ts';

/** The files in a model's folder, for tensors that lie beside it. */
export type BesideFiles = {
  /**
   * Undefined if there is no such file. Rejects for what is no file, can't be read, or leads out of the folder by a link; the
   * target's own folder counts too where the model is a link itself, as in the caches of downloaders.
   */
  open(location: string): Promise<ByteSource | undefined>;
  /** After the last read. */
  close(): Promise<void>;
};

export const createBesideFiles = (modelPath: string): BesideFiles => {
  const opened = new Map<string, Promise<{ readonly handle: FileHandle; readonly source: ByteSource }>>();
  const openOnce = (path: string) => {
    const known = opened.get(path) ?? openFile(path);
    opened.set(path, known);
    return known;
  };
  return {
    async open(location) {
      const path = await realPathOf(join(dirname(modelPath), location));
      if (path === undefined) return undefined;
      const folders = [await realpath(dirname(modelPath)), dirname(await realpath(modelPath))];
      if (!folders.some((folder) => path.startsWith(folder.endsWith(sep) ? folder : folder + sep)))
        throw new Error(`it leads out of ${folders[0]}, to ${path}`);
      return (await openOnce(path)).source;
    },
    async close() {
      const all = await Promise.allSettled(opened.values());
      opened.clear();
      for (const one of all) if (one.status === 'fulfilled') await one.value.handle.close();
    },
  };
};

const openFile = async (path: string) => {
  const handle = await open(path);
  if (!(await handle.stat()).isFile()) {
    await handle.close();
    throw new Error(`${path} is no file`);
  }
  return { handle, source: await createFileSource(handle) };
};

const realPathOf = (path: string): Promise<string | undefined> =>
  realpath(path).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT' || cause.code === 'ENOTDIR') return undefined;
    throw cause;
  });
