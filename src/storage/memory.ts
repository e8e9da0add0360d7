import type { KeyValueStore, Namespace } from './port.ts';

/**
 * For private windows and tests: the same promises, for as long as the tab lives. Values are copied on their way in and
 * out, as a database does, so that nobody changes what is kept by changing what he holds.
 */
export const createMemoryStore = (): KeyValueStore => {
  const valuesByKey = new Map<Namespace, Map<string, unknown>>();
  const of = (namespace: Namespace): Map<string, unknown> => {
    const known = valuesByKey.get(namespace) ?? new Map<string, unknown>();
    valuesByKey.set(namespace, known);
    return known;
  };
  return {
    durable: false,
    get: async (namespace, key) => structuredClone(of(namespace).get(key)),
    set: async (namespace, key, value) => void of(namespace).set(key, structuredClone(value)),
    delete: async (namespace, key) => void of(namespace).delete(key),
    entries: async (namespace, prefix = '') =>
      [...of(namespace)]
        .filter(([key]) => key.startsWith(prefix))
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([key, value]) => [key, structuredClone(value)]),
    async deletePrefix(namespace, prefix) {
      for (const key of [...of(namespace).keys()]) if (key.startsWith(prefix)) of(namespace).delete(key);
    },
    close() {},
  };
};
