import { describe, expect, test } from 'vitest';
import { cropLimits, cropLine } from './crop.ts';
import { rectToQuad } from './geometry.ts';
import { boxQuad, drawImage, greyAt } from './testDoubles.ts';
import { lineHeight } from './types.ts';

/** Dark left, light right. */
const halves = drawImage(200, 100, (x) => (x < 100 ? 20 : 220));

describe('a cut line', () => {
  test('is 48 px high and keeps its proportions, stretched as the recogniser likes it', () => {
    const line = cropLine(halves, boxQuad(50, 40, 150, 60));
    expect(line.height).toBe(lineHeight);
    expect(line.width).toBe(Math.round(((100 * 48) / 20) * cropLimits.stretch));
    expect(line.data.byteLength).toBe(line.width * 48 * 3);
    expect(greyAt(line, 3, 24)).toBe(20);
    expect(greyAt(line, line.width - 4, 24)).toBe(220);
  });

  test('comes out straight from a turned box', () => {
    const angle = 0.35;
    const bars = drawImage(300, 300, (x, y) => {
      const along = (x + 0.5 - 150) * Math.cos(angle) + (y + 0.5 - 150) * Math.sin(angle);
      return along < 0 ? 0 : 255;
    });
    const line = cropLine(bars, rectToQuad({ centerX: 150, centerY: 150, width: 120, height: 24, angle }));
    for (const y of [4, 24, 44]) {
      expect(greyAt(line, line.width / 4, y)).toBeLessThan(10);
      expect(greyAt(line, (line.width * 3) / 4, y)).toBeGreaterThan(245);
    }
  });

  test('undoes perspective: the middle of the trapezoid becomes the middle of the line', () => {
    const page = drawImage(200, 100, (_, y) => (y < 50 ? 0 : 255));
    const line = cropLine(page, [40, 40, 160, 40, 200, 70, 0, 70]);
    // Farther rows are squeezed: the edge at y = 50 lies above the crop's middle.
    expect(greyAt(line, 60, 12)).toBe(0);
    expect(greyAt(line, 60, 34)).toBe(255);
  });

  test('text that runs down the page is turned to run right', () => {
    const tall = drawImage(100, 200, (_, y) => (y < 100 ? 20 : 220));
    const line = cropLine(tall, boxQuad(40, 50, 60, 150));
    expect(line.width).toBeGreaterThan(200);
    expect(greyAt(line, 3, 24)).toBe(20);
    expect(greyAt(line, line.width - 4, 24)).toBe(220);
  });

  test('a single letter, a little taller than wide, stays upright', () => {
    const line = cropLine(halves, boxQuad(90, 20, 110, 50));
    expect(greyAt(line, 2, 24)).toBe(20);
    expect(line.width).toBeLessThan(50);
  });

  test('reducing averages: fine stripes become grey, not one of their two colours', () => {
    const stripes = drawImage(800, 400, (x) => (x % 2 === 0 ? 0 : 255));
    const line = cropLine(stripes, boxQuad(0, 0, 800, 400));
    expect(Math.abs(greyAt(line, 50, 24) - 128)).toBeLessThan(20);
  });

  test('beyond the edge the page goes on as it ends, and no quad is too odd', () => {
    const line = cropLine(halves, boxQuad(-30, -30, 80, 30));
    expect(greyAt(line, 0, 0)).toBe(20);
    expect(cropLine(halves, [5, 5, 5, 5, 5, 5, 5, 5]).height).toBe(48);
    expect(cropLine(halves, boxQuad(0, 0, 200, 0.01)).width).toBeLessThanOrEqual(cropLimits.maxWidth);
  });
});
