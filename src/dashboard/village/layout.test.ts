import { describe, expect, it } from 'vitest';
import { layoutVillage, pointsOnThread, threadPath } from './layout.ts';

const margin = { x: 56, top: 20, bottom: 90 };
const desktop = { width: 1200, height: 420 };
const phone = { width: 360, height: 420 };

describe('the village', () => {
  it.each([desktop, phone])('keeps every lantern inside $width × $height', (size) => {
    const { self, peers } = layoutVillage(24, size, margin);
    for (const point of [self, ...peers]) {
      expect(point.x).toBeGreaterThanOrEqual(margin.x);
      expect(point.x).toBeLessThanOrEqual(size.width - margin.x);
      expect(point.y).toBeGreaterThanOrEqual(margin.top);
      expect(point.y).toBeLessThanOrEqual(size.height - margin.bottom);
    }
  });

  it('moves nobody when a peer joins', () => {
    const before = layoutVillage(5, desktop, margin);
    const after = layoutVillage(6, desktop, margin);
    expect(after.self).toEqual(before.self);
    expect(after.peers.slice(0, 5)).toEqual(before.peers);
  });

  it.each([
    { size: desktop, count: 12, apart: 80 },
    { size: phone, count: 9, apart: 48 },
  ])('gives $count lanterns room to be read at $size.width px', ({ size, count, apart }) => {
    const { self, peers } = layoutVillage(count, size, margin);
    const points = [self, ...peers];
    for (const [i, a] of points.entries())
      for (const b of points.slice(i + 1)) expect(Math.hypot(a.x - b.x, a.y - b.y)).toBeGreaterThan(apart);
  });
});

describe('a thread', () => {
  it('runs from hook to hook and sags', () => {
    expect(threadPath({ x: 0, y: 0 }, { x: 100, y: 0 })).toBe('M0 0Q50 26 100 0');
  });

  it('carries sparks from end to end, lowest in the middle', () => {
    const points = pointsOnThread({ x: 0, y: 0 }, { x: 100, y: 0 }, 4);
    expect(points).toEqual([
      { x: 0, y: 0 },
      { x: 25, y: 9.8 },
      { x: 50, y: 13 },
      { x: 75, y: 9.8 },
      { x: 100, y: 0 },
    ]);
  });
});
