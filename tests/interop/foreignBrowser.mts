/** Browsers as people have them, which Playwright can't drive: its Firefox and WebKit are builds of its own. */
import { root } from '../../scripts/lib/village.ts';
import { type Evaluate, pollUntil } from './tools.mts';

export type ForeignBrowser = {
  readonly name: string;
  /** A page with a storage of its own. */
  open(url: string): Promise<ForeignPage>;
  close(): Promise<void>;
};
export type ForeignPage = {
  /** Text of an expression; a promise is awaited, what comes back is JSON. */
  readonly evaluate: Evaluate;
  /** Puts a file into the first place for files. */
  upload(path: string): Promise<void>;
  reload(): Promise<void>;
  /** What the page has thrown and nobody caught, since it was opened or loaded again. */
  errors(): Promise<readonly string[]>;
  close(): Promise<void>;
};

export const sample = `${root}public/samples/letter.png`;

/** Presses the first thing whose words match; false: there is none. */
const pressMatch = async ({ evaluate }: ForeignPage, words: RegExp, what: string): Promise<boolean> =>
  Boolean(
    await evaluate(
      `(() => { const found = [...document.querySelectorAll(${JSON.stringify(what)})].find((one) => ${words}.test(one.textContent.trim())); found?.click(); return found !== undefined; })()`,
    ),
  );
export const press = (page: ForeignPage, words: RegExp, what = 'button'): Promise<void> =>
  pollUntil(`${words} can be pressed`, () => pressMatch(page, words, what));

export const mainText = async ({ evaluate }: ForeignPage): Promise<string> =>
  String(await evaluate(`document.querySelector('main').innerText`));

/** The sample read; resolves with what its job says. */
export const readSample = async (page: ForeignPage): Promise<string> => {
  await press(page, /^Read$/);
  await pollUntil('there is a place for files', async () =>
    Boolean(await page.evaluate(`document.querySelector('input[type=file]') !== null`)),
  );
  await page.upload(sample);
  await press(page, /^Read (\d+ pages?|the page|this page)$/);
  await pollUntil('the job ends', async () => /lines read in/.test(await mainText(page)), 180_000);
  return mainText(page);
};
