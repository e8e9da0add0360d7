/** The longest stretch in the last minute during which the main thread could not answer, ms. */
export const watchLongTasks = (): (() => number | undefined) => {
  const tasks: { readonly at: number; readonly duration: number }[] = [];
  if (!PerformanceObserver.supportedEntryTypes?.includes('longtask')) return () => undefined;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) tasks.push({ at: entry.startTime, duration: entry.duration });
  }).observe({ type: 'longtask' });
  return () => {
    const since = performance.now() - 60_000;
    while (tasks[0] && tasks[0].at < since) tasks.shift();
    return tasks.reduce((longest, { duration }) => Math.max(longest, duration), 0);
  };
};
