import { watchLag } from './lag.ts';

/** What this tab can measure of itself: as the browser tells it, undefined where it doesn't. */
export type Vitals = {
  /** Bytes of the JavaScript heap in use and at most; Chromium only, rounded by the browser. */
  memory(): { readonly used: number; readonly limit: number } | undefined;
  close(): void;
};

type WithMemory = Performance & {
  readonly memory?: { readonly usedJSHeapSize: number; readonly jsHeapSizeLimit: number };
};

/**
 * Tells how late the page's own timer comes, and every stretch of 50 ms or more in which the page could not answer
 * (Long Tasks API).
 */
export const watchVitals = (listener: {
  /** Milliseconds. */
  lag(ms: number): void;
  longTask(ms: number): void;
}): Vitals => {
  const stopLag = watchLag((ms) => listener.lag(ms));
  const observer = PerformanceObserver.supportedEntryTypes?.includes('longtask')
    ? new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) listener.longTask(entry.duration);
      })
    : undefined;
  observer?.observe({ type: 'longtask' });
  return {
    memory() {
      const { memory } = performance as WithMemory;
      return memory && { used: memory.usedJSHeapSize, limit: memory.jsHeapSizeLimit };
    },
    close() {
      stopLag();
      observer?.disconnect();
    },
  };
};
