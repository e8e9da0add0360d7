/** A page in Firefox, driven over WebDriver BiDi: Playwright's Firefox is a build of its own that has to be downloaded. */
import { existsSync } from 'node:fs';
import puppeteer, { type Browser, type Page } from 'puppeteer-core';
import { root } from '../../scripts/lib/village.ts';
import { pollUntil } from './tools.mts';

export const sample = `${root}public/samples/letter.png`;
export const noFirefox = 'skipped: no Firefox here (FIREFOX_PATH names one)';
export const firefoxPath = () =>
  [process.env['FIREFOX_PATH'], '/usr/bin/firefox', '/usr/bin/firefox-esr'].find(
    (path) => path !== undefined && existsSync(path),
  );

export const launchFirefox = (executablePath: string): Promise<Browser> =>
  puppeteer.launch({
    browser: 'firefox',
    executablePath,
    headless: true,
    // Names instead of addresses need a multicast DNS, which containers lack.
    extraPrefsFirefox: {
      'media.peerconnection.ice.obfuscate_host_addresses': false,
      'media.peerconnection.ice.loopback': true,
    },
  });

/** Presses the first thing whose words begin so; false: there is none. */
export const pressInFirefox = async (page: Page, words: string, what = 'button'): Promise<boolean> =>
  Boolean(
    await page.evaluate(
      `(() => { const found = [...document.querySelectorAll(${JSON.stringify(what)})].find((one) => one.textContent.trim().startsWith(${JSON.stringify(words)})); found?.click(); return found !== undefined; })()`,
    ),
  );

export const textInFirefox = async (page: Page): Promise<string> =>
  String(await page.evaluate(`document.querySelector('main').innerText`));

export const answerInFirefox = (page: Page, consent: string): Promise<void> =>
  pollUntil(`Firefox asks for consent (${consent})`, () => pressInFirefox(page, consent));

/** A page read; resolves with what its job says. */
export const readInFirefox = async (page: Page): Promise<string> => {
  const input = await page.$('input[type=file]');
  if (!input) throw new Error('Firefox shows no place for image files');
  await input.uploadFile(sample);
  await pollUntil('the page can be read', async () =>
    Boolean(
      await page.evaluate(
        `(() => { const button = [...document.querySelectorAll('button')].find((one) => /^Read (\\d+ pages?|the page|this page)$/.test(one.textContent.trim())); button?.click(); return button !== undefined; })()`,
      ),
    ),
  );
  await pollUntil('the job ends', async () => /lines read in/.test(await textInFirefox(page)), 180_000);
  return textInFirefox(page);
};
