import { createEmitter, type Store } from '../core/events.ts';

export interface LazyStore<T> extends Store<T> {
  /** What `read` gives has changed. */
  touch(): void;
}

/**
 * A store whose value is made when somebody reads it, and whose listeners hear of many changes once: what changes a thousand
 * times a second must not be copied as often. `schedule` says when they hear.
 */
export const createLazyStore = <T>(
  read: () => T,
  schedule: (tell: () => void) => void = queueMicrotask,
): LazyStore<T> => {
  const emitter = createEmitter<void>();
  let listeners = 0;
  let cached: { readonly value: T } | undefined;
  let scheduled = false;
  const get = (): T => {
    cached ??= { value: read() };
    return cached.value;
  };
  return {
    get,
    touch() {
      cached = undefined;
      if (scheduled || listeners === 0) return;
      scheduled = true;
      schedule(() => {
        scheduled = false;
        emitter.emit();
      });
    },
    subscribe(listener) {
      const stop = emitter.subscribe(() => listener(get()));
      let subscribed = true;
      listeners++;
      return () => {
        if (subscribed) listeners--;
        subscribed = false;
        stop();
      };
    },
  };
};
