import { describe, expect, it } from 'vitest';
import { isKeptAsset, isOtherVersion } from './assetCache.ts';

describe('the service worker’s cache', () => {
  it.each([
    ['/assets/ort-wasm-simd-threaded-DcHrbrbl.wasm', true],
    ['/assets/ch_PP-OCRv4_det_infer-DNKywHAZ.onnx', false],
    ['/assets/ppocr_keys_v1-vA51VXJE.txt', false],
    ['/assets/index-BMjnaVDB.js.map', false],
    ['/index.html', false],
    ['/metrics', false],
  ])('of %s: %s', (pathname, kept) => {
    expect(isKeptAsset(pathname)).toBe(kept);
  });

  it('replaces a file by its next version and by nothing else', () => {
    const runtime = '/assets/ort-wasm-simd-threaded-DcHrbrbl.wasm';
    expect(isOtherVersion(runtime, '/assets/ort-wasm-simd-threaded-__-rb_bl.wasm')).toBe(true);
    expect(isOtherVersion(runtime, runtime)).toBe(false);
    expect(isOtherVersion(runtime, '/assets/ort-wasm-simd-threaded.asyncify-D5D0fo7z.wasm')).toBe(false);
    expect(isOtherVersion(runtime, '/assets/ort-wasm-simd-threaded-DcHrbrbl.mjs')).toBe(false);
  });
});
