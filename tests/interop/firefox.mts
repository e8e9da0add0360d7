import { existsSync } from 'node:fs';
import type { Page } from 'playwright';
import puppeteer, { type Page as FirefoxPage } from 'puppeteer-core';
import {
  openBrowser,
  openTab,
  root,
  startHost,
  submitFiles,
  waitForJobEnd,
} from '../../scripts/lib/village.ts';
import { type Evaluate, pollUntil, talk, waitForWay } from './tools.mts';

const firefoxPath = () =>
  [process.env['FIREFOX_PATH'], '/usr/bin/firefox', '/usr/bin/firefox-esr'].find(
    (path) => path !== undefined && existsSync(path),
  );
const sample = `${root}public/samples/letter.png`;

const answerInFirefox = async (page: FirefoxPage, consent: string): Promise<void> => {
  await pollUntil(`Firefox asks for consent (${consent})`, async () =>
    Boolean(
      await page.evaluate(
        `(() => { const button = [...document.querySelectorAll('button')].find((one) => one.textContent.trim().startsWith(${JSON.stringify(consent)})); button?.click(); return button !== undefined; })()`,
      ),
    ),
  );
};

/** A page read for somebody by the other browser alone: links carry images one way and text the other. */
const readInChromium = async (page: Page): Promise<string> => {
  await submitFiles(page, [sample]);
  await waitForJobEnd(page, 180_000);
  return String(await page.evaluate('document.querySelector("main").innerText'));
};

/** The job's page says how many lines were read, and who did what. */
const expectHelp = async (text: string, evaluate: Evaluate): Promise<string> => {
  const helper = String(await evaluate('aivillage.p2p.discoverPeers()[0].about.name'));
  const lines = /(\d+) lines read in/.exec(text)?.[1];
  const share = new RegExp(`${helper}\\s+(\\d+)`).exec(text)?.[1];
  if (lines === undefined || share === undefined) throw new Error(`${helper} has read nothing:\n${text}`);
  return `${share} of ${lines} lines`;
};

/** Chromium and Firefox in one room: each joins a room the other opened, both talk, and each reads a page for the other. */
export const firefox = async (): Promise<string> => {
  const executablePath = firefoxPath();
  if (!executablePath) return 'skipped: no Firefox here (FIREFOX_PATH names one)';
  const host = await startHost();
  const chromium = await openBrowser();
  const firefoxBrowser = await puppeteer.launch({
    browser: 'firefox',
    executablePath,
    headless: true,
    // Names instead of addresses need a multicast DNS, which containers lack.
    extraPrefsFirefox: {
      'media.peerconnection.ice.obfuscate_host_addresses': false,
      'media.peerconnection.ice.loopback': true,
    },
  });
  const done: string[] = [];
  try {
    for (const first of ['firefox', 'chromium'] as const) {
      const link = `${host.url}/#room=${first === 'firefox' ? 'A'.repeat(22) : `${'B'.repeat(21)}A`}`;
      const context = await firefoxBrowser.createBrowserContext();
      const there = await context.newPage();
      const inFirefox = (expression: string) => there.evaluate(expression);
      const openFirefox = async () => {
        await there.goto(link);
        await answerInFirefox(there, first === 'firefox' ? 'Share only' : 'Use only');
      };
      const openChromium = () =>
        openTab(chromium.browser, link, { consent: first === 'firefox' ? 'Use only' : 'Share only' });
      if (first === 'firefox') await openFirefox();
      const here = await openChromium();
      if (first === 'chromium') await openFirefox();
      const inChromium = (expression: string) => here.evaluate(expression);
      await waitForWay('Chromium', inChromium, 'direct');
      await waitForWay('Firefox', inFirefox, 'direct');
      await talk(inChromium, inFirefox);
      if (first === 'firefox')
        done.push(`Firefox read ${await expectHelp(await readInChromium(here), inChromium)} for Chromium`);
      else done.push(`Chromium read ${await expectHelp(await readInFirefox(there), inFirefox)} for Firefox`);
      await here.context().close();
      await context.close();
    }
  } finally {
    await firefoxBrowser.close();
    await chromium.close();
    await host.close();
  }
  return done.join(', ');
};

const readInFirefox = async (page: FirefoxPage): Promise<string> => {
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
  const text = () => page.evaluate(`document.querySelector('main').innerText`);
  await pollUntil('the job ends', async () => /lines read in/.test(String(await text())), 180_000);
  return String(await text());
};
