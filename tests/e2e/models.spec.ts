import type { Download, Page } from 'playwright';
import { unwrap } from '../../src/core/result.ts';
import { buildMlp } from '../../src/onnx/build/mlp.ts';
import { decodeModel, encodeModel, joinChunks, verifyModel } from '../../src/onnx/index.ts';
import { expect, goTo, test } from './fixtures.ts';
import { fact } from './page.ts';

const mlp = (...hidden: readonly number[]): Buffer =>
  Buffer.from(
    joinChunks(
      unwrap(
        encodeModel(
          unwrap(
            buildMlp(
              { family: 'mlp', inputs: 256, hidden, outputs: 64, activation: 'relu' },
              { kind: 'seed', seed: 7 },
            ),
          ),
        ),
      ),
    ),
  );

const give = (page: Page, name: string, buffer: Buffer) =>
  page.getByLabel('Model files').setInputFiles({ name, mimeType: 'application/octet-stream', buffer });

test('a model is told, made smaller, compared and downloaded', async ({ village }) => {
  const page = await village.open({ consent: 'This device only' });
  await goTo(page, 'Models');
  const bytes = mlp(512);
  await give(page, 'digits.onnx', bytes);
  await expect(page.getByRole('heading', { name: 'digits.onnx' })).toBeVisible();
  await expect(fact(page, 'Operator sets')).toContainText('ai.onnx');
  await expect(page.getByText('f32[batch,256]')).toBeVisible();

  await page.getByRole('button', { name: 'Check on this device' }).click();
  await expect(page.getByText('Runs here, on the processor')).toBeVisible();

  await page.getByRole('button', { name: 'Make it 8 bits' }).click();
  await expect(page.getByRole('heading', { name: 'digits.int8.onnx' })).toBeVisible();
  await expect(page.getByRole('table', { name: 'Weights, the largest error first' })).toContainText(
    'fc0.weight',
  );

  await page.getByRole('button', { name: 'Compare', exact: true }).click();
  const outcome = page.getByRole('table', { name: 'How far the outputs are apart' });
  await expect(outcome).toContainText('logits');
  await expect(page.getByText(/The outputs differ by [\d.]+ % over 4 runs/)).toBeVisible();

  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Download', exact: true }).click(),
  ]);
  expect(download.suggestedFilename()).toBe('digits.int8.onnx');
  const made = await downloadedBytes(download);
  const model = unwrap(decodeModel(made));
  expect(verifyModel(model)).toEqual([]);
  expect(model.graph.nodes.some(({ op }) => op === 'DynamicQuantizeMatMul')).toBe(true);
  expect(bytes.byteLength / made.byteLength).toBeGreaterThan(3.8);

  await page.getByRole('button', { name: 'Delete' }).click();
  await expect(page.getByRole('heading', { name: 'digits.int8.onnx' })).toBeHidden();
  await expect.poll(() => scratchFiles(page)).toEqual([]);
});

test('what is stopped leaves nothing, what is broken says why, and the page goes on', async ({ village }) => {
  const page = await village.open({ consent: 'This device only', viewport: { width: 360, height: 780 } });
  await goTo(page, 'Models');
  const bytes = mlp(4096, 512);
  await give(page, 'cut.onnx', bytes.subarray(0, 100_000));
  await expect(page.getByRole('alert')).toContainText('damaged or cut off copy');
  await give(page, 'empty.onnx', Buffer.alloc(0));
  await expect(page.getByRole('alert')).toContainText('0 bytes');

  await give(page, 'large.onnx', bytes);
  await expect(page.getByRole('heading', { name: 'large.onnx' })).toBeVisible();
  await page.getByRole('radio', { name: /4 bits, fitted/ }).check();
  await page.getByRole('button', { name: 'Fit it to 4 bits' }).click();
  await expect(page.getByText(/of 12.7 MB/)).toBeVisible();
  await page.getByRole('region', { name: 'Make it smaller' }).getByRole('button', { name: 'Cancel' }).click();
  await expect(page.getByText('Stopped. Nothing of it is left on this device.')).toBeVisible();
  await expect.poll(() => scratchFiles(page)).toEqual([]);

  // Leaving the screen ends nothing.
  await page.getByRole('radio', { name: /^8 bits/ }).check();
  await page.getByRole('button', { name: 'Make it 8 bits' }).click();
  await goTo(page, 'Health');
  await goTo(page, 'Models');
  await expect(page.getByRole('heading', { name: 'large.int8.onnx' })).toBeVisible();
  expect(await scratchFiles(page)).toHaveLength(1);
  const beyond = await page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  );
  expect(beyond).toBeLessThanOrEqual(0);
});

const downloadedBytes = async (download: Download): Promise<Buffer> => {
  const parts: Buffer[] = [];
  for await (const part of await download.createReadStream()) parts.push(part as Buffer);
  return Buffer.concat(parts);
};

/** What lies in the origin's private file system. */
const scratchFiles = (page: Page): Promise<string[]> =>
  page.evaluate(async () => {
    const found: string[] = [];
    const root = await navigator.storage.getDirectory();
    const home = await root.getDirectoryHandle('aivillage-models').catch(() => undefined);
    if (!home) return found;
    for await (const [tab, place] of home.entries())
      if (place instanceof FileSystemDirectoryHandle)
        for await (const name of place.keys()) found.push(`${tab}/${name}`);
    return found;
  });
