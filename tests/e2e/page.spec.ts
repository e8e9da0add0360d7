import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openTab, startHost, submitFiles, waitForJobEnd } from '../../scripts/lib/village.ts';
import { expect, goTo, renderPng, test } from './fixtures.ts';

const screens = ['Read', 'Swarm', 'Models', 'This device', 'Receipts', 'Wallet', 'Health'] as const;

for (const [width, height] of [
  [360, 780],
  [1440, 900],
] as const) {
  test(`every screen fits at ${width} px`, async ({ village }) => {
    const page = await village.open({ viewport: { width, height } });
    for (const screen of screens) {
      await goTo(page, screen);
      await expect(page.getByRole('heading').first()).toBeVisible();
      const beyond = await page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
      expect(beyond, screen).toBeLessThanOrEqual(0);
    }
  });
}

test('every screen can be reached by keyboard alone', async ({ village }) => {
  const page = await village.open();
  await page.locator('body').press('Tab');
  await expect(page.getByRole('button', { name: 'Skip to content' })).toBeFocused();
  for (const screen of screens) {
    const button = page
      .getByRole('navigation', { name: 'Screens' })
      .getByRole('button', { name: screen, exact: true });
    for (let i = 0; i < 40 && !(await button.evaluate((node) => node === document.activeElement)); i++) {
      await page.keyboard.press('Tab');
    }
    await expect(button).toBeFocused();
    await page.keyboard.press('Enter');
    await expect(button).toHaveAttribute('aria-current', 'page');
  }
});

test('the page opens without a network and still reads alone', async ({ village, shared }) => {
  const context = await village.newContext();
  const page = await village.open({ context, consent: 'This device only' });
  const line = await renderPng(
    shared,
    '<p style="font:28px serif;margin:12px">Read without a net</p>',
    460,
    64,
  );
  const submit = async (name: string) => {
    await submitFiles(page, [{ name, mimeType: 'image/png', buffer: line }] as never);
    await waitForJobEnd(page, 80_000);
  };
  await page.evaluate(() => navigator.serviceWorker.ready);
  await submit('online.png');
  await goTo(page, 'Health');
  await expect(page.getByText(/opens and reads without a network/)).toBeVisible({ timeout: 30_000 });
  await context.setOffline(true);
  await page.reload();
  await goTo(page, 'Read');
  await expect(page.getByRole('navigation', { name: 'Screens' })).toBeVisible();
  await submit('offline.png');
  await expect(page.getByText('Read without a net').first()).toBeVisible();
});

test('a device that does not trust the host is told what that costs and where the steps are', async ({
  shared,
}) => {
  const folder = await mkdtemp(join(tmpdir(), 'aivillage-'));
  const host = await startHost({ tlsFolder: folder });
  const context = await shared.browser.newContext({ ignoreHTTPSErrors: true });
  try {
    expect(host.url).toMatch(/^https:/);
    const page = await openTab(shared.browser, host.link, { context });
    await goTo(page, 'This device');
    const asApp = page.getByRole('region', { name: 'As an app' });
    await expect(asApp).toContainText('does not trust the host’s certificate yet');
    await expect(asApp).toContainText('/trust');
    const steps = await context.newPage();
    await steps.goto(`${host.url}/trust`);
    await expect(steps.getByRole('link', { name: /certificate/i }).first()).toHaveAttribute(
      'href',
      '/ca.crt',
    );
  } finally {
    await context.close();
    await host.close();
    await rm(folder, { recursive: true });
  }
});

test('the page is isolated, and installable', async ({ village }) => {
  const page = await village.open();
  expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
  const manifest = await (await page.request.get(`${village.host.url}/manifest.webmanifest`)).json();
  expect(manifest).toMatchObject({ display: 'standalone', start_url: '/' });
  for (const { src } of manifest.icons) {
    expect((await page.request.get(`${village.host.url}${src}`)).status(), src).toBe(200);
  }
});

test('a part that can not be drawn costs itself alone', async ({ host, shared }) => {
  // Not one of the village's: its pages must never say what this one says.
  const context = await shared.browser.newContext();
  // A language that is none: the library of the charts throws at it.
  await context.addInitScript(() => {
    Object.defineProperty(navigator, 'language', { get: () => 'C' });
  });
  const page = await openTab(shared.browser, host.link, { context, consent: 'This device only' });
  await goTo(page, 'Health');
  await page.getByRole('tab', { name: 'Charts' }).click();
  await expect(page.getByText('This part of the page could not be drawn')).toBeVisible();
  await page.getByRole('tab', { name: 'Log' }).click();
  await expect(page.getByRole('searchbox', { name: 'Search the log' })).toBeVisible();
  await context.close();
});
