import { describe, expect, test } from 'vitest';
import { boxesFromMap, detectorTensor } from './detector.ts';
import { quadToRect } from './geometry.ts';
import { detectorLimits, detectorSize, resizeImage, scaleForDetector } from './resize.ts';
import { drawImage, drawMap, greyAt } from './testDoubles.ts';

describe('boxes from the probability map', () => {
  test('lines become boxes from top to bottom, grown by the unclip ratio', () => {
    const map = drawMap(200, 100, (x, y) =>
      x >= 20 && x < 120 && ((y >= 60 && y < 70) || (y >= 10 && y < 20)) ? 0.9 : 0.02,
    );
    const boxes = boxesFromMap(map, { pixelThreshold: 0.3, boxThreshold: 0.6, unclipRatio: 2.2, minSide: 3 });
    const rects = boxes.map(({ quad }) => quadToRect(quad));
    expect(rects.map(({ centerY }) => centerY)).toEqual([15, 65]);
    expect(rects[0]?.height).toBeCloseTo(10 + 2 * ((1000 * 2.2) / 220), 6);
    expect(rects[0]?.centerX).toBeCloseTo(70, 6);
    expect(boxes[0]?.score).toBeCloseTo(0.9, 5);
  });

  test('faint regions and specks are not text', () => {
    const faint = drawMap(64, 64, (x, y) => (x > 10 && x < 50 && y > 10 && y < 20 ? 0.45 : 0));
    const speck = drawMap(64, 64, (x, y) => (x > 10 && x < 13 && y === 10 ? 1 : 0));
    expect(boxesFromMap(faint)).toEqual([]);
    expect(boxesFromMap(speck)).toEqual([]);
  });

  test('a lone diagonal stroke stands as straight as the page', () => {
    const map = drawMap(200, 100, (x, y) => {
      const line = y >= 70 && y < 80 && x >= 10 && x < 190;
      const stroke = y >= 10 && y < 30 && Math.abs(x - (40 - y)) < 5;
      return line || stroke ? 1 : 0;
    });
    const angles = boxesFromMap(map, {
      pixelThreshold: 0.3,
      boxThreshold: 0.2,
      unclipRatio: 1.5,
      minSide: 3,
    }).map(({ quad }) => quadToRect(quad).angle);
    expect(angles).toEqual([0, 0]);
  });

  test('a map without a single text pixel has no boxes', () => {
    expect(boxesFromMap(drawMap(64, 32, () => 0))).toEqual([]);
  });
});

describe('the detector sees', () => {
  test('sides in multiples of 32, small pages enlarged, large ones within the limits', () => {
    for (const [width, height] of [
      [7000, 5500],
      [100, 30],
      [1920, 1080],
      [300, 20_000],
      [1, 1],
    ] as const) {
      const size = detectorSize(width, height);
      expect(size.width % 32).toBe(0);
      expect(size.height % 32).toBe(0);
      expect(size.width * size.height).toBeLessThan(detectorLimits.maxPixels * 1.1);
      expect(Math.max(size.width, size.height)).toBeLessThanOrEqual(detectorLimits.maxSide);
    }
    expect(detectorSize(640, 448)).toEqual({ width: 1280, height: 896 });
    expect(detectorSize(1920, 1080)).toEqual({ width: 1920, height: 1088 });
  });

  test('reducing averages instead of dropping: thin stripes become their mean', () => {
    const stripes = drawImage(512, 512, (x) => (x % 2 === 0 ? 255 : 0));
    const small = resizeImage(stripes, 128, 128);
    expect(greyAt(small, 64, 64)).toBeGreaterThan(120);
    expect(greyAt(small, 64, 64)).toBeLessThan(136);
  });

  test('an even page stays even, to its corners, at any size', () => {
    const even = drawImage(37, 53, () => 200);
    const scaled = scaleForDetector(even);
    expect(new Set(scaled.data)).toEqual(new Set([200]));
  });

  test('blue, green, red planes with the statistics the model was trained with', () => {
    const { data, dims } = detectorTensor({ width: 1, height: 1, data: Uint8Array.of(255, 0, 51) });
    expect(dims).toEqual([1, 3, 1, 1]);
    expect(data[0]).toBeCloseTo((0.2 - 0.485) / 0.229, 5);
    expect(data[1]).toBeCloseTo((0 - 0.456) / 0.224, 5);
    expect(data[2]).toBeCloseTo((1 - 0.406) / 0.225, 5);
  });
});
