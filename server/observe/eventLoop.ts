import { type IntervalHistogram, monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { milliseconds } from '../../src/core/brand.ts';
import type { Timers } from '../../src/core/ports/timers.ts';
import type { Metrics } from '../metrics.ts';

const windowMs = 15_000;
const views = ['mean', 'p50', 'p90', 'p99', 'max'] as const;
type View = (typeof views)[number];

export interface EventLoopWatch {
  /** Seconds, the worse of this quarter of a minute and the one before, so that several may look without taking it from each other. */
  lag(view: View): number;
  /** Share of the time in [0, 1], over the same. */
  utilization(): number;
  close(): void;
}

/**
 * How late timers run, as `nodejs_eventloop_lag_*` of prom-client: Node's own delay histogram, which counts the 10 ms between two
 * looks, too.
 */
export const watchEventLoop = (timers: Timers): EventLoopWatch => {
  const delay = monitorEventLoopDelay({ resolution: 10 });
  delay.enable();
  let before: Readonly<Record<View, number>> = read(delay);
  let since = performance.eventLoopUtilization();
  let sinceBefore = since;
  const cancel = timers.every(milliseconds(windowMs), () => {
    before = read(delay);
    delay.reset();
    sinceBefore = since;
    since = performance.eventLoopUtilization();
  });
  return {
    lag: (view) => Math.max(before[view], read(delay)[view]),
    utilization: () => performance.eventLoopUtilization(sinceBefore).utilization,
    close() {
      cancel();
      delay.disable();
    },
  };
};

/** Without a sample yet its mean is NaN, and its extremes are bounds. */
const read = (delay: IntervalHistogram): Readonly<Record<View, number>> => {
  const seconds = (nanoseconds: number) => (delay.count > 0 ? nanoseconds / 1e9 : 0);
  return {
    mean: seconds(delay.mean),
    p50: seconds(delay.percentile(50)),
    p90: seconds(delay.percentile(90)),
    p99: seconds(delay.percentile(99)),
    max: seconds(delay.max),
  };
};

export const gaugeEventLoop = (metrics: Metrics, loop: EventLoopWatch): void => {
  for (const view of views) metrics.gauge(`nodejs_eventloop_lag_${view}_seconds`, () => loop.lag(view));
  metrics.gauge('nodejs_eventloop_utilization_ratio', loop.utilization);
};
