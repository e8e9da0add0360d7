import type { Page } from 'playwright';
import { bundlePage, openBundle } from '../../bench/bundle.ts';
import { type BrowserProcess, openBrowser, startHost } from '../../scripts/lib/village.ts';
import { createRuntime, loadOrt } from '../../src/compute/index.ts';
import { unwrap } from '../../src/core/result.ts';
import { families, trainingOf } from '../../src/onnx/testFamilies.ts';
import { expect, test } from './fixtures.ts';
import { takeTwoSteps } from './training/twoSteps.ts';

/**
 * A session for training is only opened on WebGPU if every one of its operators runs there (runtime.ts), so each of these is
 * proof for a whole graph: forward, loss, backward, clipping and AdamW, twice, with the weights on the GPU in between.
 */
test.describe('on WebGPU, training takes the same steps as on WebAssembly:', () => {
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

  for (const family of families)
    test(family.name, async () => {
      test.setTimeout(120_000);
      const wasm = unwrap(
        await createRuntime(
          { loadOrt, assets: undefined, crossOriginIsolated: false, requestAdapter: undefined },
          { kind: 'wasm', threads: 1 },
        ),
      );
      const expected = await takeTwoSteps(wasm, trainingOf(family.build()));
      const found = await page.evaluate((name) => window.stepsOnGpu(name), family.name);
      for (const [at, loss] of expected.losses.entries())
        expect(Math.abs((found.losses[at] ?? Number.NaN) - loss), `loss ${at}`).toBeLessThan(1e-3);
      expect(Object.keys(found.state)).toEqual(Object.keys(expected.state));
      for (const [name, values] of Object.entries(expected.state))
        for (const [at, value] of values.entries())
          expect(Math.abs((found.state[name]?.[at] ?? Number.NaN) - value), `${name}[${at}]`).toBeLessThan(
            1e-3,
          );
    });
});
