import { describe, expect, it } from 'vitest';
import { unwrap } from '../../core/result.ts';
import { buildMlp } from '../build/mlp.ts';
import type { Graph, Model } from '../ir/types.ts';
import { evaluate } from '../reference/evaluate.ts';
import { ndArray } from '../reference/ndArray.ts';
import { tensorToNdArray } from '../reference/tensors.ts';
import { verifyModel } from '../verify.ts';
import type { Optimizer } from './optimizers.ts';
import { buildTrainingModel, type TrainingModel } from './trainingModel.ts';

const model = unwrap(
  buildMlp(
    { family: 'mlp', inputs: 3, hidden: [4], outputs: 2, activation: 'tanh' },
    { kind: 'seed', seed: 2 },
  ),
);
const trainingOf = (optimizer: Optimizer, clip?: number): TrainingModel =>
  unwrap(
    buildTrainingModel(model, {
      sizes: { batch: 2 },
      loss: { kind: 'mean-squared-error', output: 'logits' },
      optimizer,
      ...(clip === undefined ? {} : { clip }),
    }),
  );

const weightsAfter = ({ model: step, fed, carried }: TrainingModel) => {
  const feeds = new Map(
    fed.map(({ name, dims }) => {
      const count = dims.reduce((a, b) => a * b, 1);
      const values = Array.from({ length: count }, (_, at) => ((at * 7) % 5) / 5 - 0.3);
      return [name, ndArray('float32', dims, name === 'training.rate' ? [0.25] : values)] as const;
    }),
  );
  for (const { input, initial, dims } of carried)
    feeds.set(input, initial ? unwrap(tensorToNdArray(initial)) : ndArray('float32', dims, [0]));
  const found = unwrap(evaluate(step, feeds));
  return carried.map(({ output }) => [...(found.get(output)?.values ?? [])].map(Number));
};

const opsOf = ({ graph }: { readonly graph: Graph }) => graph.nodes.map(({ op }) => op);
const withC = ({ graph }: Model) =>
  graph.nodes.filter(({ op, inputs }) => op === 'Gemm' && inputs.length === 3);

describe('plain descent on a linear layer', () => {
  it('is one Gemm that adds to the weight, and gives what a gradient and a step give', () => {
    const plain = trainingOf({ kind: 'sgd' });
    expect(verifyModel(plain.model)).toEqual([]);
    // The two layers forward, and the two updates.
    expect(withC(plain.model)).toHaveLength(4);
    // With a bound that nothing reaches, the gradients are there as such.
    const apart = trainingOf({ kind: 'sgd' }, 1e9);
    expect(withC(apart.model)).toHaveLength(2);
    const [found, expected] = [weightsAfter(plain), weightsAfter(apart)];
    for (const [at, values] of expected.entries())
      for (const [index, value] of values.entries()) expect(found[at]?.[index]).toBeCloseTo(value, 12);
  });

  it('leaves the gradients that something else needs', () => {
    expect(opsOf(trainingOf({ kind: 'momentum', momentum: 0.9 }).model)).not.toContain('Neg');
  });
});
