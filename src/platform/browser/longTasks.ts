import { watchLag } from './lag.ts';

/**
 * The longest stretch in the last minute during which the main thread could not answer, ms. Where the browser tells of no long
 * tasks (all but Chromium) it is how late timers came, which is at most as long.
 */
export const watchLongTasks = (): (() => number) => {
  const tasks: { readonly at: number; readonly duration: number }[] = [];
  if (PerformanceObserver.supportedEntryTypes?.includes('longtask'))
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) tasks.push({ at: entry.startTime, duration: entry.duration });
    }).observe({ type: 'longtask' });
  else watchLag((ms) => tasks.push({ at: performance.now() - ms, duration: ms }));
  return () => {
    const since = performance.now() - 60_000;
    while (tasks[0] && tasks[0].at < since) tasks.shift();
    return tasks.reduce((longest, { duration }) => Math.max(longest, duration), 0);
  };
};
