import { exportJob, submitFiles, waitForJobEnd } from '../../scripts/lib/village.ts';
import { expect, renderPng, test } from './fixtures.ts';

test('WebGPU and WASM read the same', async ({ village, shared }) => {
  test.setTimeout(150_000);
  const line = await renderPng(
    shared,
    '<p style="font:24px serif;margin:10px">Same text twice 1847</p>',
    320,
    64,
  );
  const read = async (runtime: 'wasm' | 'webgpu') => {
    const gpu = runtime === 'webgpu' ? { in: await village.openProcess({ gpu: true }) } : {};
    const page = await village.open({ ...gpu, runtime, consent: 'This device only' });
    await submitFiles(page, [{ name: 'line.png', mimeType: 'image/png', buffer: line }] as never);
    await waitForJobEnd(page, 110_000);
    return exportJob(page);
  };
  const [wasm, webgpu] = [await read('wasm'), await read('webgpu')];
  expect(wasm.files[0]?.text.trim()).toBe('Same text twice 1847');
  expect(webgpu.files[0]?.text).toBe(wasm.files[0]?.text);
  expect(wasm.peers[0]?.runtime).toBe('wasm');
  expect(webgpu.peers[0]?.runtime).toBe('webgpu');
});
