import type { Page } from 'playwright';
import { bundlePage, openBundle } from '../../bench/bundle.ts';
import { type BrowserProcess, openBrowser, startHost } from '../../scripts/lib/village.ts';
import { createRuntime, loadOrt } from '../../src/compute/index.ts';
import { unwrap } from '../../src/core/result.ts';
import { trainings } from '../../src/onnx/testFamilies.ts';
import { expect, test } from './fixtures.ts';
import { takeTwoSteps } from './training/twoSteps.ts';

/** A session for training is only opened on WebGPU if every one of its operators runs there: see runtime.ts. */
test.describe('training on WebGPU', () => {
  let gpu: BrowserProcess;
  let page: Page;
  let close = async () => {};
  test.beforeAll(async () => {
    test.setTimeout(120_000);
    const host = await startHost();
    gpu = await openBrowser({ gpu: true });
    page = await gpu.browser.newPage();
    await openBundle(page, await bundlePage('tests/e2e/training/page.ts'), host.url);
    close = async () => {
      await gpu.close();
      await host.close();
    };
  });
  test.afterAll(() => close());

  test('every kind of training graph runs there whole', async () => {
    test.setTimeout(240_000);
    const refused: Record<string, string> = {};
    for (const { name } of trainings) {
      const why = await page.evaluate((training) => window.openOnGpu(training), name);
      if (why !== undefined) refused[name] = why;
    }
    expect(refused).toEqual({});
  });

  // Of the others, a software GPU takes minutes to compile the shaders.
  for (const name of ['MLP', 'text classifier', 'FedAvg CNN', 'Llama'])
    test(`two steps of ${name}, the weights staying there, are those of WebAssembly`, async () => {
      test.setTimeout(120_000);
      const wasm = unwrap(
        await createRuntime(
          { loadOrt, assets: undefined, sharedMemory: false, requestAdapter: undefined },
          { kind: 'wasm', threads: 1 },
        ),
      );
      const training = trainings.find((one) => one.name === name);
      if (!training) throw new Error(`no training ${name}`);
      const expected = await takeTwoSteps(wasm, training.build());
      const found = await page.evaluate((family) => window.stepOnGpu(family), name);
      for (const [at, loss] of expected.losses.entries())
        expect(Math.abs((found.losses[at] ?? Number.NaN) - loss), `loss ${at}`).toBeLessThan(1e-3);
      expect(Object.keys(found.state)).toEqual(Object.keys(expected.state));
      for (const [tensor, values] of Object.entries(expected.state))
        for (const [at, value] of values.entries())
          expect(
            Math.abs((found.state[tensor]?.[at] ?? Number.NaN) - value),
            `${tensor}[${at}]`,
          ).toBeLessThan(1e-3);
    });
});
