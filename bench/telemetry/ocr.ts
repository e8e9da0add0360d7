/** A job of reading in one tab of the product, its telemetry switched at run time by what the page offers for that. */

import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright';
import { exportJob, openBrowser, openTab, startHost, submitFiles } from '../../scripts/lib/village.ts';
import { scorePage } from '../ocr/score.ts';
import { median } from '../suite.ts';
import { createSeededNumbers, measurePairs, type Overhead, overheadOf } from './pairs.ts';

const pairs = 40;
const warmJobs = 4;
const workers = 1;
const timeout = 120_000;
const pageName = 'clean-receipt-narrow';
const maxErrorRate = 0.02;

export const measureOcr = async (seed: number, say: (text: string) => void): Promise<Overhead> => {
  const corpus = fileURLToPath(new URL('../ocr/corpus/', import.meta.url));
  const file = `${corpus}${pageName}.png`;
  const truth = await readFile(`${corpus}${pageName}.txt`, 'utf8');
  const random = createSeededNumbers(seed);
  const host = await startHost();
  const { browser, close } = await openBrowser();
  try {
    // A page shares half of its cores by default.
    const page = await openTab(browser, host.link, { cores: workers * 2 });
    await page.waitForFunction('globalThis.aivillage !== undefined');
    const job = async (on: boolean): Promise<number> => {
      await setTelemetry(page, on);
      return readOnce(page, file, truth);
    };
    for (let i = 0; i < warmJobs; i++) for (const on of [true, false]) await job(on);
    await verifySwitch(page, job);
    const times = await measurePairs(pairs, random, job);
    const overhead = overheadOf(times, random);
    say(
      `OCR: ${pairs} pairs of jobs, ${median(times.map(({ off }) => off)).toFixed(0)} ms without telemetry; ${overhead.percent.toFixed(2)} % added, at most ${overhead.high.toFixed(2)} %`,
    );
    return overhead;
  } finally {
    await close();
    await host.close();
  }
};

const setTelemetry = async (page: Page, on: boolean): Promise<void> => {
  const set = await page.evaluate<{ readonly ok: boolean }>(
    `aivillage.telemetry.set(${JSON.stringify({ metrics: on, traces: on, logs: on })})`,
  );
  if (!set.ok) throw new Error(`telemetry could not be switched ${on ? 'on' : 'off'}`);
};

/** From the click to the end of the job, by the page's own clock: what carries words between it and here is slower than a span. */
const watchJob = `globalThis.jobTook = new Promise((resolve) => {
  const labelOf = (button) => button?.textContent.trim() ?? '';
  let started;
  let running = false;
  document.addEventListener('click', ({ target }) => {
    if (/^Read /.test(labelOf(target.closest('button')))) started ??= performance.now();
  }, { capture: true });
  const observer = new MutationObserver(() => {
    if ([...document.querySelectorAll('button')].some((button) => labelOf(button) === 'Cancel job')) running = true;
    else if (running) {
      observer.disconnect();
      resolve(performance.now() - started);
    }
  });
  observer.observe(document.body, { childList: true, subtree: true });
}); undefined`;

const readOnce = async (page: Page, file: string, truth: string): Promise<number> => {
  await page.evaluate(watchJob);
  await submitFiles(page, [file]);
  await page.getByRole('button', { name: 'Cancel job' }).waitFor({ state: 'detached', timeout });
  const took = await page.evaluate<number>('jobTook');
  const job = await exportJob(page);
  const { errors, characters } = scorePage(truth, job.files[0]?.text ?? '');
  if (errors / characters > maxErrorRate)
    throw new Error(`${errors} of ${characters} characters are wrong: its time says nothing`);
  await page.getByRole('button', { name: 'All jobs' }).click();
  return took;
};

/** A job is counted where telemetry is on, and only there. */
const verifySwitch = async (page: Page, job: (on: boolean) => Promise<number>): Promise<void> => {
  const jobs = () =>
    page.evaluate<number>(
      `aivillage.telemetry.snapshot().filter(({ name }) => name === 'inference_jobs_total').reduce((sum, { value }) => sum + value, 0)`,
    );
  for (const on of [true, false]) {
    const before = await jobs();
    await job(on);
    const counted = (await jobs()) - before;
    if (counted !== (on ? 1 : 0))
      throw new Error(`telemetry is ${on ? 'on' : 'off'}, and of one job it has counted ${counted}`);
  }
};
