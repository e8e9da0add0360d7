/** Costs of one call, and what a full telemetry holds: in a page of its own. */
import type { CDPSession, Page } from 'playwright';
import { openBrowser, startHost } from '../../scripts/lib/village.ts';
import { bundlePage, openBundle } from '../bundle.ts';
import { median } from '../suite.ts';
import type { CostPage } from './page.ts';

const mebibyte = 2 ** 20;
const full = { series: 200, spans: 2_500, entries: 1_000 };

export const measureCosts = async (say: (text: string) => void) => {
  const bundle = await bundlePage('bench/telemetry/page.ts');
  const host = await startHost();
  const { browser, close } = await openBrowser();
  try {
    const page = await browser.newPage();
    await openBundle(page, bundle, host.url);
    await page.waitForFunction('globalThis.costs !== undefined');
    const call = callsOf(page);
    const cost = async (name: Parameters<CostPage['cost']>[0]) =>
      Math.round(1_000 * median(await call('cost', name))) / 1_000;
    const numbers = {
      counter_us: await cost('counter'),
      counter_plain_us: await cost('counterPlain'),
      histogram_us: await cost('histogram'),
      histogram_plain_us: await cost('histogramPlain'),
      span_us: await cost('span'),
      span_beyond_limit_us: await cost('spanBeyond'),
    };
    say(
      `a counter ${numbers.counter_us} µs, a sample ${numbers.histogram_us} µs, a span ${numbers.span_us} µs`,
    );
    return { ...numbers, memory_mb: await measureMemory(page, call, say) };
  } finally {
    await close();
    await host.close();
  }
};

const callsOf =
  (page: Page) =>
  <Name extends keyof CostPage>(
    name: Name,
    ...args: Parameters<CostPage[Name]>
  ): Promise<ReturnType<CostPage[Name]>> =>
    page.evaluate(`costs[${JSON.stringify(name)}](...${JSON.stringify(args)})`);

/** Objects and array buffers of the page, with telemetry full over without one. */
const measureMemory = async (
  page: Page,
  call: ReturnType<typeof callsOf>,
  say: (text: string) => void,
): Promise<number> => {
  const session = await page.context().newCDPSession(page);
  await call('warm');
  const before = await usedBytes(session);
  const held = await call('fill');
  const bytes = (await usedBytes(session)) - before;
  if (!(await call('isFull'))) throw new Error('telemetry was let go of before it was weighed');
  for (const what of ['series', 'spans', 'entries'] as const)
    if (held[what] < full[what])
      throw new Error(`telemetry holds ${held[what]} ${what}: it should be full with ${full[what]}`);
  say(
    `${held.series} series, ${held.spans} spans and ${held.entries} entries: ${(bytes / mebibyte).toFixed(2)} MiB`,
  );
  return Math.round((100 * bytes) / mebibyte) / 100;
};

const usedBytes = async (session: CDPSession): Promise<number> => {
  // What the first collection finalizes, the second one frees.
  for (let i = 0; i < 2; i++) await session.send('HeapProfiler.collectGarbage');
  const { usedSize, backingStorageSize } = await session.send('Runtime.getHeapUsage');
  return usedSize + backingStorageSize;
};
