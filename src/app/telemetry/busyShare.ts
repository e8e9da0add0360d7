import type { Milliseconds } from '../../core/brand.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { MetricsRegistry } from '../../observability/index.ts';

/** Share of the time between the last two looks that this tab's workers were busy, over all of its pools. */
export const createBusyShare = (
  registry: Pick<MetricsRegistry, 'snapshot'>,
  clock: Pick<Clock, 'monotonic'>,
): { share(): number | undefined; look(): void } => {
  let before: { readonly busy: number; readonly at: Milliseconds } | undefined;
  let share: number | undefined;
  const sumOf = (name: string): number | undefined => {
    const values = registry
      .snapshot()
      .flatMap((series) => (series.name === name && series.kind !== 'histogram' ? [series.value] : []));
    return values.length === 0 ? undefined : values.reduce((total, value) => total + value, 0);
  };
  return {
    share: () => share,
    look() {
      const busy = sumOf('worker_busy_seconds_total');
      if (busy === undefined) return;
      const at = clock.monotonic();
      const workers = Math.max(1, sumOf('workers_running') ?? 0);
      // A call is counted when it is over: a long one may bring more than has passed.
      if (before && at > before.at)
        share = Math.min(1, Math.max(0, (busy - before.busy) / ((at - before.at) / 1_000) / workers));
      before = { busy, at };
    },
  };
};
