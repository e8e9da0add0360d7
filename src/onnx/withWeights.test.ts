import { describe, expect, it } from 'vitest';
import { unwrap } from '../core/result.ts';
import { buildMlp } from './build/mlp.ts';
import { readFloat32 } from './build/tensors.ts';
import { withWeights } from './withWeights.ts';

const model = unwrap(
  buildMlp(
    { family: 'mlp', inputs: 2, hidden: [], outputs: 2, activation: 'relu' },
    { kind: 'seed', seed: 1 },
  ),
);

describe('a model with other weights', () => {
  it('has them, keeps the others, and leaves the first as it was', () => {
    const changed = unwrap(withWeights(model, new Map([['fc0.bias', Float32Array.of(3, 4)]])));
    const biasOf = ({ graph }: typeof model) => {
      const tensor = graph.initializers.get('fc0.bias');
      return tensor && unwrap(readFloat32(tensor));
    };
    expect(biasOf(changed)).toEqual(Float32Array.of(3, 4));
    expect(biasOf(model)).toEqual(Float32Array.of(0, 0));
    expect(changed.graph.initializers.get('fc0.weight')).toBe(model.graph.initializers.get('fc0.weight'));
    expect([...changed.graph.initializers.keys()]).toEqual([...model.graph.initializers.keys()]);
  });

  it.each([
    ['fc9.bias', 2, "no weight 'fc9.bias'"],
    ['fc0.bias', 3, "'fc0.bias' is [2], and 3 values were given"],
  ])('refuses %s with %i values', (name, count, words) => {
    expect(withWeights(model, new Map([[name, new Float32Array(count)]]))).toMatchObject({
      error: { message: expect.stringContaining(words) },
    });
  });
});
