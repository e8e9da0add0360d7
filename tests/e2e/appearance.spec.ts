import { submitFiles, waitForJobEnd, waitForOthers } from '../../scripts/lib/village.ts';
import { corpusPage, expect, goTo, test } from './fixtures.ts';

const screens = ['Read', 'Swarm', 'Models', 'This device', 'Receipts', 'Wallet', 'Health'] as const;

test('who asked for less motion sees none', async ({ village }) => {
  const page = await village.open();
  await village.open();
  await waitForOthers(page, 1);
  await page.emulateMedia({ reducedMotion: 'reduce' });
  await submitFiles(page, [corpusPage('clean-receipt-narrow').path]);
  const moving = () =>
    page.evaluate(() =>
      document
        .getAnimations()
        .filter(({ playState, effect }) => {
          const { duration, iterations } = effect?.getComputedTiming() ?? {};
          return (
            playState === 'running' && (Number(duration) > 100 || iterations === Number.POSITIVE_INFINITY)
          );
        })
        .map((animation) => (animation as CSSAnimation).animationName),
    );
  await expect.poll(moving).toEqual([]);
  await waitForJobEnd(page, 60_000);
  for (const screen of screens) {
    await goTo(page, screen);
    await expect.poll(moving, screen).toEqual([]);
  }
});

test('light and dark follow the system until the person chooses, and the choice stays', async ({
  village,
}) => {
  const page = await village.open();
  const brightness = () =>
    page.evaluate(() => {
      const [red = 0, green = 0, blue = 0] =
        getComputedStyle(document.body)
          .backgroundColor.match(/[\d.]+/g)
          ?.map(Number) ?? [];
      return red + green + blue;
    });
  await page.emulateMedia({ colorScheme: 'light' });
  const day = await brightness();
  await page.emulateMedia({ colorScheme: 'dark' });
  await expect.poll(brightness).toBeLessThan(day / 2);

  await page.getByRole('button', { name: 'Theme: as the system' }).click();
  await expect.poll(brightness).toBe(day);
  await page.reload();
  await expect(page.getByRole('button', { name: 'Theme: dawn' })).toBeVisible();
  expect(await brightness()).toBe(day);
});

test('a job fits on a phone, each of its parts', async ({ village }) => {
  const page = await village.open({ viewport: { width: 360, height: 780 }, consent: 'This device only' });
  await submitFiles(page, [corpusPage('clean-receipt-narrow').path]);
  await waitForJobEnd(page, 60_000);
  for (const part of ['Page', 'Text', 'Who did what']) {
    await page.getByRole('tab', { name: part }).click();
    await expect(page.getByRole('tabpanel')).toBeVisible();
    const beyond = await page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    expect(beyond, part).toBeLessThanOrEqual(0);
  }
});
