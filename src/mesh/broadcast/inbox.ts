/** What one neighbour has sent and nobody has handled yet. */
export interface Inbox<T> {
  /** False if too much waits: it is not taken. */
  put(item: T): boolean;
  close(): void;
}

/**
 * One after the other, so that what takes long to check is not overtaken by what came later. `isOpen` is to be asked after
 * every await: what is closed belongs to nobody any more.
 */
export const createInbox = <T extends object>(
  most: number,
  handle: (item: T, isOpen: () => boolean) => Promise<void>,
): Inbox<T> => {
  const waiting: T[] = [];
  let working = false;
  let open = true;
  const isOpen = () => open;
  const work = async () => {
    working = true;
    try {
      for (let item = waiting.shift(); item; item = waiting.shift()) await handle(item, isOpen);
    } finally {
      working = false;
    }
  };
  return {
    put(item) {
      if (!open || waiting.length >= most) return false;
      waiting.push(item);
      if (!working) void work();
      return true;
    },
    close() {
      open = false;
      waiting.length = 0;
    },
  };
};
