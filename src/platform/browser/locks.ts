import type { Locks } from '../../core/ports/locks.ts';

/** The Web Locks API: held across the tabs of one device, freed by the browser when a tab dies. */
export const createBrowserLocks = (): Locks => ({
  tryAcquire: (name) =>
    new Promise((resolve, reject) => {
      navigator.locks
        .request(name, { ifAvailable: true }, (lock) => {
          if (!lock) return resolve(undefined);
          return new Promise<void>((release) => resolve(release));
        })
        .catch(reject);
    }),
  acquire: (name, signal) =>
    new Promise((resolve, reject) => {
      navigator.locks
        .request(name, signal ? { signal } : {}, () => new Promise<void>((release) => resolve(release)))
        .catch(reject);
    }),
});
