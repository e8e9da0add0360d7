import type { Page } from 'playwright';
import {
  openBrowser,
  openTab,
  root,
  startHost,
  submitFiles,
  waitForJobEnd,
} from '../../scripts/lib/village.ts';
import { type ForeignBrowser, press, readSample } from './foreignBrowser.mts';
import { type Evaluate, talk, waitForWay } from './tools.mts';

/** More than one device does at once, so that a slow one gets its share. */
const samples = ['letter', 'receipt', 'screenshot'].map((name) => `${root}public/samples/${name}.png`);

/** Pages read for this tab by both devices: links carry images one way and text the other. */
const readInChromium = async (page: Page): Promise<string> => {
  await page.getByRole('navigation').getByRole('button', { name: 'Read' }).click();
  await submitFiles(page, samples);
  await waitForJobEnd(page, 180_000);
  return String(await page.evaluate('document.querySelector("main").innerText'));
};

/** Tasks that the helper says it worked on for others; those that were done elsewhere before it had ended are among them. */
const servedBy = async (helper: Evaluate): Promise<number> =>
  Number(
    await helper(
      `aivillage.telemetry.snapshot().filter(({ key }) => /^inference_served_tasks_total{outcome="(ok|cancelled)"}$/.test(key)).reduce((sum, { value }) => sum + value, 0)`,
    ),
  );

/** The job's page says how many lines were read, and who did what. */
const linesOf = async (text: string, requester: Evaluate): Promise<string> => {
  const helper = String(await requester('aivillage.p2p.discoverPeers()[0].about.name'));
  const lines = /(\d+) lines read in/.exec(text)?.[1] ?? 'no';
  return `${new RegExp(`${helper}\\s+(\\d+)`).exec(text)?.[1] ?? 0} of ${lines} lines`;
};

/**
 * A helper on a busy machine may be slower than who asks, who then does all of it: what counts is that it did its tasks, once
 * in three jobs.
 */
const expectHelp = async (
  read: () => Promise<string>,
  requester: Evaluate,
  helper: Evaluate,
): Promise<string> => {
  for (let tries = 1; ; tries++) {
    const lines = await linesOf(await read(), requester);
    const served = await servedBy(helper);
    if (served > 0) return `${lines} (${served} tasks)`;
    if (tries === 3) throw new Error('the other device has read nothing in three jobs');
  }
};

/** Chromium and another browser in one room: each joins a room the other opened, both talk, and each reads a page for the other. */
export const meetInOneRoom = async (other: ForeignBrowser, way: 'direct' | 'carried'): Promise<string> => {
  const host = await startHost();
  const chromium = await openBrowser();
  const done: string[] = [];
  try {
    for (const first of ['other', 'chromium'] as const) {
      const link = `${host.url}/#room=${first === 'other' ? 'A'.repeat(22) : `${'B'.repeat(21)}A`}`;
      const openOther = async () => {
        const page = await other.open(link);
        await press(page, first === 'other' ? /^Share only/ : /^Use only/);
        return page;
      };
      const openChromium = () =>
        openTab(chromium.browser, link, { consent: first === 'other' ? 'Use only' : 'Share only' });
      const opened = first === 'other' ? await openOther() : undefined;
      const here = await openChromium();
      const there = opened ?? (await openOther());
      const inChromium = (expression: string) => here.evaluate(expression);
      await waitForWay('Chromium', inChromium, way);
      await waitForWay(other.name, there.evaluate, way);
      await talk(inChromium, there.evaluate);
      if (first === 'other')
        done.push(
          `${other.name} read ${await expectHelp(() => readInChromium(here), inChromium, there.evaluate)} for Chromium`,
        );
      else
        done.push(
          `Chromium read ${await expectHelp(() => readSample(there), there.evaluate, inChromium)} for ${other.name}`,
        );
      await here.context().close();
      await there.close();
    }
  } finally {
    await chromium.close();
    await host.close();
  }
  return `${done.join(', ')} (${way})`;
};
