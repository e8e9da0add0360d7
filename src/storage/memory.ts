import type { KeyValueStore, Namespace } from './port.ts';

/** For private windows and tests: the same promises, for as long as the tab lives. */
export const createMemoryStore = (): KeyValueStore => {
  const valuesByKey = new Map<Namespace, Map<string, unknown>>();
  const of = (namespace: Namespace): Map<string, unknown> => {
    const known = valuesByKey.get(namespace) ?? new Map<string, unknown>();
    valuesByKey.set(namespace, known);
    return known;
  };
  return {
    durable: false,
    get: async (namespace, key) => of(namespace).get(key),
    set: async (namespace, key, value) => void of(namespace).set(key, value),
    delete: async (namespace, key) => void of(namespace).delete(key),
    entries: async (namespace, prefix = '') =>
      [...of(namespace)].filter(([key]) => key.startsWith(prefix)).sort(([a], [b]) => (a < b ? -1 : 1)),
    async deletePrefix(namespace, prefix) {
      for (const key of [...of(namespace).keys()]) if (key.startsWith(prefix)) of(namespace).delete(key);
    },
    close() {},
  };
};
