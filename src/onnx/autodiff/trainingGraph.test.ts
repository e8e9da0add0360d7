import { describe, expect, it } from 'vitest';
import { unwrap } from '../../core/result.ts';
import type { Graph } from '../ir/types.ts';
import { evaluate } from '../reference/evaluate.ts';
import type { NdArray } from '../reference/ndArray.ts';
import { node } from '../testDoubles.ts';
import type { Known } from './emitter.ts';
import type { Optimizer } from './optimizers.ts';
import { classes, drawn, float32, randomBy, real, toValue, valuesOf } from './testDoubles.ts';
import { buildTrainingGraph, type TrainingGraph, type TrainingSpec } from './trainingGraph.ts';

/** x[4, 3] → tanh(x·w1 + b1) → ·w2: logits [4, 2]. */
const createMlp = () => {
  const random = randomBy(3);
  const weights = {
    w1: drawn([3, 5], random, [-1, 1]),
    b1: drawn([5], random, [-1, 1]),
    w2: drawn([5, 2], random, [-1, 1]),
  };
  const graph: Graph = {
    name: 'mlp',
    nodes: [
      node('MatMul', ['x', 'w1'], ['h']),
      node('Add', ['h', 'b1'], ['hb']),
      node('Tanh', ['hb'], ['a']),
      node('MatMul', ['a', 'w2'], ['logits']),
    ],
    inputs: [toValue('x', 'float32', [4, 3])],
    outputs: [toValue('logits', 'float32', [4, 2])],
    initializers: new Map(Object.entries(weights).map(([name, array]) => [name, float32(array)])),
    values: new Map(),
  };
  const dims = {
    x: [4, 3],
    w1: [3, 5],
    b1: [5],
    w2: [5, 2],
    h: [4, 5],
    hb: [4, 5],
    a: [4, 5],
    logits: [4, 2],
  };
  const known = new Map<string, Known>(
    Object.entries(dims).map(([name, at]) => [name, { dtype: 'float32', dims: at }]),
  );
  // As float32 keeps them, so that both sides begin alike.
  const initial = new Map(
    Object.entries(weights).map(([name, { dims, values }]) => [name, real(dims, Float32Array.from(values))]),
  );
  return { graph, known, initial };
};

const names = ['w1', 'b1', 'w2'] as const;
const specOf = (optimizer: Optimizer, more: Partial<TrainingSpec> = {}): TrainingSpec => {
  const { graph, known } = createMlp();
  return {
    graph,
    known,
    loss: { kind: 'softmax-cross-entropy', logits: 'logits' },
    trainable: [...names],
    optimizer,
    ...more,
  };
};

const batchOf = (seed: number) => {
  const random = randomBy(seed);
  return { x: drawn([4, 3], random), labels: Array.from({ length: 4 }, () => Math.floor(random() * 2)) };
};

/** Weights, slots and the count of steps as they are before the first run. */
const begin = ({ carried }: TrainingGraph, weights: ReadonlyMap<string, NdArray>) =>
  new Map<string, NdArray>(
    carried.map(({ input, dims }) => [
      input,
      weights.get(input) ?? real(dims, new Float64Array(dims.reduce((size, dim) => size * dim, 1))),
    ]),
  );

const run = (
  training: TrainingGraph,
  state: ReadonlyMap<string, NdArray>,
  feeds: ReadonlyMap<string, NdArray>,
) => {
  const results = unwrap(evaluate(training.graph, new Map([...state, ...feeds])));
  const next = new Map(training.carried.map(({ input, output }) => [input, results.get(output) as NdArray]));
  return { next, losses: valuesOf(results.get(training.loss)) };
};

/** The loss in plain numbers, for differences. */
const lossAt = (
  weights: ReadonlyMap<string, readonly number[]>,
  { x, labels }: ReturnType<typeof batchOf>,
): number => {
  const [w1, b1, w2] = names.map((name) => weights.get(name) ?? []) as [number[], number[], number[]];
  const at = (list: ArrayLike<number>, index: number) => list[index] ?? Number.NaN;
  let total = 0;
  for (const [row, label] of labels.entries()) {
    const hidden = Array.from({ length: 5 }, (_, j) =>
      Math.tanh([0, 1, 2].reduce((sum, k) => sum + at(x.values, row * 3 + k) * at(w1, k * 5 + j), at(b1, j))),
    );
    const logits = [0, 1].map((c) => hidden.reduce((sum, value, j) => sum + value * at(w2, j * 2 + c), 0));
    total += Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit), 0)) - at(logits, label);
  }
  return total / labels.length;
};

const gradientsAt = (weights: ReadonlyMap<string, readonly number[]>, batch: ReturnType<typeof batchOf>) =>
  new Map(
    [...weights].map(([name, values]) => [
      name,
      values.map((value, index) => {
        const moved = (by: number) =>
          lossAt(new Map([...weights, [name, values.with(index, value + by)]]), batch);
        return (moved(1e-5) - moved(-1e-5)) / 2e-5;
      }),
    ]),
  );

const rate = 0.1;
const feedsOf = ({ x, labels }: ReturnType<typeof batchOf>) =>
  new Map<string, NdArray>([
    ['x', x],
    ['training.labels', classes([4], labels)],
    ['training.rate', real([], [rate])],
  ]);

/** Each optimiser as its paper has it, one number at a time. */
type State = { w: number; m: number; v: number };
const byHand: Record<string, { optimizer: Optimizer; next: (state: State, g: number, t: number) => State }> =
  {
    sgd: { optimizer: { kind: 'sgd' }, next: (s, g) => ({ ...s, w: s.w - rate * g }) },
    momentum: {
      optimizer: { kind: 'momentum', momentum: 0.9 },
      next: ({ w, m, v }, g) => ({ m: 0.9 * m + g, w: w - rate * (0.9 * m + g), v }),
    },
    'momentum, Nesterov': {
      optimizer: { kind: 'momentum', momentum: 0.9, nesterov: true },
      next: ({ w, m, v }, g) => ({ m: 0.9 * m + g, w: w - rate * (g + 0.9 * (0.9 * m + g)), v }),
    },
    AdamW: {
      optimizer: { kind: 'adamw', beta1: 0.8, beta2: 0.99, weightDecay: 0.1 },
      next: (s, g, t) => {
        const [m, v] = [0.8 * s.m + 0.2 * g, 0.99 * s.v + 0.01 * g * g];
        const step = m / (1 - 0.8 ** t) / (Math.sqrt(v / (1 - 0.99 ** t)) + 1e-8);
        return { m, v, w: s.w - rate * (step + 0.1 * s.w) };
      },
    },
  };

describe('a training graph', () => {
  it.each(Object.entries(byHand))(
    'does with %s what its formula says, three steps long',
    (_name, { optimizer, next }) => {
      const { initial } = createMlp();
      const training = unwrap(buildTrainingGraph(specOf(optimizer)));
      let state = begin(training, initial);
      let expected = new Map(
        [...initial].map(([name, array]) => [name, valuesOf(array).map((w): State => ({ w, m: 0, v: 0 }))]),
      );
      for (let t = 1; t <= 3; t++) {
        const batch = batchOf(t);
        const weights = new Map([...expected].map(([name, all]) => [name, all.map(({ w }) => w)]));
        const gradients = gradientsAt(weights, batch);
        expected = new Map(
          [...expected].map(([name, all]) => [
            name,
            all.map((one, i) => next(one, gradients.get(name)?.[i] ?? 0, t)),
          ]),
        );
        const result = run(training, state, feedsOf(batch));
        expect(result.losses).toHaveLength(1);
        expect(result.losses[0]).toBeCloseTo(lossAt(weights, batch), 7);
        state = result.next;
      }
      for (const name of names)
        for (const [index, value] of valuesOf(state.get(name)).entries())
          expect(value, `${name}[${index}]`).toBeCloseTo(expected.get(name)?.[index]?.w ?? Number.NaN, 5);
    },
  );

  it('of four steps does what four runs do, to the last bit', () => {
    const { initial } = createMlp();
    const optimizer: Optimizer = { kind: 'adamw' };
    const single = unwrap(buildTrainingGraph(specOf(optimizer, { clip: 0.1 })));
    const four = unwrap(buildTrainingGraph(specOf(optimizer, { clip: 0.1, steps: 4 })));
    const batches = [1, 2, 3, 4].map(batchOf);
    let state = begin(single, initial);
    const losses: number[] = [];
    for (const batch of batches) {
      const result = run(single, state, feedsOf(batch));
      losses.push(...result.losses);
      state = result.next;
    }
    const together = run(
      four,
      begin(four, initial),
      new Map<string, NdArray>([
        [
          'x',
          real(
            [4, 4, 3],
            batches.flatMap(({ x }) => [...x.values]),
          ),
        ],
        [
          'training.labels',
          classes(
            [4, 4],
            batches.flatMap(({ labels }) => labels),
          ),
        ],
        ['training.rate', real([4], [rate, rate, rate, rate])],
      ]),
    );
    expect(together.losses).toEqual(losses);
    for (const name of state.keys())
      expect(valuesOf(together.next.get(name))).toEqual(valuesOf(state.get(name)));
  });

  it('clips all gradients together', () => {
    const { initial } = createMlp();
    const training = unwrap(buildTrainingGraph(specOf({ kind: 'sgd' }, { clip: 0.01 })));
    const { next } = run(training, begin(training, initial), feedsOf(batchOf(1)));
    const moved = names.flatMap((name) =>
      valuesOf(next.get(name)).map((value, index) => value - (valuesOf(initial.get(name))[index] ?? 0)),
    );
    expect(Math.hypot(...moved)).toBeCloseTo(rate * 0.01, 6);
  });

  it('leaves frozen weights as constants, and counts masked positions only', () => {
    const spec = specOf(
      { kind: 'sgd' },
      {
        trainable: ['w2'],
        loss: { kind: 'softmax-cross-entropy', logits: 'logits', masked: true },
      },
    );
    const training = unwrap(buildTrainingGraph(spec));
    expect(training.carried.map(({ input }) => input)).toEqual(['w2']);
    expect([...training.graph.initializers.keys()]).toEqual(expect.arrayContaining(['w1', 'b1']));
    const { initial } = createMlp();
    const batch = batchOf(5);
    const feeds = new Map([...feedsOf(batch), ['training.mask', real([4], [1, 1, 0, 0])]]);
    const { losses } = run(training, new Map([['w2', initial.get('w2') as NdArray]]), feeds);
    const half = { x: real([2, 3], batch.x.values.slice(0, 6)), labels: batch.labels.slice(0, 2) };
    const weights = new Map([...initial].map(([name, array]) => [name, valuesOf(array)]));
    expect(losses[0]).toBeCloseTo(lossAt(weights, half), 9);
  });

  it.each<[string, Partial<TrainingSpec>, string]>([
    ['nothing to train', { trainable: [] }, 'name some weights'],
    ['a weight that is none', { trainable: ['logits'] }, "'logits' is no float32 initializer"],
    ['an output that is none', { loss: { kind: 'mean-squared-error', output: 'y' } }, "no value 'y'"],
    ['half a step', { steps: 0.5 }, 'between 1 and 1000'],
    ['a clip of nothing', { clip: 0 }, 'more than 0'],
    [
      'batches of examples clipped one by one',
      { accumulate: 2, perExample: { clip: 1 } },
      'leave accumulation out',
    ],
  ])('is refused for %s', (_name, more, message) => {
    const result = buildTrainingGraph(specOf({ kind: 'sgd' }, more));
    expect(result.ok ? '' : result.error.message).toContain(message);
  });
});
