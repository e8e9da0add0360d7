import { startHost } from '../../scripts/lib/village.ts';
import { type ForeignBrowser, type ForeignPage, mainText, press, readSample } from './foreignBrowser.mts';
import { pollUntil } from './tools.mts';

/**
 * What Health tells in a browser that tells a page less about itself: no check cries wolf, a busy page is seen, charts, traces and
 * the log have what happened, a file is saved, and all of it is there when the page is loaded again.
 */
export const seeHealth = async (browser: ForeignBrowser): Promise<string> => {
  const host = await startHost();
  try {
    const page = await browser.open(`${host.url}/#room=${'C'.repeat(21)}A`);
    await press(page, /^Use only/);
    await readSample(page);
    await press(page, /^Health/);
    await expectChecks(page);
    await expectCharts(page);
    await expectTrace(page);
    await openPart(page, 'Log');
    await pollUntil('the log tells of the job', async () => (await mainText(page)).includes('job ended'));
    const bytes = await expectFile(page);
    await page.reload();
    await press(page, /^Health/);
    await expectTrace(page);
    await press(page, /^Read$/);
    await pollUntil('the job is listed again', async () => (await mainText(page)).includes('letter.png'));
    const errors = await page.errors();
    if (errors.length > 0) throw new Error(`${browser.name} says: ${errors.join('; ')}`);
    await page.close();
    return `checks, charts, traces and the log are there, ${Math.round(bytes / 1_000)} kB of SQLite were saved`;
  } finally {
    await host.close();
  }
};

const openPart = (page: ForeignPage, name: string) => press(page, new RegExp(`^${name}`), '[role=tab]');

/** Browsers break the line between name and state as they like. */
const stateOf = async (page: ForeignPage, check: string): Promise<string | undefined> =>
  new RegExp(`^${check}\\s+: (.+)$`, 'm').exec(await mainText(page))?.[1];

const expectChecks = async (page: ForeignPage) => {
  await pollUntil('the engine is fine', async () => (await stateOf(page, 'Reading engine')) === 'fine');
  await pollUntil('the page is fine', async () => (await stateOf(page, 'Page')) === 'fine', 90_000);
  const text = await mainText(page);
  if (text.includes(': needs attention')) throw new Error(`nothing is wrong, but Health says:\n${text}`);
  // Twice as long as the page's own timer takes, so that one of its ticks is late by more than the limit.
  await page.evaluate(
    '(() => { const end = performance.now() + 1_000; while (performance.now() < end); })()',
  );
  await pollUntil('a busy page is seen', async () => (await stateOf(page, 'Page')) === 'could be better');
};

const expectCharts = async (page: ForeignPage) => {
  await openPart(page, 'Charts');
  await pollUntil('the chart of jobs is drawn', async () =>
    Boolean(
      await page.evaluate(
        `[...document.querySelectorAll('[role=img]')].some((one) => /^done: now/.test(one.getAttribute('aria-label')))`,
      ),
    ),
  );
};

const expectTrace = async (page: ForeignPage) => {
  await openPart(page, 'Traces');
  await pollUntil('the job’s trace is listed', async () => /^job\b/m.test(await mainText(page)));
};

/** Bytes of a saved file, after a look at its first ones. */
const expectFile = async (page: ForeignPage): Promise<number> => {
  await openPart(page, 'Reports');
  await page.evaluate(`(() => {
    const make = URL.createObjectURL;
    URL.createObjectURL = (blob) => { globalThis.saved = blob; return make.call(URL, blob); };
  })()`);
  await press(page, /^SQLite/, 'label');
  await press(page, /^Compressed/, 'label');
  await press(page, /^Save$/);
  await pollUntil('the file is made', async () =>
    Boolean(await page.evaluate('globalThis.saved !== undefined')),
  );
  const head = String(await page.evaluate('saved.slice(0, 15).text()'));
  if (head !== 'SQLite format 3') throw new Error(`what was saved begins with ${JSON.stringify(head)}`);
  return Number(await page.evaluate('saved.size'));
};
