import { basename } from 'node:path';
import type { Page } from 'playwright';
import {
  type BrowserProcess,
  exportJob,
  openBrowser,
  openTab,
  startHost,
  submitFiles,
  waitForJobEnd,
  waitForOthers,
} from '../../scripts/lib/village.ts';
import { median } from '../suite.ts';
import { scorePage } from './score.ts';

export type TimedPage = { readonly path: string; readonly truth: string };

const tabs = 3;
const rounds = 3;
const jobTimeout = 300_000;
/** More wrong characters than this, and the time says nothing. */
const maxErrorRate = 0.02;

/**
 * What working together costs: three tabs with one worker each against one tab with three workers, in turn, on the same
 * pages. Both are warm; each tab is a browser process of its own. The ratio is the median of the rounds' ratios.
 */
export const measureOverhead = async (
  pages: readonly TimedPage[],
  say: (text: string) => void,
): Promise<{ readonly swarm_overhead: number; readonly pages_per_minute: number }> => {
  const hosts = [await startHost(), await startHost()] as const;
  const processes: BrowserProcess[] = [];
  const open = async (link: string, workers: number): Promise<Page> => {
    const process = await openBrowser();
    processes.push(process);
    // A page shares half of its cores by default.
    return openTab(process.browser, link, { cores: workers * 2 });
  };
  try {
    const together = await open(hosts[0].link, 1);
    for (let i = 1; i < tabs; i++) await open(hosts[0].link, 1);
    await waitForOthers(together, tabs - 1);
    const alone = await open(hosts[1].link, tabs);
    for (const page of [together, alone]) await readAndCheck(page, pages);
    for (const [page, workers] of [
      [together, 1],
      [alone, tabs],
    ] as const) {
      const running = page.workers().filter((worker) => worker.url().includes('ocr.worker')).length;
      if (running !== workers) throw new Error(`a tab runs ${running} OCR workers and should run ${workers}`);
    }
    const ratios: number[] = [];
    const times: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const swarm = await readAndCheck(together, pages);
      const single = await readAndCheck(alone, pages);
      say(`${tabs} tabs ${(swarm / 1000).toFixed(1)} s, 1 tab ${(single / 1000).toFixed(1)} s`);
      ratios.push(swarm / single);
      times.push(swarm);
    }
    return {
      swarm_overhead: Math.round(median(ratios) * 1000) / 1000,
      pages_per_minute: Math.round((pages.length * 600_000) / median(times)) / 10,
    };
  } finally {
    await Promise.all(processes.map((process) => process.close().catch(() => {})));
    await Promise.all(hosts.map((host) => host.close()));
  }
};

const readAndCheck = async (page: Page, pages: readonly TimedPage[]): Promise<number> => {
  const started = performance.now();
  await submitFiles(
    page,
    pages.map(({ path }) => path),
  );
  await waitForJobEnd(page, jobTimeout);
  const elapsed = performance.now() - started;
  const job = await exportJob(page);
  for (const { path, truth } of pages) {
    const text = job.files.find(({ file }) => file === basename(path))?.text ?? '';
    const { errors, characters } = scorePage(truth, text);
    if (errors / characters > maxErrorRate) {
      throw new Error(
        `${basename(path)}: ${errors} of ${characters} characters are wrong; its time says nothing`,
      );
    }
  }
  await page.getByRole('button', { name: 'All jobs' }).click();
  return elapsed;
};
