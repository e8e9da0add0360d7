import type { BrowserContext, Page } from 'playwright';
import { answerConsent, openBrowser, startHost, waitForOthers } from '../../scripts/lib/village.ts';
import { type BenchOptions, type BenchResult, percentile } from '../suite.ts';

const tabs = 10;
export const limits = { p95_ms: 5_000 };

/**
 * Ten devices open the same room one after the other. Each sample is the time from a newcomer's navigation until one of
 * those who are there lists it: 45 pairs.
 */
export const run = async ({ say }: BenchOptions): Promise<BenchResult> => {
  const host = await startHost();
  const { browser, close } = await openBrowser();
  try {
    say(`${tabs} devices answer the first visit's question…`);
    const devices: BrowserContext[] = [];
    for (let i = 0; i < tabs; i++) {
      const device = await browser.newContext();
      await visitOnce(device, host.url);
      devices.push(device);
    }
    const pages: Page[] = [];
    const times: number[] = [];
    for (const device of devices) {
      const page = await device.newPage();
      const started = performance.now();
      const listed = pages.map(async (other) => {
        await waitForOthers(other, pages.length, 60_000);
        return performance.now() - started;
      });
      await Promise.all([page.goto(host.link), ...listed]);
      const these = await Promise.all(listed);
      times.push(...these);
      pages.push(page);
      if (these.length > 0)
        say(`tab ${pages.length}: listed by all after ${Math.round(Math.max(...these))} ms`);
    }
    await verify(pages);
    return {
      p50_ms: Math.round(percentile(times, 50)),
      p95_ms: Math.round(percentile(times, 95)),
      max_ms: Math.round(Math.max(...times)),
    };
  } finally {
    await close();
    await host.close();
  }
};

/** The question of the first visit is a person's time, not the swarm's. */
const visitOnce = async (device: BrowserContext, url: string): Promise<void> => {
  const page = await device.newPage();
  await page.goto(url);
  await answerConsent(page, 'Use and share');
  await page.close();
};

/** Everybody lists everybody else, once. */
const verify = async (pages: readonly Page[]): Promise<void> => {
  for (const page of pages) {
    await waitForOthers(page, pages.length - 1);
    await page.getByRole('navigation', { name: 'Screens' }).getByRole('button', { name: 'Swarm' }).click();
    const rows = page.getByRole('table').locator('tbody').getByRole('row');
    await rows.nth(pages.length - 2).waitFor();
    if ((await rows.count()) !== pages.length - 1)
      throw new Error(`a tab lists ${await rows.count()} others`);
  }
};
