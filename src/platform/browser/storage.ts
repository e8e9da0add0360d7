import { type DBSchema, type IDBPDatabase, openDB } from 'idb';
import { type KeyValueStore, type Namespace, namespaces, StorageError } from '../../storage/port.ts';

/** Raised whenever a namespace is added; `upgrade` creates what is missing, so any older version migrates. */
const currentVersion = 6;
/** A frozen or broken tab never closes its connection; waiting for it longer than this would look like a dead page. */
const patienceMs = 4_000;

type Schema = DBSchema & { [Name in Namespace]: { key: string; value: unknown } };

export type BrowserStoreOptions = {
  /** A newer tab upgraded the database and this one gave way: it should offer a reload. */
  readonly onGivenWay: () => void;
  /** Others than the current one let tests play tabs of different versions. */
  readonly version?: number;
  readonly patienceMs?: number;
};

/**
 * IndexedDB. An older tab that blocks a newer one's upgrade gives way; a database that a newer version has changed is
 * never touched by an older tab. A connection that the browser dropped is opened again. Doesn't know what the values mean.
 */
export const openBrowserStore = async (
  name: string,
  options: BrowserStoreOptions,
): Promise<KeyValueStore> => {
  const connection = createConnection<Schema>(name, {
    ...options,
    version: options.version ?? currentVersion,
    upgrade(opened) {
      for (const namespace of namespaces) {
        if (!opened.objectStoreNames.contains(namespace)) opened.createObjectStore(namespace);
      }
    },
  });
  await connection.run(async () => {});
  return storeOver(connection);
};

export interface Connection<Shape extends DBSchema> {
  /** Runs against an open database, at most twice: every operation here may be repeated. */
  run<T>(operation: (database: IDBPDatabase<Shape>) => Promise<T>): Promise<T>;
  close(): void;
}

export type ConnectionOptions<Shape extends DBSchema> = BrowserStoreOptions & {
  readonly version: number;
  /** Creates what is missing. */
  readonly upgrade: (opened: IDBPDatabase<Shape>) => void;
};

/** A database that is opened when it is needed, and again when the browser has dropped it. Rejects with StorageErrors. */
export const createConnection = <Shape extends DBSchema>(
  name: string,
  options: ConnectionOptions<Shape>,
): Connection<Shape> => {
  type Database = IDBPDatabase<Shape>;
  let closed = false;
  let opening: Promise<Database> | undefined;

  const open = (): Promise<Database> => {
    if (closed) return Promise.reject(new Error('the store was closed'));
    const forget = () => {
      if (opening === attempt) opening = undefined;
    };
    const attempt = openWithPatience(name, options, { onNewerTab: options.onGivenWay, onLost: forget });
    attempt.catch(forget);
    return attempt;
  };
  const use = async <T>(operation: (database: Database) => Promise<T>): Promise<T> => {
    opening ??= open();
    return operation(await opening);
  };
  return {
    async run(operation) {
      try {
        return await use(operation).catch((cause) => {
          if (!isLostConnection(cause)) throw cause;
          opening = undefined;
          return use(operation);
        });
      } catch (cause) {
        throw toStorageError(cause);
      }
    },
    close() {
      const last = opening;
      closed = true;
      opening = undefined;
      last?.then(
        (database) => database.close(),
        () => {},
      );
    },
  };
};

const openWithPatience = <Shape extends DBSchema>(
  name: string,
  { version, upgrade, patienceMs: patience = patienceMs }: ConnectionOptions<Shape>,
  heard: { onNewerTab(): void; onLost(): void },
): Promise<IDBPDatabase<Shape>> =>
  new Promise((resolve, reject) => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let late = false;
    const giveUp = () => {
      late = true;
      reject(blocked());
    };
    openDB<Shape>(name, version, {
      upgrade: (opened) => upgrade(opened),
      blocked() {
        timer = setTimeout(giveUp, patience);
      },
      blocking(_current, wanted, event) {
        (event.target as IDBDatabase).close();
        // No version is wanted when the site's data is being deleted: a new database may be made then.
        if (wanted === null) heard.onLost();
        else heard.onNewerTab();
      },
      terminated: heard.onLost,
    })
      .finally(() => clearTimeout(timer))
      .then((database) => (late ? database.close() : resolve(database)), reject);
  });

const storeOver = (connection: Connection<Schema>): KeyValueStore => {
  const write = (
    namespace: Namespace,
    durability: 'relaxed' | 'strict',
    change: (store: WritableObjectStore) => Promise<unknown>,
  ): Promise<void> =>
    connection.run(async (database) => {
      const transaction = database.transaction(namespace, 'readwrite', { durability });
      await Promise.all([change(transaction.store), transaction.done]);
    });
  return {
    durable: true,
    get: (namespace, key) => connection.run((database) => database.get(namespace, key)),
    set: (namespace, key, value, durability = 'relaxed') =>
      write(namespace, durability, (store) => store.put(value, key)),
    delete: (namespace, key) => write(namespace, 'relaxed', (store) => store.delete(key)),
    entries: (namespace, prefix = '') =>
      connection.run(async (database) => {
        const store = database.transaction(namespace).store;
        const [keys, values] = await Promise.all([
          store.getAllKeys(underPrefix(prefix)),
          store.getAll(underPrefix(prefix)),
        ]);
        return keys.map((key, index) => [key, values[index]] as const);
      }),
    deletePrefix: (namespace, prefix) =>
      write(namespace, 'relaxed', (store) => store.delete(underPrefix(prefix) ?? IDBKeyRange.lowerBound(''))),
    close: connection.close,
  };
};

type WritableObjectStore = {
  put(value: unknown, key: string): Promise<unknown>;
  delete(key: string | IDBKeyRange): Promise<unknown>;
};

/** Every key that begins so: keys are compared by UTF-16 code units, of which \uffff is the last. */
const underPrefix = (prefix: string): IDBKeyRange | undefined =>
  prefix === '' ? undefined : IDBKeyRange.bound(prefix, `${prefix}\uffff`, false, true);

const nameOf = (cause: unknown): string =>
  cause instanceof DOMException || cause instanceof Error ? cause.name : '';

/** Safari drops connections of pages that slept ("Connection to Indexed Database server lost", an UnknownError). */
const isLostConnection = (cause: unknown): boolean =>
  nameOf(cause) === 'InvalidStateError' || nameOf(cause) === 'UnknownError';

const newer = (cause?: unknown) =>
  new StorageError('newer', 'A newer version of this page is open in another tab: reload this one.', {
    cause,
  });

const blocked = () =>
  new StorageError(
    'blocked',
    'Another tab of this page is older and does not let go of the storage: close the other tabs, then reload this one.',
  );

const toStorageError = (cause: unknown): Error => {
  if (cause instanceof StorageError) return cause;
  switch (nameOf(cause)) {
    case 'DataCloneError':
      return cause as Error; // a value that can't be stored is our bug, not the browser's state
    case 'QuotaExceededError':
      return new StorageError(
        'full',
        'This browser has no room left for this site: remove finished jobs here, or free space on the device.',
        { cause },
      );
    case 'VersionError':
      return newer(cause);
    default:
      return new StorageError(
        'unavailable',
        `This browser keeps nothing for this site (a private window?): ${cause instanceof Error ? cause.message : String(cause)}`,
        { cause },
      );
  }
};
