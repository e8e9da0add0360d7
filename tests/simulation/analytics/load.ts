import { noon, openTab, sumOf } from '../../../src/observability/analytics/testDoubles.ts';
import { createMetricsRegistry } from '../../../src/observability/metrics/registry.ts';
import type { MetricsRegistry } from '../../../src/observability/metrics/types.ts';

const hour = 3_600_000;
const intervalMs = 10_000;
/** In ticks. */
const flushEvery = 3;
const compactEvery = 180;

export type Load = {
  readonly hours: number;
  readonly counters: number;
  readonly gauges: number;
  readonly histograms: number;
};
export type Kept = {
  readonly storedBytes: number;
  readonly memoryBytes: number;
  /** What a counter was given, and what its points sum to afterwards. */
  readonly counted: number;
  readonly summed: number;
};

/** Hours of measurements every ten seconds, in virtual time, over a store in memory. */
export const runLoad = async (load: Load): Promise<Kept> => {
  const { analytics, clock, compact } = await openTab();
  const registry = createMetricsRegistry({ maxSeriesPerName: 200 });
  const noise = createNoise(7);
  const end = noon + load.hours * hour;
  for (let tick = 0; clock.now() < end; tick++) {
    measure(registry, load, noise);
    analytics.sample(registry);
    clock.advance(intervalMs);
    if (tick % flushEvery === flushEvery - 1) await analytics.flush();
    if (tick % compactEvery === compactEvery - 1) await compact();
  }
  await compact();
  const { bytes, memoryBytes } = analytics.state();
  return {
    storedBytes: bytes,
    memoryBytes,
    counted: registry.value('events_total', { part: 'c0' }),
    summed: await sumOf(analytics, 'events_total{part="c0"}', noon, end, 100),
  };
};

/** Deterministic noise in [0, 1): a linear congruential generator (Numerical Recipes). */
const createNoise = (seed: number) => {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
};

const measure = (registry: MetricsRegistry, load: Load, noise: () => number) => {
  for (let i = 0; i < load.counters; i++)
    registry.count('events_total', Math.floor(noise() * 5), { part: `c${i}` });
  for (let i = 0; i < load.gauges; i++) registry.gauge('level_ratio', noise(), { part: `g${i}` });
  for (let i = 0; i < load.histograms; i++)
    for (let n = 0; n < 3; n++) registry.observe('rpc_seconds', Math.exp(4 * noise() - 6), { part: `h${i}` });
};
