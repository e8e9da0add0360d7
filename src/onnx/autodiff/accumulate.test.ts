import { describe, expect, it } from 'vitest';
import { unwrap } from '../../core/result.ts';
import type { Graph } from '../ir/types.ts';
import { evaluate } from '../reference/evaluate.ts';
import type { NdArray } from '../reference/ndArray.ts';
import { node } from '../testDoubles.ts';
import { verifyModel } from '../verify.ts';
import type { Known } from './emitter.ts';
import type { Optimizer } from './optimizers.ts';
import { classes, drawn, float32, randomBy, real, toValue, valuesOf } from './testDoubles.ts';
import { buildTrainingGraph, type Loss, type TrainingGraph, type TrainingSpec } from './trainingGraph.ts';

/** x[rows, 3] → tanh(x·w) → ·v: [rows, 4]. Two names are such as slices might be given. */
const specOf = (rows: number, loss: Loss, more: Partial<TrainingSpec> = {}): TrainingSpec => {
  const random = randomBy(3);
  const weights = { w: drawn([3, 5], random, [-1, 1]), v: drawn([5, 4], random, [-1, 1]) };
  const graph: Graph = {
    name: 'two layers',
    nodes: [
      node('MatMul', ['x', 'w'], ['Slice_3'], { name: 'Reshape_5' }),
      node('Tanh', ['Slice_3'], ['h']),
      node('MatMul', ['h', 'v'], ['y']),
    ],
    inputs: [toValue('x', 'float32', [rows, 3])],
    outputs: [toValue('y', 'float32', [rows, 4])],
    initializers: new Map(Object.entries(weights).map(([name, array]) => [name, float32(array)])),
    values: new Map(),
  };
  const dims = { x: [rows, 3], w: [3, 5], v: [5, 4], Slice_3: [rows, 5], h: [rows, 5], y: [rows, 4] };
  const known = new Map<string, Known>(
    Object.entries(dims).map(([name, at]) => [name, { dtype: 'float32', dims: at }]),
  );
  return { graph, known, loss, trainable: ['w', 'v'], optimizer: { kind: 'sgd' }, ...more };
};

const crossEntropy = { kind: 'softmax-cross-entropy', logits: 'y' } as const;
const losses: readonly (readonly [string, Loss])[] = [
  ['cross-entropy', crossEntropy],
  ['cross-entropy with a mask', { ...crossEntropy, masked: true }],
  ['the squared error', { kind: 'mean-squared-error', output: 'y' }],
  ['binary cross-entropy', { kind: 'binary-cross-entropy', logits: 'y' }],
];

/** The same numbers whatever the dims: the examples 5 to 8 count for nothing, others for 0, 1 or 2. */
const feedsOf = ({ fed }: TrainingGraph): ReadonlyMap<string, NdArray> =>
  new Map(
    fed.map(({ name, dims }): [string, NdArray] => {
      const random = randomBy(name.length);
      const count = dims.reduce((a, b) => a * b, 1);
      const numbers = Array.from({ length: count }, () => random());
      if (name === 'training.rate') return [name, real(dims, numbers.fill(0.1))];
      if (name === 'training.labels')
        return [
          name,
          classes(
            dims,
            numbers.map((number) => Math.floor(number * 4)),
          ),
        ];
      if (name === 'training.mask')
        return [
          name,
          real(
            dims,
            numbers.map((_, at) => (at >= 4 && at < 8 ? 0 : at % 3)),
          ),
        ];
      return [name, real(dims, numbers)];
    }),
  );

const runOf = (spec: TrainingSpec) => {
  const training = unwrap(buildTrainingGraph(spec));
  const model = { irVersion: 10, opsets: new Map([['', 21]]), functions: [], metadata: {} };
  expect(verifyModel({ ...model, graph: training.graph })).toEqual([]);
  const state = new Map<string, NdArray>(
    training.carried.map(({ input, dims, initial }) => {
      const values = new Float32Array(dims.reduce((a, b) => a * b, 1));
      if (initial?.data.kind === 'bytes') new Uint8Array(values.buffer).set(initial.data.bytes);
      return [input, real(dims, values)];
    }),
  );
  const found = unwrap(evaluate(training.graph, new Map([...state, ...feedsOf(training)])));
  const next = training.carried.flatMap(({ output }) => valuesOf(found.get(output)));
  return { losses: valuesOf(found.get(training.loss)), next, training };
};

const expectClose = (found: readonly number[], expected: readonly number[]) => {
  expect(found).toHaveLength(expected.length);
  for (const [at, value] of found.entries()) expect(value).toBeCloseTo(expected[at] ?? Number.NaN, 12);
};

describe('gradients of four batches of four', () => {
  it.each(losses)('make the step of one batch of sixteen, by %s', (_name, loss) => {
    const optimizer: Optimizer = { kind: 'adamw' };
    const small = runOf(specOf(4, loss, { accumulate: 4, optimizer, clip: 0.05 }));
    const big = runOf(specOf(16, loss, { optimizer, clip: 0.05 }));
    expectClose(small.losses, big.losses);
    expectClose(small.next, big.next);
  });

  it('may belong to each of several steps: fed by step, then by batch, the rate by step alone', () => {
    const loss: Loss = { ...crossEntropy, masked: true };
    const small = runOf(specOf(2, loss, { accumulate: 4, steps: 3 }));
    const big = runOf(specOf(8, loss, { steps: 3 }));
    expect(small.training.fed.map(({ name, dims }) => [name, ...dims])).toEqual([
      ['x', 3, 4, 2, 3],
      ['training.labels', 3, 4, 2],
      ['training.mask', 3, 4, 2],
      ['training.rate', 3],
    ]);
    expectClose(small.losses, big.losses);
    expectClose(small.next, big.next);
  });

  it('are had of each batch all at once, so that none is begun before its turn', () => {
    const { graph } = runOf(specOf(4, crossEntropy, { accumulate: 4 })).training;
    const batchOf = (name: string) => /^batch\d/.exec(name)?.[0];
    const leaving = graph.nodes.flatMap(({ name, inputs }) =>
      inputs.filter(
        (input) => batchOf(input) && !graph.initializers.has(input) && batchOf(input) !== batchOf(name),
      ),
    );
    expect(leaving.map(batchOf)).toEqual(['batch0', 'batch1', 'batch2', 'batch3']);
  });

  it.each([
    [{ accumulate: 0 }, '0 batches in each of 1 steps'],
    [{ accumulate: 2.5 }, '2.5 batches'],
    [{ accumulate: 100, steps: 11 }, 'up to 1000 in a run'],
  ])('are refused as %o', (more, message) => {
    const result = buildTrainingGraph(specOf(4, crossEntropy, more));
    expect(result.ok ? '' : result.error.message).toContain(message);
  });
});
