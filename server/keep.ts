import { randomUUID } from 'node:crypto';
import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Secrets of the host on its disk: for its user alone, written whole or not at all. */
const writeBeside = async (path: string, content: string): Promise<string> => {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const beside = `${path}.${randomUUID()}`;
  await writeFile(beside, content, { mode: 0o600 });
  return beside;
};

export const keep = async (path: string, content: string): Promise<void> => {
  await rename(await writeBeside(path, content), path);
};

/** Of several processes that start at once the first one's content is kept; all get that. */
export const keepFirst = async (path: string, content: string): Promise<string> => {
  const beside = await writeBeside(path, content);
  try {
    await link(beside, path);
    return content;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return await readFile(path, 'utf8');
    await rename(beside, path); // a file system without hard links
    return content;
  } finally {
    await rm(beside, { force: true });
  }
};

/** Undefined if there is nothing yet; throws if there is something that can't be read. */
export const readKept = async (path: string): Promise<string | undefined> => {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw cause;
  }
};
