import type { Locks } from '../../core/ports/locks.ts';

/**
 * The Web Locks API: held across the tabs of one device, freed by the browser when a tab dies. Where it is missing (WebKit's
 * Lockdown Mode) or refused (a site whose data is blocked), there is no storage that tabs could share either: locks are then the
 * tab's own.
 */
export const createBrowserLocks = (): Locks => {
  const own = createTabLocks();
  const manager: LockManager | undefined = navigator.locks;
  if (!manager) return own;
  return {
    tryAcquire: (name) =>
      new Promise<(() => void) | undefined>((resolve, reject) => {
        manager
          .request(name, { ifAvailable: true }, (lock) => {
            if (!lock) return resolve(undefined);
            return new Promise<void>((release) => resolve(release));
          })
          .catch(reject);
      }).catch((cause: unknown) => {
        if (isRefused(cause)) return own.tryAcquire(name);
        throw cause;
      }),
    acquire: (name, signal) =>
      new Promise<() => void>((resolve, reject) => {
        manager
          .request(name, signal ? { signal } : {}, () => new Promise<void>((release) => resolve(release)))
          .catch(reject);
      }).catch((cause: unknown) => {
        if (isRefused(cause)) return own.acquire(name, signal);
        throw cause;
      }),
  };
};

const isRefused = (cause: unknown): boolean =>
  cause instanceof DOMException && cause.name === 'SecurityError';

const createTabLocks = (): Locks => {
  /** Who waits for each lock that is held, in order. */
  const waitingByName = new Map<string, (() => void)[]>();
  /** Marks it as held; its release works once, as a promise's does. */
  const hold = (name: string): (() => void) => {
    if (!waitingByName.has(name)) waitingByName.set(name, []);
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      const next = waitingByName.get(name)?.shift();
      if (next) next();
      else waitingByName.delete(name);
    };
  };
  return {
    tryAcquire: async (name) => (waitingByName.has(name) ? undefined : hold(name)),
    acquire: (name, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason);
        const waiting = waitingByName.get(name);
        if (!waiting) return resolve(hold(name));
        const take = () => {
          signal?.removeEventListener('abort', leave);
          resolve(hold(name));
        };
        const leave = () => {
          waiting.splice(waiting.indexOf(take), 1);
          reject(signal?.reason);
        };
        signal?.addEventListener('abort', leave, { once: true });
        waiting.push(take);
      }),
  };
};
