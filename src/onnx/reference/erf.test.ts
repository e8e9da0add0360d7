import { describe, expect, it } from 'vitest';
import { erf, normalCdf } from './erf.ts';

/** From the series in decimal arithmetic of 60 digits. */
const values: readonly (readonly [number, number])[] = [
  [0.1, 0.1124629160182849],
  [0.5, 0.5204998778130465],
  [1, 0.8427007929497149],
  [1.5, 0.9661051464753108],
  [1.9999, 0.9953201979070294],
  [2, 0.9953222650189527],
  [2.5, 0.9995930479825551],
  [3, 0.9999779095030014],
  [4, 0.9999999845827421],
  [5, 0.9999999999984625],
];

describe('erf', () => {
  it('is exact to 1e-15', () => {
    for (const [x, y] of values) {
      expect(Math.abs(erf(x) - y), `erf ${x}`).toBeLessThan(1e-15);
      expect(erf(-x)).toBe(-erf(x));
    }
  });

  it('is nearly linear at 0, exactly 1 far out, and NaN of NaN', () => {
    expect(erf(0)).toBe(0);
    expect(erf(1e-300)).toBeCloseTo(1.1283791670955126e-300, 310);
    expect(erf(6)).toBe(1);
    expect(erf(Number.NEGATIVE_INFINITY)).toBe(-1);
    expect(erf(Number.NaN)).toBeNaN();
  });

  it('gives the normal distribution', () => {
    expect(normalCdf(1.959963984540054)).toBeCloseTo(0.975, 14);
  });
});
