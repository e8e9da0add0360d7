import { appendFile, cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { clientFolder, openTab, startHost } from '../../scripts/lib/village.ts';
import { expect, test } from './fixtures.ts';

test('a new version waits until the person agrees', async ({ village }) => {
  const folder = await mkdtemp(join(tmpdir(), 'aivillage-client-'));
  await cp(clientFolder, folder, { recursive: true });
  const context = await village.newContext();
  const first = await startHost({ clientFolder: folder });
  try {
    const page = await openTab(context.browser()!, first.link, { context });
    await page.evaluate(() => navigator.serviceWorker.ready);
    await first.close();

    await appendFile(join(folder, 'service-worker.js'), '\n// the next version\n');
    const second = await startHost({ clientFolder: folder, port: first.port });
    try {
      await page.evaluate(async () => void (await navigator.serviceWorker.getRegistration())?.update());
      const notice = page.getByText('A new version is ready.');
      await expect(notice).toBeVisible({ timeout: 30_000 });
      const waiting = () =>
        page.evaluate(async () => (await navigator.serviceWorker.getRegistration())?.waiting !== null);
      expect(await waiting()).toBe(true);

      await Promise.all([
        page.waitForEvent('load'),
        page.getByRole('button', { name: 'Update and reload' }).click(),
      ]);
      await expect(page.getByRole('navigation', { name: 'Screens' })).toBeVisible();
      expect(await waiting()).toBe(false);
      await expect(notice).toHaveCount(0);
    } finally {
      await second.close();
    }
  } finally {
    await context.close();
    await rm(folder, { recursive: true, force: true });
  }
});
