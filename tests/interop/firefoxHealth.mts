import type { Page } from 'puppeteer-core';
import { startHost } from '../../scripts/lib/village.ts';
import {
  answerInFirefox,
  firefoxPath,
  launchFirefox,
  noFirefox,
  pressInFirefox,
  readInFirefox,
  textInFirefox,
} from './firefoxPage.mts';
import { pollUntil } from './tools.mts';

/**
 * What Health tells in a browser that tells a page less about itself: no check cries wolf, a busy page is seen, charts, traces and
 * the log have what happened, a file is saved, and all of it is there in the next life of the page.
 */
export const health = async (): Promise<string> => {
  const executablePath = firefoxPath();
  if (!executablePath) return noFirefox;
  const host = await startHost();
  const browser = await launchFirefox(executablePath);
  const errors: string[] = [];
  try {
    const page = await browser.newPage();
    page.on('pageerror', (cause) => errors.push(String(cause)));
    await page.goto(`${host.url}/#room=${'C'.repeat(21)}A`);
    await answerInFirefox(page, 'Use only');
    await readInFirefox(page);
    await pressInFirefox(page, 'Health');
    await expectChecks(page);
    await expectCharts(page);
    await expectTrace(page);
    await see(page, 'Log', 'job ended');
    const bytes = await expectFile(page);
    await page.reload();
    await pollUntil('Health opens again', () => pressInFirefox(page, 'Health'));
    await expectTrace(page);
    if (errors.length > 0) throw new Error(`Firefox says: ${errors.join('; ')}`);
    return `Firefox shows checks, charts, traces and the log, and saves ${Math.round(bytes / 1_000)} kB of SQLite`;
  } finally {
    await browser.close();
    await host.close();
  }
};

const openTab = (page: Page, name: string) =>
  pollUntil(`the tab ${name}`, () => pressInFirefox(page, name, '[role=tab]'));

const see = async (page: Page, tab: string, words: string) => {
  await openTab(page, tab);
  await pollUntil(`${tab} says “${words}”`, async () => (await textInFirefox(page)).includes(words));
};

const stateOf = async (page: Page, check: string): Promise<string | undefined> =>
  new RegExp(`^${check}\\n: (.+)$`, 'm').exec(await textInFirefox(page))?.[1];

const expectChecks = async (page: Page) => {
  await pollUntil('the engine is fine', async () => (await stateOf(page, 'Reading engine')) === 'fine');
  await pollUntil('the page is fine', async () => (await stateOf(page, 'Page')) === 'fine', 90_000);
  const text = await textInFirefox(page);
  if (text.includes(': needs attention')) throw new Error(`nothing is wrong, but Health says:\n${text}`);
  // Twice as long as the page's own timer takes, so that one of its ticks is late by more than the limit.
  await page.evaluate('{ const end = performance.now() + 1_000; while (performance.now() < end); }');
  await pollUntil('a busy page is seen', async () => (await stateOf(page, 'Page')) === 'could be better');
};

const expectCharts = async (page: Page) => {
  await openTab(page, 'Charts');
  await pollUntil('the chart of jobs is drawn', async () =>
    Boolean(
      await page.evaluate(
        `[...document.querySelectorAll('[role=img]')].some((one) => /^done: now/.test(one.getAttribute('aria-label')))`,
      ),
    ),
  );
};

const expectTrace = async (page: Page) => {
  await openTab(page, 'Traces');
  await pollUntil('the job’s trace is listed', async () => /^job$/m.test(await textInFirefox(page)));
};

/** Bytes of a saved file, after a look at its first ones. */
const expectFile = async (page: Page): Promise<number> => {
  await openTab(page, 'Reports');
  await page.evaluate(`{
    const make = URL.createObjectURL;
    URL.createObjectURL = (blob) => { globalThis.saved = blob; return make.call(URL, blob); };
  }`);
  await pollUntil('SQLite can be chosen', () => pressInFirefox(page, 'SQLite', 'label'));
  await pressInFirefox(page, 'Compressed', 'label');
  await pollUntil('the file is made', async () => {
    if (!(await page.evaluate('globalThis.saved !== undefined'))) await pressInFirefox(page, 'Save');
    return Boolean(await page.evaluate('globalThis.saved !== undefined'));
  });
  const head = String(await page.evaluate('saved.slice(0, 15).text()'));
  if (head !== 'SQLite format 3') throw new Error(`what was saved begins with ${JSON.stringify(head)}`);
  return Number(await page.evaluate('saved.size'));
};
