import { checkReceipts } from '../../scripts/lib/receipts.ts';
import {
  downloadedText,
  exportJob,
  exportReceipts,
  submitFiles,
  waitForJobEnd,
  waitForOthers,
} from '../../scripts/lib/village.ts';
import { corpusPage, expect, expectWholeText, goTo, test } from './fixtures.ts';

const letter = corpusPage('clean-letter');
const novel = corpusPage('clean-novel');
const jobTime = 80_000;

test('devices read a page together, sign for it, and it is found again after a reload', async ({
  village,
}) => {
  const ana = await village.open();
  const ben = await village.open();
  await waitForOthers(ana, 1);
  await expect(ana.getByText(/1 device in this room will see these pages/)).toBeVisible();
  await submitFiles(ana, [novel.path]);
  await waitForJobEnd(ana, jobTime);
  const job = await exportJob(ana);
  expectWholeText(job.files[0]!.text, novel.text);
  const boxes = job.files[0]!.lines.map(({ box }) => box.join());
  expect(new Set(boxes).size).toBe(boxes.length);
  for (const { confidence } of job.files[0]!.lines) expect(confidence).toBeGreaterThan(0.5);

  await ana.reload();
  await expect(ana.getByText('Down the Rabbit-Hole').first()).toBeVisible();

  const [file] = await Promise.all([
    ana.waitForEvent('download'),
    ana.getByRole('button', { name: 'Download text' }).click(),
  ]);
  expect(file.suggestedFilename()).toMatch(/\.txt$/);
  const text = await downloadedText(file);
  expectWholeText(text, novel.text);
  await ana.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await ana.getByRole('button', { name: 'Copy text' }).click();
  await expect(ana.getByText('Text copied.')).toBeVisible();
  expect(await ana.evaluate(() => navigator.clipboard.readText())).toBe(text);

  const spent = await exportReceipts(ana);
  const earned = await exportReceipts(ben);
  const byOthers = job.peers.filter(({ credits }) => credits > 0).length;
  if (byOthers > 0) expect((await checkReceipts(spent)).count).toBeGreaterThan(0);
  expect(await checkReceipts(spent)).toMatchObject({
    count: (spent as unknown[]).length,
    valid: (spent as unknown[]).length,
  });
  expect((earned as { id: string }[]).map(({ id }) => id).sort()).toEqual(
    (spent as { id: string }[]).map(({ id }) => id).sort(),
  );
});

test('a browser that is killed half-way costs time, never the job', async ({ village }) => {
  const ana = await village.open();
  const process = await village.openProcess();
  await village.open({ in: process });
  await waitForOthers(ana, 1);
  await submitFiles(ana, [letter.path]);
  await expect(ana.getByText(/\d+ lines? so far/).first()).toBeVisible();
  await expect(ana.getByRole('status').filter({ hasText: /[1-9]\d* % done/ })).toHaveCount(1, {
    timeout: 60_000,
  });
  await process.kill();
  await waitForJobEnd(ana, jobTime);
  const job = await exportJob(ana);
  expect(job.state).toBe('done');
  expectWholeText(job.files[0]!.text, letter.text);
});

test('a requester that reloads half-way goes on with what was read', async ({ village }) => {
  const ana = await village.open({ consent: 'This device only' });
  await submitFiles(ana, [letter.path]);
  await expect(ana.getByText(/[1-9]\d* lines? so far/).first()).toBeVisible({ timeout: 60_000 });
  await ana.reload();
  await waitForJobEnd(ana, jobTime);
  const job = await exportJob(ana);
  expectWholeText(job.files[0]!.text, letter.text);
});

test('cancel stops the work everywhere and keeps what was read', async ({ village }) => {
  const ana = await village.open();
  const ben = await village.open();
  await waitForOthers(ana, 1);
  await submitFiles(ana, [letter.path, novel.path]);
  await expect(ana.getByText(/[1-9]\d* lines? so far/).first()).toBeVisible({ timeout: 60_000 });
  await ana.getByRole('button', { name: 'Cancel job' }).click();
  await expect(ana.getByText(/^Cancelled; \d+ lines? kept/).first()).toBeVisible();
  await goTo(ben, 'Swarm');
  await ben.getByRole('table').getByRole('button').first().click();
  await expect(ben.getByRole('dialog')).not.toContainText(/Working for it\s*[1-9]/);
});
