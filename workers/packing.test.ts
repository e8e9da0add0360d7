import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RgbImage } from '../src/inference/ocr/types.ts';
import { packImage, unpackImage } from './packing.ts';

const imageOf = (width: number, height: number): RgbImage => ({
  width,
  height,
  data: Uint8Array.from({ length: width * height * 3 }, (_, index) => (index * 31) % 251),
});

describe('packed images', () => {
  it('come back exactly, and white paper packs small', async () => {
    const image = imageOf(37, 48);
    expect(await unpackImage(await packImage(image))).toEqual({ ok: true, value: image });
    const white = { width: 320, height: 320, data: new Uint8Array(320 * 320 * 3).fill(255) };
    expect((await packImage(white)).data.byteLength).toBeLessThan(1000);
  });

  it('are refused when they inflate to more than their size says', async () => {
    const bomb = await packImage({ width: 4000, height: 1000, data: new Uint8Array(12_000_000) });
    const result = await unpackImage({ width: 8, height: 8, data: bomb.data });
    expect(result).toMatchObject({
      error: { code: 'damaged', message: expect.stringContaining('more than') },
    });
  });

  it('are refused when they are cut off or have something behind them', async () => {
    const packed = await packImage(imageOf(64, 48));
    const cut = { ...packed, data: packed.data.slice(0, -4) };
    expect(await unpackImage(cut)).toMatchObject({ error: { code: 'damaged' } });
    const short = { ...packed, height: 49 };
    expect(await unpackImage(short)).toMatchObject({ error: { code: 'damaged' } });
  });

  it.each([
    [0, 48],
    [-1, 48],
    [1.5, 48],
    [Number.NaN, 48],
    [70_000, 1],
  ])('are refused with the size %s × %s', async (width, height) => {
    const result = await unpackImage({ width, height, data: new Uint8Array(3) });
    expect(result).toMatchObject({ error: { code: 'damaged' } });
  });

  it('are refused before anything is inflated when they claim too many pixels', async () => {
    const result = await unpackImage({ width: 60_000, height: 60_000, data: new Uint8Array(3) });
    expect(result).toMatchObject({ error: { code: 'too-large' } });
  });

  it('never throw on garbage', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (data) => {
        const result = await unpackImage({ width: 4, height: 4, data: Uint8Array.from(data) });
        if (result.ok) expect(result.value.data.byteLength).toBe(48);
      }),
      { numRuns: 100 },
    );
  });
});
