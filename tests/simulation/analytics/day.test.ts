import { describe, expect, it } from 'vitest';
import { noon, openTab, sumOf, type TestTab } from '../../../src/observability/analytics/testDoubles.ts';
import { createMetricsRegistry } from '../../../src/observability/metrics/registry.ts';
import type { MetricsRegistry } from '../../../src/observability/metrics/types.ts';

const MiB = 1024 * 1024;
const hour = 3_600_000;

/** Deterministic noise in [0, 1): a linear congruential generator (Numerical Recipes). */
const createNoise = (seed: number) => {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
};

const load = { counters: 120, gauges: 60, histograms: 20 };

const measure = (registry: MetricsRegistry, noise: () => number) => {
  for (let i = 0; i < load.counters; i++)
    registry.count('events_total', Math.floor(noise() * 5), { part: `c${i}` });
  for (let i = 0; i < load.gauges; i++) registry.gauge('level_ratio', noise(), { part: `g${i}` });
  for (let i = 0; i < load.histograms; i++)
    for (let n = 0; n < 3; n++) registry.observe('rpc_seconds', Math.exp(4 * noise() - 6), { part: `h${i}` });
};

const run = async ({ analytics, clock, compact }: TestTab, hours: number, intervalMs: number) => {
  const registry = createMetricsRegistry({ maxSeriesPerName: 200 });
  const noise = createNoise(7);
  const end = clock.now() + hours * hour;
  for (let tick = 0; clock.now() < end; tick++) {
    measure(registry, noise);
    analytics.sample(registry);
    clock.advance(intervalMs);
    if (tick % 3 === 2) await analytics.flush();
    if (tick % 180 === 179) await compact();
  }
  return registry;
};

describe('a day of 200 series', () => {
  it('every ten seconds stays in bounded memory and storage, and no sample is lost', async () => {
    const tab = await openTab();
    const hours = 24;
    const registry = await run(tab, hours, 10_000);
    await tab.compact();
    const key = 'events_total{part="c0"}';
    expect(await sumOf(tab.analytics, key, noon, noon + hours * hour, 100)).toBe(
      registry.value('events_total', { part: 'c0' }),
    );
    expect(tab.analytics.state().bytes).toBeLessThan(64 * MiB);
    expect(tab.analytics.state().memoryBytes).toBeLessThan(10 * MiB);
  }, 400_000);
});
