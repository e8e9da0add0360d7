import type { Quad } from './types.ts';

/** A rectangle of any angle: `width` runs along `angle` (radians, clockwise on screen), `height` across it. */
export type TurnedRect = {
  readonly centerX: number;
  readonly centerY: number;
  readonly width: number;
  readonly height: number;
  readonly angle: number;
};

/** Coordinates x0 y0 x1 y1 …, so that thousands of points cost no objects. */
export type FlatPoints = readonly number[];

/** Andrew's monotone chain; the points come sorted by y, then x. Returns the hull without repeated points. */
export const convexHull = (points: FlatPoints): FlatPoints => {
  const count = points.length / 2;
  if (count < 3) return points;
  const lower = halfHull(points, 0, count, 1);
  const upper = halfHull(points, count - 1, -1, -1);
  lower.length -= 2;
  upper.length -= 2;
  return lower.concat(upper);
};

const halfHull = (points: FlatPoints, start: number, end: number, step: number): number[] => {
  const hull: number[] = [];
  for (let i = start; i !== end; i += step) {
    const x = points[i * 2] ?? 0;
    const y = points[i * 2 + 1] ?? 0;
    while (hull.length >= 4 && turn(hull, x, y) <= 0) hull.length -= 2;
    hull.push(x, y);
  }
  return hull;
};

/** Cross product of the hull's last edge and the way to the next point; axes swapped, as points are sorted by y. */
const turn = (hull: readonly number[], x: number, y: number): number => {
  const n = hull.length;
  const ax = hull[n - 4] ?? 0;
  const ay = hull[n - 3] ?? 0;
  const bx = hull[n - 2] ?? 0;
  const by = hull[n - 1] ?? 0;
  return (by - ay) * (x - bx) - (bx - ax) * (y - by);
};

/** The smallest rectangle at a given angle around the points. */
export const rectAtAngle = (points: FlatPoints, angle: number): TurnedRect => {
  const cos = Math.cos(angle);
  const sin = Math.sin(angle);
  let minU = Number.POSITIVE_INFINITY;
  let maxU = Number.NEGATIVE_INFINITY;
  let minV = Number.POSITIVE_INFINITY;
  let maxV = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < points.length; i += 2) {
    const x = points[i] ?? 0;
    const y = points[i + 1] ?? 0;
    const u = x * cos + y * sin;
    const v = y * cos - x * sin;
    if (u < minU) minU = u;
    if (u > maxU) maxU = u;
    if (v < minV) minV = v;
    if (v > maxV) maxV = v;
  }
  const u = (minU + maxU) / 2;
  const v = (minV + maxV) / 2;
  return {
    centerX: u * cos - v * sin,
    centerY: u * sin + v * cos,
    width: maxU - minU,
    height: maxV - minV,
    angle,
  };
};

/**
 * The rectangle of least area around a convex hull: one of its sides lies on a side of the hull (Freeman & Shapira
 * 1975). The angle comes back within ±45°, so that `width` is the extent along the reading direction of upright text.
 */
export const minAreaRect = (hull: FlatPoints): TurnedRect => {
  let best = rectAtAngle(hull, 0);
  const count = hull.length / 2;
  for (let i = 0; i < count; i++) {
    const j = (i + 1) % count;
    const dx = (hull[j * 2] ?? 0) - (hull[i * 2] ?? 0);
    const dy = (hull[j * 2 + 1] ?? 0) - (hull[i * 2 + 1] ?? 0);
    if (dx === 0 && dy === 0) continue;
    const rect = rectAtAngle(hull, uprightAngle(Math.atan2(dy, dx)));
    if (rect.width * rect.height < best.width * best.height - 1e-9) best = rect;
  }
  return best;
};

/** The same rectangle's axis within ±45°. */
export const uprightAngle = (angle: number): number => {
  const quarter = Math.PI / 2;
  return angle - Math.round(angle / quarter) * quarter;
};

/** Clockwise from the top-left corner. */
export const rectToQuad = (rect: TurnedRect): Quad => {
  const cos = Math.cos(rect.angle);
  const sin = Math.sin(rect.angle);
  const ux = (cos * rect.width) / 2;
  const uy = (sin * rect.width) / 2;
  const vx = (-sin * rect.height) / 2;
  const vy = (cos * rect.height) / 2;
  const { centerX: x, centerY: y } = rect;
  return [
    x - ux - vx,
    y - uy - vy,
    x + ux - vx,
    y + uy - vy,
    x + ux + vx,
    y + uy + vy,
    x - ux + vx,
    y - uy + vy,
  ];
};

/** Lengths of the mean horizontal and the mean vertical side, the centre, and the angle of the reading direction. */
export const quadToRect = (quad: Quad): TurnedRect => {
  const [x0, y0, x1, y1, x2, y2, x3, y3] = quad;
  const dx = (x1 - x0 + x2 - x3) / 2;
  const dy = (y1 - y0 + y2 - y3) / 2;
  return {
    centerX: (x0 + x1 + x2 + x3) / 4,
    centerY: (y0 + y1 + y2 + y3) / 4,
    width: (Math.hypot(x1 - x0, y1 - y0) + Math.hypot(x2 - x3, y2 - y3)) / 2,
    height: (Math.hypot(x3 - x0, y3 - y0) + Math.hypot(x2 - x1, y2 - y1)) / 2,
    angle: Math.atan2(dy, dx),
  };
};

/**
 * DB shrinks text regions by area · (1 − r²) / perimeter when it is trained; growing them back by
 * area · ratio / perimeter on every side undoes it (Liao et al. 2020, "Real-time Scene Text Detection with DB").
 */
export const unclip = (rect: TurnedRect, ratio: number): TurnedRect => {
  const perimeter = 2 * (rect.width + rect.height);
  const distance = perimeter === 0 ? 0 : (rect.width * rect.height * ratio) / perimeter;
  return { ...rect, width: rect.width + 2 * distance, height: rect.height + 2 * distance };
};

/** From the pixels of one image to those of the same image at another size. */
export const scaleQuad = (quad: Quad, scaleX: number, scaleY: number): Quad =>
  quad.map((value, index) => value * (index % 2 === 0 ? scaleX : scaleY)) as unknown as Quad;
