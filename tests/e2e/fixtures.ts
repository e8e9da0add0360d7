import { readFileSync } from 'node:fs';
import type { BrowserContext, Page } from 'playwright';
import { test as base, expect } from 'playwright/test';
import { comparable, editDistance } from '../../bench/ocr/score.ts';
import {
  type BrowserProcess,
  type Host,
  openBrowser,
  openTab,
  root,
  startHost,
  type TabOptions,
} from '../../scripts/lib/village.ts';

export { expect };

/** A page of the OCR corpus with its known text. */
export const corpusPage = (name: string) => ({
  path: `${root}bench/ocr/corpus/${name}.png`,
  text: readFileSync(`${root}bench/ocr/corpus/${name}.txt`, 'utf8').trim(),
});

type Village = {
  readonly host: Host;
  /** A tab in this test's room: a device of its own unless a context is given. */
  open(options?: TabOptions & { readonly in?: BrowserProcess }): Promise<Page>;
  /** A browser process of its own, to be killed. */
  openProcess(options?: { readonly gpu?: boolean }): Promise<BrowserProcess>;
  newContext(): Promise<BrowserContext>;
};

type WorkerFixtures = { readonly host: Host; readonly shared: BrowserProcess };

/** What a page must never say: errors, and anything the content policy forbade. */
export const watchConsole = (page: Page, found: string[]): void => {
  page.on('pageerror', (cause) => found.push(`page error: ${cause.message}`));
  page.on('console', (message) => {
    if (message.type() === 'error' && !isExpected(message.text())) found.push(message.text());
  });
};

/** Offline tests and bad network on purpose. */
const isExpected = (text: string) =>
  /ERR_INTERNET_DISCONNECTED|ERR_FAILED|WebSocket connection to|No available adapters/.test(text);

export const test = base.extend<{ village: Village }, WorkerFixtures>({
  host: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the pattern to know what a fixture needs
    async ({}, use) => {
      const host = await startHost();
      await use(host);
      await host.close();
    },
    { scope: 'worker' },
  ],
  shared: [
    // biome-ignore lint/correctness/noEmptyPattern: as above
    async ({}, use) => {
      const shared = await openBrowser();
      await use(shared);
      await shared.close();
    },
    { scope: 'worker' },
  ],
  village: async ({ host, shared }, use) => {
    const link = `${host.url}/#room=${Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString('base64url')}`;
    const processes: BrowserProcess[] = [];
    const contexts = new Set<BrowserContext>();
    const problems: string[] = [];
    await use({
      host: { ...host, link },
      newContext: async () => {
        const context = await shared.browser.newContext();
        contexts.add(context);
        return context;
      },
      async openProcess(options) {
        const process = await openBrowser(options);
        processes.push(process);
        return process;
      },
      async open(options = {}) {
        const browser = (options.in ?? shared).browser;
        const context =
          options.context ??
          (await browser.newContext({ viewport: options.viewport ?? { width: 1280, height: 900 } }));
        if (!options.in) contexts.add(context);
        context.on('page', (page) => watchConsole(page, problems));
        return openTab(browser, link, { ...options, context });
      },
    });
    await Promise.all([...contexts].map((context) => context.close()));
    await Promise.all(processes.map((process) => process.close().catch(() => {})));
    expect(problems).toEqual([]);
  },
});

/** A picture of HTML, as a scan of it would be. */
export const renderPng = async (
  shared: BrowserProcess,
  html: string,
  width: number,
  height: number,
): Promise<Buffer> => {
  const page = await shared.browser.newPage({ viewport: { width, height } });
  await page.setContent(`<body style="margin:0;background:#fff">${html}</body>`);
  const png = await page.screenshot({ type: 'png' });
  await page.close();
  return png;
};

export type Screen = 'Read' | 'Swarm' | 'Models' | 'This device' | 'Receipts' | 'Wallet' | 'Health';

export const goTo = (page: Page, screen: Screen) =>
  page
    .getByRole('navigation', { name: 'Screens' })
    .getByRole('button', { name: screen, exact: true })
    .click();

const lineCount = (text: string) => text.split('\n').filter((line) => line.trim() !== '').length;

/**
 * Every line, once and in order. Single characters may differ: how well print is read is measured by the bench, and
 * what a test of failover must notice is a line that is missing or stands twice.
 */
export const expectWholeText = (text: string, truth: string): void => {
  expect(lineCount(text)).toBe(lineCount(truth));
  expect(editDistance(comparable(truth), comparable(text))).toBeLessThan(comparable(truth).length / 100);
};
