import { existsSync } from 'node:fs';
import puppeteer from 'puppeteer-core';
import type { ForeignBrowser } from './foreignBrowser.mts';
import { seeHealth } from './health.mts';
import { meetInOneRoom } from './room.mts';

/** Firefox over WebDriver BiDi. */
export const firefox = async (): Promise<string> => {
  const executablePath = [process.env['FIREFOX_PATH'], '/usr/bin/firefox', '/usr/bin/firefox-esr'].find(
    (path) => path !== undefined && existsSync(path),
  );
  if (!executablePath) return 'skipped: no Firefox here (FIREFOX_PATH names one)';
  const browser = await openFirefox(executablePath);
  try {
    return [await meetInOneRoom(browser, 'direct'), await seeHealth(browser)].join('; ');
  } finally {
    await browser.close();
  }
};

const openFirefox = async (executablePath: string): Promise<ForeignBrowser> => {
  const browser = await puppeteer.launch({
    browser: 'firefox',
    executablePath,
    headless: true,
    // Names instead of addresses need a multicast DNS, which containers lack.
    extraPrefsFirefox: {
      'media.peerconnection.ice.obfuscate_host_addresses': false,
      'media.peerconnection.ice.loopback': true,
    },
  });
  return {
    name: 'Firefox',
    async open(url) {
      const context = await browser.createBrowserContext();
      const page = await context.newPage();
      let errors: string[] = [];
      page.on('pageerror', (cause) => errors.push(String(cause)));
      await page.goto(url);
      return {
        evaluate: (expression) => page.evaluate(expression),
        async upload(path) {
          const input = await page.$('input[type=file]');
          if (!input) throw new Error('Firefox shows no place for files');
          await (input as Awaited<ReturnType<typeof page.$<'input'>>>)?.uploadFile(path);
        },
        async reload() {
          errors = [];
          await page.reload();
        },
        errors: async () => errors,
        close: () => context.close(),
      };
    },
    close: () => browser.close(),
  };
};
