const everyMs = 500;
/** A sleeping device and a throttled tab are no busy page. */
const longestMs = 30_000;

/**
 * Tells how late the page's own timer comes, in ms: what a person's tap would have waited for, too. Nothing while the tab is
 * hidden: browsers slow its timers down on purpose. Returns what ends it.
 */
export const watchLag = (listener: (ms: number) => void): (() => void) => {
  let due = performance.now() + everyMs;
  let seen = document.visibilityState === 'visible';
  const timer = setInterval(() => {
    const now = performance.now();
    const lag = now - due;
    const visible = document.visibilityState === 'visible';
    if (visible && seen && lag < longestMs) listener(Math.max(0, lag));
    seen = visible;
    due = now + everyMs;
  }, everyMs);
  return () => clearInterval(timer);
};
