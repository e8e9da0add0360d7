import { describe, expect, it } from 'vitest';
import { unwrap } from '../../../core/result.ts';
import { evaluate } from '../../reference/evaluate.ts';
import { type NdArray, ndArray } from '../../reference/ndArray.ts';
import { verifyModel } from '../../verify.ts';
import { sizeOf } from '../emitter.ts';
import { valuesOf } from '../testDoubles.ts';
import { runOnRuntime } from '../testRuntime.ts';
import type { TrainingSpec } from '../trainingGraph.ts';
import {
  batchOf,
  bound,
  differences,
  families,
  gradientsBy,
  oneByOne,
  trainingOf,
  weightsOf,
} from './testDoubles.ts';

// A power of two: a constant of the graph is float32, and 1 ÷ 4 is exactly that.
const batch = 4;
/** Of four norms two are more, as float32. */
const between = (norms: readonly number[]): number => {
  const [, low = 0, high = 0] = norms.toSorted((a, b) => a - b);
  return Math.fround((low + high) / 2);
};

const familyOf = (name: string) => {
  const family = families[name];
  if (!family) throw new Error(`there is no family ${name}`);
  return family;
};

const trainedByExample = (name: string, more: Partial<TrainingSpec>) => {
  const { build, loss } = familyOf(name);
  return trainingOf(bound(build(), batch), { loss, ...more });
};

const replaced = (
  feeds: ReadonlyMap<string, NdArray>,
  name: string,
  numbers: (before: number, at: number) => number,
) => {
  const { dims } = feeds.get(name) ?? { dims: [] };
  const values = valuesOf(feeds.get(name)).map(numbers);
  return new Map([...feeds, [name, ndArray('float32', dims, values)]]);
};

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

  it.each(Object.keys(families))('are on the runtime for %s what the reference computes', async (name) => {
    const { build, loss } = familyOf(name);
    const model = bound(build(), batch);
    const training = trainingOf(model, { loss, perExample: { clip: 0.7, noise: true } });
    const trained = { ...model, graph: training.graph };
    expect(verifyModel(trained)).toEqual([]);
    const feeds = new Map([...weightsOf(training), ...batchOf(training.fed)]);
    const expected = unwrap(evaluate(trained, feeds));
    const found = await runOnRuntime(trained, feeds);
    expect(found.get('training.norms')?.dims).toEqual([batch]);
    for (const [output, array] of expected) {
      const data = valuesOf(found.get(output));
      const difference = Math.max(
        ...valuesOf(array).map((value, index) => Math.abs((data[index] ?? Number.NaN) - value)),
      );
      expect(difference, output).toBeLessThan(1e-4);
    }
  });

  it('get noise of σ times the clip, both divided by the batch that is expected', () => {
    const perExample = { clip: 0.5, expectedBatch: 8 };
    const noisy = trainedByExample('MLP', { perExample: { ...perExample, noise: true } });
    const plain = trainedByExample('MLP', { perExample: { ...perExample, expectedBatch: 4 } });
    const feeds = replaced(batchOf(noisy.fed), 'training.noise', () => 3);
    const [found, quiet] = [
      gradientsBy(noisy, feeds).gradients,
      gradientsBy(plain, batchOf(plain.fed)).gradients,
    ];
    const expected = new Map(
      [...quiet].map(([name, values]) => {
        const noise = valuesOf(feeds.get(`training.noise.${name}`));
        return [name, values.map((value, at) => value / 2 + (3 * 0.5 * (noise[at] ?? 0)) / 8)];
      }),
    );
    for (const difference of Object.values(differences(found, expected)))
      expect(difference).toBeLessThan(1e-9);
  });

  it('are not touched by an example whose mask is empty, nor by what it says', () => {
    const training = trainedByExample('GPT, untied', { perExample: { clip: 1 } });
    const whole = batchOf(training.fed);
    const places = sizeOf(whole.get('training.mask')?.dims ?? []) / batch;
    const absent = replaced(whole, 'training.mask', (value, at) => (at < places ? 0 : value));
    const found = gradientsBy(training, absent);
    expect(found.norms[0]).toBe(0);
    expect(Math.min(...found.norms.slice(1))).toBeGreaterThan(0.1);
    const ids = valuesOf(whole.get('input_ids')).map((id, at) => (at < places ? (id + 1) % 3 : id));
    const other = new Map([...absent, ['input_ids', ndArray('int64', [batch, places], ids)]]);
    expect(gradientsBy(training, other).gradients).toEqual(found.gradients);
  });

  it('are zero, and so is the loss, if all examples are absent', () => {
    const training = trainedByExample('Llama, tied', { perExample: { clip: 1 } });
    const nobody = replaced(batchOf(training.fed), 'training.mask', () => 0);
    const { gradients, norms, loss } = gradientsBy(training, nobody);
    expect([loss, ...norms, ...[...gradients.values()].flat()].every((value) => value === 0)).toBe(true);
  });

  it('have norms for each of several steps in a run', () => {
    const perExample = { clip: 0.5, noise: true };
    const two = trainedByExample('MLP', { perExample, steps: 2 });
    const one = trainedByExample('MLP', { perExample });
    const feeds = batchOf(two.fed);
    const found = unwrap(evaluate(two.graph, new Map([...weightsOf(two), ...feeds])));
    expect(found.get('training.norms')?.dims).toEqual([2, batch]);
    const first = new Map(
      one.fed.map(({ name, dtype, dims }) => {
        const values = valuesOf(feeds.get(name)).slice(0, sizeOf(dims));
        return [name, ndArray(dtype === 'int64' || dtype === 'int32' ? dtype : 'float32', dims, values)];
      }),
    );
    expect(valuesOf(found.get('training.norms')).slice(0, batch)).toEqual(gradientsBy(one, first).norms);
  });

  it.each([
    [{ clip: 0 }, 'clipped to 0'],
    [{ clip: Number.NaN }, 'clipped to NaN'],
    [{ clip: 1, expectedBatch: -1 }, 'expected batch of -1'],
  ])('are refused for %o', (perExample, message) => {
    expect(() => trainedByExample('MLP', { perExample })).toThrow(message);
  });
});
