/** What this tab can measure of itself: as the browser tells it, undefined where it doesn't. */
export type Vitals = {
  /** Bytes of the JavaScript heap in use and at most; Chromium only, rounded by the browser. */
  memory(): { readonly used: number; readonly limit: number } | undefined;
  close(): void;
};

type WithMemory = Performance & {
  readonly memory?: { readonly usedJSHeapSize: number; readonly jsHeapSizeLimit: number };
};

const lagEveryMs = 500;
/** A sleeping device and a throttled tab are no busy page. */
const longestLagMs = 30_000;

/**
 * Tells how late the page's own timer comes, and every stretch of 50 ms or more in which the page could not answer
 * (Long Tasks API). Nothing is told while the tab is hidden: browsers slow its timers down on purpose.
 */
export const watchVitals = (listener: {
  /** Milliseconds. */
  lag(ms: number): void;
  longTask(ms: number): void;
}): Vitals => {
  let due = performance.now() + lagEveryMs;
  let seen = document.visibilityState === 'visible';
  const timer = setInterval(() => {
    const now = performance.now();
    const lag = now - due;
    const visible = document.visibilityState === 'visible';
    if (visible && seen && lag < longestLagMs) listener.lag(Math.max(0, lag));
    seen = visible;
    due = now + lagEveryMs;
  }, lagEveryMs);
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
      clearInterval(timer);
      observer?.disconnect();
    },
  };
};
