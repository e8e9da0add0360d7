import 'fake-indexeddb/auto';
import { describe, expect, it } from 'vitest';
import { createTestClock, noon, openTab, sumOf } from '../../src/observability/analytics/testDoubles.ts';
import { openBrowserStore } from '../../src/platform/browser/storage.ts';
import { createMemoryStore } from '../../src/storage/memory.ts';
import type { KeyValueStore } from '../../src/storage/port.ts';

let databases = 0;
const adapters: Record<string, () => Promise<KeyValueStore>> = {
  memory: async () => createMemoryStore(),
  IndexedDB: () => openBrowserStore(`analytics-${databases++}`, { onGivenWay: () => {} }),
};

describe.each(Object.entries(adapters))('analytics over %s', (_name, open) => {
  it('keeps what several tabs record, merges it, and forgets it when told to', async () => {
    const store = await open();
    const tabs = [await openTab({ store }), await openTab({ store })];
    for (const { analytics, clock } of tabs)
      for (let i = 0; i < 20; i++) {
        analytics.recordMetric('tasks_total', 1, { kind: 'counter' });
        analytics.recordMetric('rpc_seconds', i + 1, { kind: 'histogram', labels: { method: 'é' } });
        clock.advance(60_000);
        await analytics.flush();
      }
    await tabs[0]?.compact();
    const { analytics } = await openTab({ store, clock: createTestClock(noon + 7_200_000) });
    expect(await store.entries('metrics', 'seg/')).toEqual([]);
    expect(await sumOf(analytics, 'tasks_total', noon, noon + 3_600_000, 100)).toBe(40);
    expect(analytics.increase('tasks_total', noon, noon + 3_600_000)).toBe(40);
    expect(analytics.distribution('rpc_seconds{method="é"}', noon, noon + 3_600_000)?.count).toBe(40);
    await analytics.clear();
    expect(analytics.series()).toEqual([]);
    expect((await store.entries('metrics')).map(([key]) => key)).toEqual(['meta']);
  });
});
