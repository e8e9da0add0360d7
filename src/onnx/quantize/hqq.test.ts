import { describe, expect, it } from 'vitest';
import { encodeBlocks, norm } from './blockTesting.ts';
import { normalWeights } from './testDoubles.ts';

/** The scale of a block, as the comment in `hqq.ts` says it. */
const plainFit = (weights: readonly number[]): number => {
  const [low, high] = [Math.min(0, ...weights), Math.max(0, ...weights)];
  const scale = (high - low) / 15;
  const start = Math.round(-low / scale);
  const code = (exact: number, point: number) => Math.min(15, Math.max(0, Math.floor(exact + point + 0.5)));
  const outlier = (e: number, beta: number) =>
    e === 0 ? 0 : Math.sign(e) * Math.max(0, Math.abs(e) - Math.abs(e) ** -0.3 / beta);
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  /** Steps until the mean of |e| falls no more: the best state and its error. */
  const descend = (first: number, step: (state: number, beta: number) => { error: number; next: number }) => {
    let [state, best, least] = [first, first, Number.POSITIVE_INFINITY];
    for (let i = 0; i < 20; i++) {
      const { error, next } = step(state, 10 * 1.01 ** i);
      if (error >= least) break;
      [best, least, state] = [state, error, next];
    }
    return { best, least };
  };
  const { best: real } = descend(start, (point, beta) => {
    const steps = weights.map((weight) => weight / scale);
    const errors = steps.map((exact) => exact - (code(exact, point) - point));
    const next = mean(steps.map((exact, i) => code(exact, point) - (exact - outlier(errors[i] ?? 0, beta))));
    return { error: mean(errors.map(Math.abs)), next };
  });
  const withPoint = (point: number) =>
    descend(scale, (state, beta) => {
      const kept = weights.map((weight) => code(weight / state, point) - point);
      const errors = weights.map((weight, i) => weight / state - (kept[i] ?? 0));
      const inliers = weights.map((weight, i) => weight - state * outlier(errors[i] ?? 0, beta));
      const products = mean(kept.map((value, i) => value * (inliers[i] ?? 0)));
      return {
        error: state * mean(errors.map(Math.abs)),
        next: products / mean(kept.map((value) => value ** 2)),
      };
    });
  const [rounded, moved] = [withPoint(start), withPoint(Math.min(15, Math.max(0, Math.round(real))))];
  return moved.least < rounded.least ? moved.best : rounded.best;
};

describe('half-quadratic optimisation', () => {
  const [channels, length] = [64, 256];
  const cases = [
    ['with zero points', true],
    ['without', false],
  ] as const;

  it.each(cases)(
    '%s has less error than rounding, where weights have outliers and where not',
    (_name, points) => {
      for (const outliers of ['none', 'outliers'] as const) {
        const weights = normalWeights(channels * length, 3, outliers);
        const format = { bits: 4, block: 64, points } as const;
        const rounded = encodeBlocks(weights, [channels, length], format, 'rtn').decoded;
        const fitted = encodeBlocks(weights, [channels, length], format, 'hqq').decoded;
        for (const power of [0.7, 1])
          expect(
            norm(weights, fitted, power) / norm(weights, rounded, power),
            `${outliers} l${power}`,
          ).toBeLessThan(0.98);
      }
    },
  );

  it('is in no block worse than rounding, in the mean of sizes', () => {
    const weights = normalWeights(channels * length, 4, 'outliers');
    const format = { bits: 4, block: 32, points: true } as const;
    const rounded = encodeBlocks(weights, [channels, length], format, 'rtn').decoded;
    const fitted = encodeBlocks(weights, [channels, length], format, 'hqq').decoded;
    for (let at = 0; at < weights.length; at += 32) {
      const block = (of: Float32Array) => of.subarray(at, at + 32);
      expect(norm(block(weights), block(fitted), 1)).toBeLessThanOrEqual(
        norm(block(weights), block(rounded), 1) * (1 + 1e-5),
      );
    }
  });

  it('is the two steps of the paper, in plain numbers', () => {
    const weights = normalWeights(channels * length, 9, 'outliers');
    const format = { bits: 4, block: 64, points: true } as const;
    const { scales } = encodeBlocks(weights, [channels, length], format, 'hqq');
    const close = scales.reduce((count, scale, i) => {
      const expected = plainFit([...weights.subarray(64 * i, 64 * (i + 1))]);
      return count + (Math.abs(scale / expected - 1) < 1e-3 ? 1 : 0);
    }, 0);
    // Powers come from a table there: where two steps are almost as good, now and then the other one is taken.
    expect(close / scales.length).toBeGreaterThan(0.9);
  });

  it('of weights twice as large finds scales twice as large, and the same codes', () => {
    const weights = normalWeights(512, 5);
    const format = { bits: 4, block: 64, points: true } as const;
    const once = encodeBlocks(weights, [2, 256], format, 'hqq');
    const twice = encodeBlocks(
      weights.map((weight) => 2 * weight),
      [2, 256],
      format,
      'hqq',
    );
    expect(twice.codes).toEqual(once.codes);
    expect(twice.scales).toEqual(once.scales.map((scale) => 2 * scale));
  });
});
