import { describe, expect, it } from 'vitest';
import { runLoad } from './load.ts';

const MiB = 1024 * 1024;

describe('hours of measurements', () => {
  // A fifth of the series for a sixth of a day, with the same share of the limits. The whole is measured by `bench telemetry`.
  it('every ten seconds stay in bounded memory and storage, and no sample is lost', async () => {
    const kept = await runLoad({ hours: 4, counters: 24, gauges: 12, histograms: 4 });
    expect(kept.counted).toBeGreaterThan(0);
    expect(kept.summed).toBe(kept.counted);
    expect(kept.storedBytes).toBeLessThan((64 / 30) * MiB);
    expect(kept.memoryBytes).toBeLessThan((10 / 5) * MiB);
  });
});
