import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright';
import { test } from 'playwright/test';
import { newLink, openBrowser, openTab, startHost } from '../../scripts/lib/village.ts';
import { corpusPage, expect, goTo, watchConsole } from './fixtures.ts';

const restoreAccount = async (page: Page, key: string) => {
  await goTo(page, 'This device');
  await page.getByRole('button', { name: 'Restore an account' }).click();
  await page.getByLabel('Recovery key').fill(key);
  await Promise.all([
    page.waitForEvent('load'),
    page.getByRole('button', { name: 'Restore account' }).click(),
  ]);
};
const work = (page: Page) => page.getByRole('region', { name: 'Public work' });
/** It shows what is kept: that takes a moment. */
const switchTo = async (page: Page, on: boolean) => {
  await work(page).getByRole('switch').click();
  await expect(work(page).getByRole('switch')).toBeChecked({ checked: on });
};

test('the host lists its pages; a newcomer reads one with it, and both earn', async () => {
  test.setTimeout(240_000);
  const folder = mkdtempSync(join(tmpdir(), 'public-work-'));
  const pages = join(folder, 'old-letters');
  mkdirSync(pages);
  for (const name of ['outside-outside-1', 'outside-outside-2', 'outside-outside-3'])
    copyFileSync(corpusPage(name).path, join(pages, `${name}.png`));
  const host = await startHost({ ledger: { folder, epochSeconds: 8 }, publicWork: [pages] });
  const shared = await openBrowser();
  const problems: string[] = [];
  try {
    const link = newLink(host.url);
    const owner = await openTab(shared.browser, link, { cores: 1 });
    watchConsole(owner, problems);
    await restoreAccount(owner, readFileSync(join(folder, 'ledger/host-recovery-key.txt'), 'utf8').trim());
    await goTo(owner, 'Wallet');
    await work(owner).getByLabel('Title').fill('Old letters');
    await work(owner).getByRole('button', { name: 'List the pages this host offers' }).click();
    await expect(work(owner).getByText('Proposed.')).toBeVisible({ timeout: 60_000 });
    await expect(work(owner).getByText('0 of 3 pages read and accepted')).toBeVisible({ timeout: 30_000 });

    const ana = await openTab(shared.browser, link, { cores: 1 });
    watchConsole(ana, problems);
    await goTo(ana, 'Wallet');
    await switchTo(ana, true);
    await switchTo(owner, true);
    await expect(work(ana).getByText(/after \d+ more accepted pages/)).toBeVisible({ timeout: 120_000 });
    await expect(work(owner).getByText(/[123] of 3 pages read and accepted/)).toBeVisible({
      timeout: 60_000,
    });

    await switchTo(ana, false);
    await ana.reload();
    await goTo(ana, 'Wallet');
    await expect(work(ana).getByRole('switch')).not.toBeChecked();
  } finally {
    await shared.close();
    await host.close();
    rmSync(folder, { recursive: true, force: true });
  }
  expect(problems).toEqual([]);
});
