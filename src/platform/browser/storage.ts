import { type DBSchema, type IDBPDatabase, openDB } from 'idb';
import { type KeyValueStore, type Namespace, namespaces, StorageError } from '../../storage/port.ts';

/** Raised whenever a namespace is added; `upgrade` creates what is missing, so any older version migrates. */
const schemaVersion = 1;
type Schema = DBSchema & { [Name in Namespace]: { key: string; value: unknown } };
type Database = IDBPDatabase<Schema>;

/**
 * IndexedDB. An older tab that blocks a newer one's upgrade gives way (`onGivenWay`: it should offer a reload); a
 * database that a newer version has changed is never touched by an older tab.
 */
export const openBrowserStore = async (
  name: string,
  options: { readonly onGivenWay: () => void },
): Promise<KeyValueStore> => {
  let database: Database;
  try {
    database = await openDB<Schema>(name, schemaVersion, {
      upgrade(opened) {
        for (const namespace of namespaces) {
          if (!opened.objectStoreNames.contains(namespace)) opened.createObjectStore(namespace);
        }
      },
      blocking() {
        database.close();
        options.onGivenWay();
      },
      terminated: options.onGivenWay,
    });
  } catch (cause) {
    throw toStorageError(cause);
  }
  return storeOver(database);
};

const storeOver = (database: Database): KeyValueStore => {
  const write = async (
    namespace: Namespace,
    durability: 'relaxed' | 'strict',
    change: (store: WritableObjectStore) => Promise<unknown>,
  ) => {
    try {
      const transaction = database.transaction(namespace, 'readwrite', { durability });
      await Promise.all([change(transaction.store), transaction.done]);
    } catch (cause) {
      throw toStorageError(cause);
    }
  };
  const read = async <T>(run: () => Promise<T>): Promise<T> =>
    run().catch((cause) => Promise.reject(toStorageError(cause)));
  return {
    durable: true,
    get: (namespace, key) => read(() => database.get(namespace, key)),
    set: (namespace, key, value, durability = 'relaxed') =>
      write(namespace, durability, (store) => store.put(value, key)),
    delete: (namespace, key) => write(namespace, 'relaxed', (store) => store.delete(key)),
    entries: (namespace, prefix = '') =>
      read(async () => {
        const store = database.transaction(namespace).store;
        const [keys, values] = await Promise.all([
          store.getAllKeys(underPrefix(prefix)),
          store.getAll(underPrefix(prefix)),
        ]);
        return keys.map((key, index) => [key, values[index]] as const);
      }),
    deletePrefix: (namespace, prefix) =>
      write(namespace, 'relaxed', (store) => store.delete(underPrefix(prefix) ?? IDBKeyRange.lowerBound(''))),
    close: () => database.close(),
  };
};

type WritableObjectStore = {
  put(value: unknown, key: string): Promise<unknown>;
  delete(key: string | IDBKeyRange): Promise<unknown>;
};

const underPrefix = (prefix: string): IDBKeyRange | undefined =>
  prefix === '' ? undefined : IDBKeyRange.bound(prefix, `${prefix}\uffff`, false, true);

const toStorageError = (cause: unknown): StorageError => {
  if (cause instanceof StorageError) return cause;
  const name = cause instanceof DOMException || cause instanceof Error ? cause.name : '';
  if (name === 'QuotaExceededError') {
    return new StorageError(
      'full',
      'This browser has no room left for this site: remove finished jobs here, or free space on the device.',
      { cause },
    );
  }
  if (name === 'VersionError' || name === 'InvalidStateError') {
    return new StorageError(
      'newer',
      'A newer version of this page is open in another tab: reload this one.',
      { cause },
    );
  }
  return new StorageError(
    'unavailable',
    `This browser keeps nothing for this site (a private window?): ${cause instanceof Error ? cause.message : String(cause)}`,
    { cause },
  );
};
