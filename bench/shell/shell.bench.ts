import { readFileSync } from 'node:fs';
import { get } from 'node:http';
import type { Browser, Page } from 'playwright';
import {
  exportJob,
  openBrowser,
  openTab,
  root,
  startHost,
  submitFiles,
  waitForJobEnd,
  waitForOthers,
} from '../../scripts/lib/village.ts';
import type { BenchOptions, BenchResult } from '../suite.ts';

export const limits = { gzip_kb: 200, longest_task_ms: 200 };

const corpus = `${root}bench/ocr/corpus`;
const pagesToRead = ['clean-letter', 'clean-novel'];

/** What a visitor downloads before the page answers, and how long it fails to answer while it reads. */
export const run = async ({ say }: BenchOptions): Promise<BenchResult> => {
  const host = await startHost();
  const { browser, close } = await openBrowser();
  try {
    say('loading the page…');
    const code = await codeOfFirstLoad(browser, host.url);
    const sizes = await Promise.all(code.map(async (url) => ({ url, bytes: await gzipBytes(url) })));
    for (const { url, bytes } of sizes.toSorted((a, b) => b.bytes - a.bytes))
      say(`${(bytes / 1000).toFixed(1).padStart(8)} kB  ${new URL(url).pathname}`);
    say('two tabs read two pages…');
    return {
      gzip_kb: round(sizes.reduce((sum, { bytes }) => sum + bytes, 0) / 1000),
      longest_task_ms: await longestTask(browser, host.link),
    };
  } finally {
    await close();
    await host.close();
  }
};

/** Scripts and styles that the page asked for until it can be used, and nothing more comes by itself. */
const codeOfFirstLoad = async (browser: Browser, url: string): Promise<readonly string[]> => {
  const page = await (await browser.newContext()).newPage();
  const asked = new Set<string>();
  page.on('request', (request) => {
    const { pathname } = new URL(request.url());
    if (/\.(m?js|css)$/.test(pathname)) asked.add(request.url());
  });
  await page.goto(url);
  await page.getByRole('button', { name: 'Use and share' }).waitFor();
  await page.waitForLoadState('networkidle');
  await page.close();
  if (![...asked].some((one) => one.endsWith('.css')))
    throw new Error('the page loaded no styles: not measured');
  if ([...asked].some((one) => /ort[.-]/.test(one))) throw new Error('the numeric runtime is loaded at once');
  return [...asked];
};

/** As it travels, counted on the wire. */
const gzipBytes = (url: string): Promise<number> =>
  new Promise((resolve, reject) => {
    get(url, { headers: { 'accept-encoding': 'gzip' } }, (response) => {
      let bytes = 0;
      response.on('data', (part: Buffer) => {
        bytes += part.byteLength;
      });
      response.on('end', () =>
        response.statusCode === 200 && response.headers['content-encoding'] === 'gzip'
          ? resolve(bytes)
          : reject(new Error(`${url}: ${response.statusCode}, ${response.headers['content-encoding']}`)),
      );
    }).on('error', reject);
  });

/** The Long Tasks API tells of tasks from 50 ms on; 0 means that there was none. */
const longestTask = async (browser: Browser, link: string): Promise<number> => {
  const page = await openTab(browser, link);
  await openTab(browser, link);
  await waitForOthers(page, 1);
  await page.evaluate(watchLongTasks);
  await submitFiles(
    page,
    pagesToRead.map((name) => `${corpus}/${name}.png`),
  );
  await waitForJobEnd(page, 180_000);
  const longest = await page.evaluate(() => (globalThis as unknown as LongTaskWindow).longestTask);
  await verify(page);
  return Math.round(longest);
};

type LongTaskWindow = { longestTask: number };

/** Runs in the page. */
const watchLongTasks = () => {
  const target = globalThis as unknown as LongTaskWindow;
  target.longestTask = 0;
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) target.longestTask = Math.max(target.longestTask, duration);
  }).observe({ type: 'longtask' });
};

/** A page that read nothing would not block either. */
const verify = async (page: Page): Promise<void> => {
  const job = await exportJob(page);
  for (const name of pagesToRead) {
    const truth = readFileSync(`${corpus}/${name}.txt`, 'utf8').split('\n').filter(Boolean).length;
    const lines = job.files.find(({ file }) => file === `${name}.png`)?.lines.length;
    if (job.state !== 'done' || lines !== truth)
      throw new Error(`${name}: ${lines} lines were read instead of ${truth}, the job is ${job.state}`);
  }
};

const round = (value: number): number => Math.round(value * 10) / 10;
