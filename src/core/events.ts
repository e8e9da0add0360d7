export type Unsubscribe = () => void;
export type Subscribe<T> = (listener: (value: T) => void) => Unsubscribe;

export interface Emitter<T> {
  emit(value: T): void;
  readonly subscribe: Subscribe<T>;
}

/**
 * Listeners run in order of subscription; one that throws is reported to `onError` and does not stop the rest. One that
 * has left hears nothing more, even of the value that is being told; one that joins hears the next.
 */
export const createEmitter = <T>(onError: (error: unknown) => void = rethrowLater): Emitter<T> => {
  const listeners = new Set<(value: T) => void>();
  return {
    emit(value) {
      for (const listener of [...listeners]) {
        if (!listeners.has(listener)) continue;
        try {
          listener(value);
        } catch (error) {
          onError(error);
        }
      }
    },
    subscribe(listener) {
      const own = (value: T) => listener(value);
      listeners.add(own);
      return () => void listeners.delete(own);
    },
  };
};

/** A value that can be read and watched: the shape React's `useSyncExternalStore` reads. */
export interface Store<T> {
  get(): T;
  readonly subscribe: Subscribe<T>;
}

export interface WritableStore<T> extends Store<T> {
  set(value: T): void;
  update(change: (current: T) => T): void;
}

export const createStore = <T>(initial: T): WritableStore<T> => {
  const emitter = createEmitter<T>();
  let current = initial;
  const set = (value: T) => {
    if (Object.is(value, current)) return;
    current = value;
    emitter.emit(value);
  };
  return {
    get: () => current,
    set,
    update: (change) => set(change(current)),
    // The value of now: if an earlier listener has changed it, this one must not end up with the older.
    subscribe: (listener) => emitter.subscribe(() => listener(current)),
  };
};

/** Tells the value of now and every later one: what changed before somebody came to listen is not lost. */
export const follow = <T>(store: Store<T>, listener: (value: T) => void): Unsubscribe => {
  const stop = store.subscribe(listener);
  listener(store.get());
  return stop;
};

const rethrowLater = (error: unknown): void => {
  queueMicrotask(() => {
    throw error;
  });
};
