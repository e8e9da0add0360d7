import {
  downloadedText,
  newLink,
  openTab,
  startHost,
  waitForJobEnd,
  waitForOthers,
} from '../../scripts/lib/village.ts';
import { expect, goTo, renderPng, test } from './fixtures.ts';
import { dropFile, fact, jobWorkers, printedLines } from './page.ts';

const lines = ['The lamp was lit before the ship came in', 'Nobody in the harbour knew its name'];

test('rooms do not meet, and who leaves is no longer listed', async ({ village }) => {
  const first = await village.open();
  const second = await village.open();
  const context = await village.newContext();
  const elsewhere = await openTab(context.browser()!, newLink(village.host.url), { context });
  await Promise.all([waitForOthers(first, 1), waitForOthers(second, 1), waitForOthers(elsewhere, 0)]);
  await second.close();
  await waitForOthers(first, 0);
});

test('who only uses does not work for others, and who only shares keeps its pages', async ({ village }) => {
  const user = await village.open({ consent: 'Use only' });
  const sharer = await village.open({ consent: 'Share only' });
  await waitForOthers(user, 1);
  await waitForOthers(sharer, 1);
  await goTo(user, 'Swarm');
  await expect(user.getByRole('table')).toContainText('yes');
  await expect(sharer.getByText('Only this device sees your pages, as you chose.')).toBeVisible();
  await goTo(sharer, 'Swarm');
  await expect(sharer.getByRole('table')).toContainText('no: this device works for its owner only');
});

test('a job names who will see its pages, and one kept here is seen by nobody', async ({
  village,
  shared,
}) => {
  const page = await village.open();
  const other = await village.open();
  await waitForOthers(page, 1);
  const [name = ''] = await other.locator('.topbar-self span').allInnerTexts();
  await expect(page.getByRole('list', { name: 'Devices that will see these pages' })).toContainText(name);
  await page.getByText('This device only', { exact: true }).click();
  await expect(page.getByText('These pages stay on this device.')).toBeVisible();

  const image = await renderPng(shared, printedLines(lines), 620, 120);
  await dropFile(page, 'private.png', image);
  await page.getByRole('button', { name: 'Read 1 page' }).click();
  await waitForJobEnd(page, 60_000);
  await expect(jobWorkers(page)).toHaveCount(1);
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Download text' }).click(),
  ]);
  expect(download.suggestedFilename()).toBe('private.txt');
  const text = await downloadedText(download);
  expect(text.split('\n').filter(Boolean)).toEqual(lines);
  await goTo(other, 'Health');
  await expect(fact(other, 'Done for others')).toHaveText('0');
});

test('without its server the page says so, tabs stay linked, and all join again when it is back', async ({
  village,
}) => {
  const host = await startHost();
  const contexts = [await village.newContext(), await village.newContext()];
  const [first, second] = await Promise.all(
    contexts.map((context) => openTab(context.browser()!, host.link, { context })),
  );
  await waitForOthers(first!, 1);
  // Screens that were never opened come from the service worker now.
  for (const page of [first!, second!]) await page.evaluate(() => navigator.serviceWorker.ready);
  await host.close();
  await expect(first!.locator('.room-status')).toContainText('again in', { timeout: 20_000 });
  // What tabs say to each other doesn't pass through the server.
  await goTo(first!, 'Swarm');
  await expect(first!.getByRole('table').locator('tbody').getByRole('row')).toHaveCount(1);

  const again = await startHost({ port: host.port });
  try {
    for (const page of [first!, second!]) await waitForOthers(page, 1, 40_000);
  } finally {
    await again.close();
  }
});
