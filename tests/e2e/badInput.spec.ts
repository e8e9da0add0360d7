import { readFileSync } from 'node:fs';
import { exportJob, submitFiles, waitForJobEnd } from '../../scripts/lib/village.ts';
import { corpusPage, expect, goTo, renderPng, test } from './fixtures.ts';

const png = (name: string, buffer: Buffer) => ({ name, mimeType: 'image/png', buffer });

/** The header of a PNG that claims 10,000 × 10,000 pixels; nothing else of it is needed to refuse it. */
const hugeHeader = (): Buffer => {
  const bytes = Buffer.from(readFileSync(corpusPage('clean-letter').path));
  bytes.writeUInt32BE(10_000, 16);
  bytes.writeUInt32BE(10_000, 20);
  return bytes;
};

test('bad files fail alone, each with its reason, and the good one is read', async ({ village, shared }) => {
  const page = await village.open({ consent: 'This device only' });
  const good = readFileSync(corpusPage('clean-letter').path);
  const line = await renderPng(
    shared,
    '<p style="font:28px serif;margin:12px">A plain line of text</p>',
    480,
    64,
  );
  const blank = await renderPng(shared, '', 300, 200);
  const hair = await renderPng(shared, '', 300, 1);
  await submitFiles(page, [
    png('line.png', line),
    png('empty.png', Buffer.alloc(0)),
    png('text.png', Buffer.from('this is no image at all, only its name says so')),
    png('truncated.png', good.subarray(0, 3_000)),
    png('huge.png', hugeHeader()),
    png('blank.png', blank),
    png('hair.png', hair),
  ] as never);
  await waitForJobEnd(page, 80_000);
  const job = await exportJob(page);
  const byName = Object.fromEntries(job.files.map((file) => [file.file, file]));
  expect(byName['line.png']?.text.trim()).toBe('A plain line of text');
  expect(byName['empty.png']?.error).toMatch(/0 bytes|empty/i);
  expect(byName['text.png']?.error).toMatch(/PNG, JPEG/);
  expect(byName['truncated.png']?.error).toMatch(/damaged|cut off|broken/i);
  expect(byName['huge.png']?.error).toMatch(/100.*megapixels|40.*megapixels/i);
  expect(byName['blank.png']).toMatchObject({ text: '', lines: [] });
  expect(byName['hair.png']?.lines ?? []).toEqual([]);
});

test('without IndexedDB everything works for as long as the tab lives, and the page says so', async ({
  village,
  shared,
}) => {
  const context = await village.newContext();
  await context.addInitScript(() => {
    Object.defineProperty(IDBFactory.prototype, 'open', {
      value() {
        throw new DOMException('denied', 'SecurityError');
      },
    });
  });
  const page = await village.open({ context, consent: 'This device only' });
  const line = await renderPng(shared, '<p style="font:28px serif;margin:12px">Kept in memory</p>', 420, 64);
  await submitFiles(page, [png('line.png', line)] as never);
  await waitForJobEnd(page, 80_000);
  await expect(page.getByText('Kept in memory').first()).toBeVisible();
  await goTo(page, 'Health');
  await expect(page.getByText(/Nothing outlives this tab/)).toBeVisible();
});
