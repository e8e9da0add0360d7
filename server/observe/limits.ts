import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';

/** Where a container's limit stands: cgroup v2, then v1. */
const limitFiles = ['/sys/fs/cgroup/memory.max', '/sys/fs/cgroup/memory/memory.limit_in_bytes'];

/**
 * Bytes this process may have: its container's limit, or else what the machine has. v1 writes a huge number where there is no
 * limit, v2 `max`.
 */
export const memoryLimit = (
  read: (path: string) => string = (path) => readFileSync(path, 'utf8'),
  machine: number = totalmem(),
): number => {
  for (const path of limitFiles) {
    try {
      const limit = Number(read(path).trim());
      if (Number.isSafeInteger(limit) && limit > 0 && limit < machine) return limit;
    } catch {
      // not Linux, or the other version
    }
  }
  return machine;
};

/** Files and sockets this process may have open; undefined where the system does not say (only Linux does, here). */
export const maxOpenFiles = (
  read: (path: string) => string = (path) => readFileSync(path, 'utf8'),
): number | undefined => {
  try {
    const soft = /^Max open files\s+(\d+)/m.exec(read('/proc/self/limits'))?.[1];
    return soft === undefined ? undefined : Number(soft);
  } catch {
    return undefined;
  }
};
