/** The pages used last, within a bound of bytes; the newest stays even if it alone is larger. */
export type PageCache<Page> = {
  get(key: string): Page | undefined;
  set(key: string, page: Page, bytes: number): void;
  clear(): void;
};

export const createPageCache = <Page>(options: { readonly maxBytes: number }): PageCache<Page> => {
  // A Map iterates in order of insertion, so the first entry is the one unused for longest.
  const entries = new Map<string, { readonly page: Page; readonly bytes: number }>();
  let total = 0;
  const drop = (key: string): void => {
    total -= entries.get(key)?.bytes ?? 0;
    entries.delete(key);
  };
  return {
    get(key) {
      const entry = entries.get(key);
      if (!entry) return undefined;
      entries.delete(key);
      entries.set(key, entry);
      return entry.page;
    },
    set(key, page, bytes) {
      drop(key);
      entries.set(key, { page, bytes });
      total += bytes;
      for (const oldest of entries.keys()) {
        if (total <= options.maxBytes || oldest === key) break;
        drop(oldest);
      }
    },
    clear() {
      entries.clear();
      total = 0;
    },
  };
};
