/** Mutual exclusion across the tabs of one device (the Web Locks API in a browser). */
export interface Locks {
  /** Resolves with a release function, or undefined if somebody else holds the lock. Freed if the tab dies. */
  tryAcquire(name: string): Promise<(() => void) | undefined>;
  /** Waits for the lock; rejects with the signal's reason if aborted first. */
  acquire(name: string, signal?: AbortSignal): Promise<() => void>;
}
