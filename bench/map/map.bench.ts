/**
 * The swarm's map with two hundred others, of whom four a second come or go: does the page stay smooth? Beside it the same
 * page with nobody coming or going, because a browser without a graphics card is not at its best either.
 */
import type { Page } from 'playwright';
import { openBrowser, startHost } from '../../scripts/lib/village.ts';
import { bundlePage, openBundle } from '../bundle.ts';
import { type BenchOptions, type BenchResult, percentile } from '../suite.ts';
import type { Watched } from './page.ts';

const others = 200;
const watchSeconds = 20;
/** Two frames of sixty a second: one was missed. */
const lateMs = 1_000 / 30;

export const limits = { longest_task_ms: 50, late_frames_percent: 5 };

export const run = async ({ say }: BenchOptions): Promise<BenchResult> => {
  const bundle = await bundlePage('bench/map/page.ts');
  const host = await startHost();
  const { browser, close } = await openBrowser();
  try {
    const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
    await openBundle(page, bundle, host.url);
    await page.waitForFunction('globalThis.mapPage !== undefined');
    await page.evaluate(`mapPage.show(${others}, 1)`);
    await page.getByRole('button', { name: 'Swarm', exact: true }).click();
    await verify(page);
    await page.evaluate('mapPage.watch(5, { churn: true })'); // code is warm, as it is after a minute of use
    const still = await page.evaluate<Watched>(`mapPage.watch(${watchSeconds / 2}, { churn: false })`);
    const moving = await page.evaluate<Watched>(`mapPage.watch(${watchSeconds}, { churn: true })`);
    await verify(page);
    await verifyTable(page);
    say(`${moving.joined} came and ${moving.lost} went; seed 1`);
    return {
      peers: others,
      longest_task_ms: Math.round(moving.longestTask),
      late_frames_percent: lateOf(moving),
      late_frames_percent_still: lateOf(still),
      frame_p95_ms: Math.round(percentile(moving.frames, 95) * 10) / 10,
    };
  } finally {
    await close();
    await host.close();
  }
};

/** The nearest first, and all of them when asked. */
const verifyTable = async (page: Page): Promise<void> => {
  const rows = page.getByRole('table').getByRole('row');
  const few = await rows.count();
  await page.getByRole('button', { name: /^Show all \d+ devices$/ }).click();
  const expected = await page.evaluate<string[]>('mapPage.expected()');
  const all = await rows.count();
  if (few >= all || all !== expected.length + 1)
    throw new Error(`the table has ${few - 1} rows, then ${all - 1}: ${expected.length} are there`);
};

const lateOf = ({ frames }: Watched) =>
  Math.round((frames.filter((ms) => ms > lateMs).length / frames.length) * 1_000) / 10;

/** Everybody who should be there is, once, and nobody else. */
const verify = async (page: Page): Promise<void> => {
  const map = page.getByRole('list', { name: 'Devices in this room' });
  await map.getByRole('button').first().waitFor();
  const expected = await page.evaluate<string[]>('mapPage.expected()');
  const shown = await map.getByRole('button').count();
  if (shown !== expected.length + 1)
    throw new Error(`the map shows ${shown} devices, ${expected.length + 1} are there`);
};
