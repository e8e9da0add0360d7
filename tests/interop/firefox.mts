import type { Page } from 'playwright';
import { openBrowser, openTab, startHost, submitFiles, waitForJobEnd } from '../../scripts/lib/village.ts';
import {
  answerInFirefox,
  firefoxPath,
  launchFirefox,
  noFirefox,
  readInFirefox,
  sample,
} from './firefoxPage.mts';
import { type Evaluate, talk, waitForWay } from './tools.mts';

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
  if (!executablePath) return noFirefox;
  const host = await startHost();
  const chromium = await openBrowser();
  const firefoxBrowser = await launchFirefox(executablePath);
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
