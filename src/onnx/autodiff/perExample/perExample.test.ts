import { describe, expect, it } from 'vitest';
import { batchOf, bound, families, gradientsBy, oneByOne, trainingOf } from './testDoubles.ts';

// A power of two: a constant of the graph is float32, and 1 ÷ 4 is exactly that.
const batch = 4;
/** Of four norms two are more, as float32. */
const between = (norms: readonly number[]): number => {
  const [, low = 0, high = 0] = norms.toSorted((a, b) => a - b);
  return Math.fround((low + high) / 2);
};

/** The greatest difference, by weight. */
const differences = (found: ReadonlyMap<string, number[]>, expected: ReadonlyMap<string, number[]>) =>
  Object.fromEntries(
    [...expected].map(([name, values]) => [
      name,
      Math.max(...values.map((value, at) => Math.abs(value - (found.get(name)?.[at] ?? Number.NaN)))),
    ]),
  );

describe('gradients clipped by example', () => {
  it.each(Object.entries(families))(
    'are for %s those of every example run alone',
    (_name, { build, loss }) => {
      const model = bound(build(), batch);
      const feeds = batchOf(trainingOf(model, { loss }).fed);
      const alone = oneByOne(build, loss, { clip: 1e9, batch, feeds });
      const clip = between(alone.norms);
      const expected = oneByOne(build, loss, { clip, batch, feeds });
      const found = gradientsBy(trainingOf(model, { loss, perExample: { clip } }), feeds);
      for (const [at, norm] of expected.norms.entries()) expect(found.norms[at]).toBeCloseTo(norm, 9);
      for (const [name, difference] of Object.entries(differences(found.gradients, expected.mean)))
        expect(difference, name).toBeLessThan(1e-9);
    },
  );
});
