import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BrowserContext, Page } from 'playwright';
import { test as base } from 'playwright/test';
import {
  type BrowserProcess,
  downloadedText,
  type Host,
  newLink,
  openBrowser,
  openTab,
  startHost,
  waitForJobEnd,
  waitForOthers,
} from '../../scripts/lib/village.ts';
import { corpusPage, expect, goTo, watchConsole } from './fixtures.ts';

/** Short, so that what an epoch decides is seen. */
const epochSeconds = 6;

type Bank = {
  readonly host: Host;
  readonly hostKey: string;
  /** A device of its own unless a context is given. */
  open(link: string, context?: BrowserContext): Promise<Page>;
};

const test = base.extend<{ bank: Bank }, { shared: BrowserProcess }>({
  shared: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the pattern to know what a fixture needs
    async ({}, use) => {
      const shared = await openBrowser();
      await use(shared);
      await shared.close();
    },
    { scope: 'worker' },
  ],
  bank: async ({ shared }, use) => {
    const folder = mkdtempSync(join(tmpdir(), 'ledger-'));
    const host = await startHost({ ledger: { folder, epochSeconds } });
    const problems: string[] = [];
    const contexts: BrowserContext[] = [];
    await use({
      host,
      hostKey: readFileSync(join(folder, 'ledger/host-recovery-key.txt'), 'utf8').trim(),
      async open(link, context) {
        const own = context ?? (await shared.browser.newContext({ viewport: { width: 1280, height: 900 } }));
        if (!context) {
          contexts.push(own);
          own.on('page', (page) => watchConsole(page, problems));
        }
        return openTab(shared.browser, link, { context: own });
      },
    });
    await Promise.all(contexts.map((context) => context.close()));
    await host.close();
    rmSync(folder, { recursive: true, force: true });
    expect(problems).toEqual([]);
  },
});

const tab = (page: Page, name: 'Wallet' | 'Market' | 'Votes' | 'Ledger') =>
  page.getByRole('tab', { name, exact: true }).click();
const openWallet = async (page: Page) => {
  await goTo(page, 'Wallet');
  await expect(page.getByText('Balance', { exact: true })).toBeVisible({ timeout: 20_000 });
};
const balance = (page: Page) => page.locator('.purse-figure');

/** As a person does it who has the paper with the key. */
const restoreAccount = async (page: Page, key: string) => {
  await goTo(page, 'This device');
  await page.getByRole('button', { name: 'Restore an account' }).click();
  await page.getByLabel('Recovery key').fill(key);
  await Promise.all([
    page.waitForEvent('load'),
    page.getByRole('button', { name: 'Restore account' }).click(),
  ]);
};

/** The host decides alone while nobody holds much: with the epoch's end the money is there. */
const grantItself = async (page: Page, account: string, amount: string) => {
  await tab(page, 'Votes');
  await page.getByRole('button', { name: 'Propose', exact: true }).click();
  await page.getByRole('radio', { name: 'Grant' }).check();
  await page.getByLabel('To', { exact: true }).fill(account);
  await page.getByLabel('Amount in VC').fill(amount);
  await page.getByLabel('Why').fill('To begin with');
  await page.getByRole('button', { name: 'Go on' }).click();
  await page.getByRole('button', { name: 'Propose it' }).click();
  await tab(page, 'Wallet');
};

const ownAccount = async (page: Page): Promise<string> => {
  await tab(page, 'Wallet');
  await page.getByRole('button', { name: 'Receive', exact: true }).click();
  const text = await page.getByLabel('Your account id').inputValue();
  await page.keyboard.press('Escape');
  return text.trim();
};

const send = async (page: Page, to: string, amount: string) => {
  await page.getByRole('button', { name: 'Send', exact: true }).click();
  await page.getByLabel('To', { exact: true }).fill(to);
  await page.getByLabel('Amount in VC').fill(amount);
  await page.getByLabel('Note (not needed)').fill('for tea');
  await page.getByRole('button', { name: 'Go on' }).click();
  await page.getByRole('button', { name: /^Send [\d.]+/ }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Close' }).first().click();
};

test('money goes from the treasury to the host and from there to a friend, who finds it after a reload, checks it, and takes the wallet to another device', async ({
  bank,
}) => {
  const link = newLink(bank.host.url);
  const host = await bank.open(link);
  await restoreAccount(host, bank.hostKey);
  await openWallet(host);
  await grantItself(host, await ownAccount(host), '500');
  await expect(balance(host)).toHaveText(/^500/, { timeout: 30_000 });

  const friend = await bank.open(link);
  await openWallet(friend);
  await send(host, await ownAccount(friend), '12.5');
  await expect(balance(friend)).toHaveText(/^12\.5/, { timeout: 15_000 });
  await expect(balance(host)).toHaveText(/^487\.499/);
  await friend.reload();
  await openWallet(friend);
  await expect(balance(friend)).toHaveText(/^12\.5/);

  // The payment, opened and checked again in this browser.
  await friend.getByRole('region', { name: 'History' }).getByRole('button').first().click();
  const dialog = friend.getByRole('dialog');
  await expect(dialog).toContainText('Send 12.5');
  await dialog.getByRole('button', { name: 'Verify here' }).click();
  await expect(dialog.getByText('Everything holds.')).toBeVisible();
  const [download] = await Promise.all([
    friend.waitForEvent('download'),
    dialog.getByRole('button', { name: /JSON/ }).click(),
  ]);
  expect(JSON.parse(await downloadedText(download))).toMatchObject({
    operation: { kind: 'transfer', body: { amount: 12_500_000, memo: 'for tea' } },
  });
  await friend.keyboard.press('Escape');

  // Its owner signs something here, then takes the wallet along with the recovery key.
  await tab(friend, 'Wallet');
  await send(friend, await ownAccount(host), '1');
  await expect(balance(friend)).toHaveText(/^11\.499/, { timeout: 15_000 });
  await friend.getByRole('button', { name: 'Show recovery key' }).click();
  const paper = (await friend.getByRole('dialog').locator('.recovery-key').textContent()) ?? '';
  await friend.context().close();
  const elsewhere = await bank.open(link);
  await restoreAccount(elsewhere, paper);
  await openWallet(elsewhere);
  await expect(balance(elsewhere)).toHaveText(/^11\.499/);
  await elsewhere.getByRole('button', { name: 'Move the wallet here' }).click();
  await elsewhere.getByLabel('Recovery key').fill(paper);
  await elsewhere.getByRole('dialog').getByRole('button', { name: /^Move/ }).click();
  await elsewhere.getByRole('button', { name: 'Send', exact: true }).isEnabled();
  await expect(elsewhere.getByRole('button', { name: 'Move the wallet here' })).toBeHidden({
    timeout: 15_000,
  });
  await send(elsewhere, await ownAccount(host), '2');
  await expect(balance(elsewhere)).toHaveText(/^9\.498/, { timeout: 15_000 });
});

test('a page is read for a budget: what it will cost is said, the reader is chosen and paid, and the rest comes back', async ({
  bank,
}) => {
  test.setTimeout(150_000);
  const link = newLink(bank.host.url);
  const host = await bank.open(link);
  await restoreAccount(host, bank.hostKey);
  await openWallet(host);
  await grantItself(host, await ownAccount(host), '100');
  await expect(balance(host)).toHaveText(/^100/, { timeout: 30_000 });
  const reader = await bank.open(link);
  await Promise.all([waitForOthers(host, 1), waitForOthers(reader, 1)]);

  // Nothing was read here, so nothing is promised; a page read for nothing is what the next estimate rests on.
  await goTo(host, 'Read');
  const page = corpusPage('clean-cards').path;
  await host.getByLabel('Image files').setInputFiles(page);
  await expect(host.getByText(/^What this page will cost isn’t known yet/)).toBeVisible();
  await host.getByRole('switch', { name: 'This device only' }).check();
  await host.getByRole('button', { name: /^Read 1 page/ }).click();
  await waitForJobEnd(host, 90_000);

  await goTo(host, 'Read');
  await host.getByLabel('Image files').setInputFiles(page);
  await host.getByRole('switch', { name: 'This device only' }).uncheck();
  const estimate = host.getByText(/^1 page should cost [\d.]+.VC if others read it/);
  await expect(host.getByText(/From the one page read here lately/)).toBeVisible();
  const expected = /cost ([\d.]+.VC)/.exec((await estimate.textContent()) ?? '')?.[1] ?? 'nothing';
  await host.getByLabel('Budget in VC').fill('0.0001');
  await expect(host.getByText(/Less than the pages should cost/)).toBeVisible();
  await host.getByLabel('Budget in VC').fill('20');
  await host.getByRole('radio', { name: 'Reliable' }).check();
  await host.getByRole('button', { name: /^Read 1 page/ }).click();
  await waitForJobEnd(host, 90_000);
  const payment = host.getByRole('region', { name: 'What it cost' });
  await expect(payment).toContainText(`Estimated${expected}`);
  await expect(payment).toContainText('Asked firstReliable');
  await expect(payment.getByRole('listitem')).toContainText('Meant to do 100 %: new to you');
  await expect(payment).toContainText(/Paid(?!0.VC)[\d.]+.VCof .*set aside\. The rest/, { timeout: 20_000 });
  await openWallet(reader);
  await expect(balance(reader)).not.toHaveText(/^0(?![.\d])/, { timeout: 20_000 });
  // What was locked beyond that is back when the workers had time to object.
  await openWallet(host);
  await expect(balance(host)).toHaveText(/^9\d/, { timeout: 60_000 });
});
