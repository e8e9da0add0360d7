import { randomBytes } from 'node:crypto';
import { encode } from 'fast-png';
import type { BrowserContext } from 'playwright';
import { exportJob, submitFiles, waitForJobEnd, waitForOthers } from '../../scripts/lib/village.ts';
import { corpusPage, expect, expectWholeText, goTo, renderPng, test } from './fixtures.ts';
import { fact, healthCheck, printedLines } from './page.ts';

const sentence = 'Seven boats left at noon';
const drawSentence = async (shared: Parameters<typeof renderPng>[0]) => ({
  name: 'boats.png',
  mimeType: 'image/png',
  buffer: await renderPng(shared, printedLines([sentence]), 460, 64),
});

test('a clock that is an hour off changes nothing', async ({ village, shared }) => {
  const context = await village.newContext();
  await context.addInitScript(() => {
    const now = Date.now.bind(Date);
    Date.now = () => now() + 3_600_000;
  });
  const early = await village.open({ context });
  const right = await village.open();
  await Promise.all([waitForOthers(early, 1), waitForOthers(right, 1)]);
  await submitFiles(early, [await drawSentence(shared)]);
  await waitForJobEnd(early, 60_000);
  expect((await exportJob(early)).files[0]?.text.trim()).toBe(sentence);
});

test('a model with one flipped byte is refused, and said', async ({ village, shared }) => {
  const context = await village.newContext();
  await context.route(/rec_infer.*\.onnx/, async (route) => {
    const response = await route.fetch();
    const body = await response.body();
    body[1_000_000]! ^= 1;
    await route.fulfill({ response, body });
  });
  const page = await village.open({ context, consent: 'This device only' });
  await submitFiles(page, [await drawSentence(shared)]);
  await expect(page.getByRole('main')).toContainText(/arrived damaged twice/, {
    timeout: 60_000,
  });
});

test('without threads it reads with one', async ({ village, shared }) => {
  const context = await village.newContext();
  await stripIsolation(context, village.host.url);
  const page = await village.open({ context, consent: 'This device only' });
  expect(await page.evaluate(() => crossOriginIsolated)).toBe(false);
  await submitFiles(page, [await drawSentence(shared)]);
  await waitForJobEnd(page, 60_000);
  expect((await exportJob(page)).files[0]?.text.trim()).toBe(sentence);
  await goTo(page, 'Health');
  await expect(healthCheck(page, 'Threads')).not.toContainText('fine');
});

test('when storage is full the page says so, keeps what it has, and still reads what fits', async ({
  village,
  shared,
}) => {
  const context = await village.newContext();
  // Less than the models: they can't be kept either.
  const limit = { origin: new URL(village.host.url).origin, quotaSize: 3_000_000 };
  await (await context.newCDPSession(await context.newPage())).send('Storage.overrideQuotaForOrigin', limit);
  const page = await village.open({ context, consent: 'This device only' });
  const image = await drawSentence(shared);
  await submitFiles(page, [image]);
  await waitForJobEnd(page, 60_000);
  expect((await exportJob(page)).files[0]?.text.trim()).toBe(sentence);

  await page.getByRole('button', { name: 'All jobs' }).click();
  await submitFiles(page, [{ ...image, name: 'large.png', buffer: noise(1_600, 1_200) }]);
  await expect(page.getByRole('main')).toContainText(/no room left for this site/);
  await page.reload();
  await goTo(page, 'Read');
  await expect(page.getByRole('button', { name: /^boats\.png/ })).toBeVisible();
});

test('a tab that freezes loses its tasks after three seconds of silence, and the job ends', async ({
  village,
}) => {
  const page = await village.open();
  const sleeper = await village.open();
  await waitForOthers(page, 1);
  await submitFiles(page, [corpusPage('clean-letter').path, corpusPage('clean-novel').path]);
  await goTo(sleeper, 'Swarm');
  await expect(sleeper.getByRole('table')).toContainText('of its here', { timeout: 60_000 });
  const session = await sleeper.context().newCDPSession(sleeper);
  await session.send('Page.setWebLifecycleState', { state: 'frozen' });
  await waitForJobEnd(page, 90_000);
  const job = await exportJob(page);
  expect(job.state).toBe('done');
  for (const name of ['clean-letter', 'clean-novel']) {
    const file = job.files.find((one) => one.file === `${name}.png`);
    expectWholeText(file?.text ?? '', corpusPage(name).text);
  }
  await session.send('Page.setWebLifecycleState', { state: 'active' });
});

test('every field of a device that a browser does not report is called so', async ({ village }) => {
  const context = await village.newContext();
  await context.addInitScript(() => {
    for (const name of ['deviceMemory', 'connection', 'getBattery', 'storage'])
      Object.defineProperty(Navigator.prototype, name, { get: () => undefined });
  });
  const page = await village.open({ context });
  await goTo(page, 'This device');
  for (const term of ['Memory', 'Battery', 'Network', 'Storage'])
    await expect(fact(page, term)).toHaveText('not reported');
});

/** A picture that no compression makes small. */
const noise = (width: number, height: number): Buffer =>
  Buffer.from(encode({ width, height, channels: 3, data: randomBytes(width * height * 3) }));

/** As a host without the two headers would serve it. */
const stripIsolation = (context: BrowserContext, url: string) =>
  context.route(`${url}/**`, async (route) => {
    const response = await route.fetch();
    const headers = response.headers();
    delete headers['cross-origin-opener-policy'];
    delete headers['cross-origin-embedder-policy'];
    await route.fulfill({ response, headers });
  });
