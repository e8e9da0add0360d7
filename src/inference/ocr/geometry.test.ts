import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { findRegions } from './components.ts';
import {
  convexHull,
  minAreaRect,
  quadToRect,
  rectAtAngle,
  rectToQuad,
  scaleQuad,
  type TurnedRect,
  unclip,
} from './geometry.ts';
import { drawMap } from './testDoubles.ts';

const pointsOf = (rect: TurnedRect): number[] => {
  const quad = rectToQuad(rect);
  const order = [0, 1, 2, 3].sort(
    (a, b) => quad[a * 2 + 1]! - quad[b * 2 + 1]! || quad[a * 2]! - quad[b * 2]!,
  );
  return order.flatMap((i) => [quad[i * 2]!, quad[i * 2 + 1]!]);
};

describe('rectangles', () => {
  test('a turned rectangle survives the way through quad and back', () => {
    const rect = { centerX: 40, centerY: 25, width: 60, height: 10, angle: 0.2 };
    const back = quadToRect(rectToQuad(rect));
    for (const key of ['centerX', 'centerY', 'width', 'height', 'angle'] as const) {
      expect(back[key]).toBeCloseTo(rect[key], 9);
    }
  });

  test('the rectangle of least area finds the size and angle of any turned rectangle', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 20, max: 500, noNaN: true }),
        fc.double({ min: 1, max: 15, noNaN: true }),
        fc.double({ min: -0.7, max: 0.7, noNaN: true }),
        (width, height, angle) => {
          const found = minAreaRect(
            convexHull(pointsOf({ centerX: 300, centerY: 300, width, height, angle })),
          );
          expect(found.width).toBeCloseTo(width, 4);
          expect(found.height).toBeCloseTo(height, 4);
          expect(found.angle).toBeCloseTo(angle, 4);
        },
      ),
    );
  });

  test('text that runs down the page comes back as tall, not as wide and turned', () => {
    const found = minAreaRect(
      convexHull(pointsOf({ centerX: 50, centerY: 50, width: 8, height: 60, angle: 0.05 })),
    );
    expect(found.height).toBeCloseTo(60, 4);
    expect(found.angle).toBeCloseTo(0.05, 4);
  });

  test('unclipping grows each side by area × ratio / perimeter', () => {
    const grown = unclip({ centerX: 0, centerY: 0, width: 30, height: 10, angle: 0.3 }, 1.6);
    expect(grown).toEqual({ centerX: 0, centerY: 0, width: 42, height: 22, angle: 0.3 });
    expect(unclip({ centerX: 0, centerY: 0, width: 0, height: 0, angle: 0 }, 2).width).toBe(0);
  });

  test('a quad scales by axis', () => {
    expect(scaleQuad([1, 2, 3, 2, 3, 4, 1, 4], 10, 100)).toEqual([10, 200, 30, 200, 30, 400, 10, 400]);
  });
});

describe('regions', () => {
  test('diagonal neighbours are one region, others are apart', () => {
    const picture = ['##....#', '..#...#', '...#..#', '#......'];
    const map = drawMap(7, 4, (x, y) => (picture[y]![x] === '#' ? 0.9 : 0));
    const regions = findRegions(map.data, 7, 4, 0.3);
    expect(regions.map(({ pixels }) => pixels).sort()).toEqual([1, 3, 4]);
  });

  test('two arms that meet further down are one region', () => {
    const picture = ['#...#', '#...#', '#####'];
    const map = drawMap(5, 3, (x, y) => (picture[y]![x] === '#' ? 1 : 0));
    const [region, ...others] = findRegions(map.data, 5, 3, 0.5);
    expect(others).toEqual([]);
    expect(region?.pixels).toBe(9);
    expect(rectAtAngle(region!.hull, 0)).toMatchObject({ width: 5, height: 3, centerX: 2.5, centerY: 1.5 });
  });

  test('any picture: pixels are counted once, and every hull holds its pixels', () => {
    fc.assert(
      fc.property(
        fc.array(fc.boolean(), { minLength: 1, maxLength: 120 }),
        fc.integer({ min: 1, max: 12 }),
        (on, width) => {
          const height = Math.ceil(on.length / width);
          const map = drawMap(width, height, (x, y) => (on[y * width + x] ? 1 : 0));
          const regions = findRegions(map.data, width, height, 0.5);
          expect(regions.reduce((sum, { pixels }) => sum + pixels, 0)).toBe(on.filter(Boolean).length);
          for (const { hull, pixels } of regions) {
            const { width: w, height: h } = rectAtAngle(hull, 0);
            expect(w * h).toBeGreaterThanOrEqual(pixels);
          }
        },
      ),
    );
  });
});
