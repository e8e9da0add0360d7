import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { milliseconds } from '../../src/core/brand.ts';
import type { Timers } from '../../src/core/ports/timers.ts';
import type { Metrics } from '../metrics.ts';

export type Disk = { readonly size: number; readonly free: number };

export interface DiskWatch {
  /** Undefined: not read yet, or the system does not say. */
  now(): Disk | undefined;
  /** Reads it. A network file system that hangs makes nobody wait who only looks at `now`. */
  refresh(): Promise<Disk | undefined>;
  close(): void;
}

const everyMs = 15_000;

/** How full the file system is on which `folder` lies, or will lie. */
export const watchDisk = (
  metrics: Metrics,
  timers: Timers,
  folder: string,
  read: (path: string) => Promise<Disk> = statfsOf,
): DiskWatch => {
  let last: Disk | undefined;
  let reading: Promise<Disk | undefined> | undefined;
  const refresh = () => {
    reading ??= nearest(folder, read).then((found) => {
      last = found;
      reading = undefined;
      return found;
    });
    return reading;
  };
  void refresh();
  const cancel = timers.every(milliseconds(everyMs), () => void refresh());
  const ends = [
    metrics.gauge('aivillage_data_disk_size_bytes', () => last?.size),
    metrics.gauge('aivillage_data_disk_free_bytes', () => last?.free),
  ];
  return {
    now: () => last,
    refresh,
    close() {
      cancel();
      for (const end of ends) end();
    },
  };
};

/** `bavail`: root's reserve is not for us. */
const statfsOf = async (path: string): Promise<Disk> => {
  const { bsize, blocks, bavail } = await statfs(path);
  return { size: blocks * bsize, free: bavail * bsize };
};

const nearest = async (folder: string, read: (path: string) => Promise<Disk>): Promise<Disk | undefined> => {
  for (let path = folder; ; path = dirname(path)) {
    try {
      return await read(path);
    } catch (cause) {
      const isMissing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
      if (!isMissing || dirname(path) === path) return undefined;
    }
  }
};
