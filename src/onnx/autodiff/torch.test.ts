/** What PyTorch computes of the same weights and batches: see scripts/vectors/autodiff_torch.py. */
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { unwrap } from '../../core/result.ts';
import { bytesSource, readSafetensors } from '../codec/index.ts';
import { inferTypes } from '../infer.ts';
import type { Tensor } from '../ir/types.ts';
import { evaluate } from '../reference/evaluate.ts';
import { type NdArray, ndArray } from '../reference/ndArray.ts';
import { tensorToNdArray } from '../reference/tensors.ts';
import { knownValues } from './emitter.ts';
import type { Optimizer } from './optimizers.ts';
import { valuesOf } from './testDoubles.ts';
import { type Golden, goldens, type Tensors } from './testGoldens.ts';
import { runOnRuntime } from './testRuntime.ts';
import { buildTrainingGraph, type Fed, type TrainingSpec } from './trainingGraph.ts';

/** As the script has them. */
const optimizers: readonly (readonly [string, Optimizer, number])[] = [
  ['sgd', { kind: 'sgd' }, 0.125],
  ['momentum', { kind: 'momentum', momentum: 0.875 }, 0.125],
  ['nesterov', { kind: 'momentum', momentum: 0.875, nesterov: true }, 0.125],
  ['adamw', { kind: 'adamw', beta1: 0.875, beta2: 0.984375, epsilon: 2 ** -17, weightDecay: 0.125 }, 2 ** -6],
];

const files = new Map<string, Tensors>();
const readVectors = async (name: string): Promise<Tensors> => {
  const path = new URL(`../../../tests/vectors/autodiff/${name}.safetensors`, import.meta.url);
  const { tensors } = unwrap(await readSafetensors(bytesSource(new Uint8Array(readFileSync(path)))));
  const inMemory = [...tensors].map(async ([key, tensor]) => {
    if (tensor.data.kind !== 'slice') throw new Error(`${key} is no slice of its file`);
    const { source, offset, length } = tensor.data;
    return [key, { ...tensor, data: { kind: 'bytes', bytes: await source.read(offset, length) } }] as const;
  });
  return new Map(await Promise.all(inMemory));
};

beforeAll(async () => {
  for (const name of Object.keys(goldens)) files.set(name, await readVectors(name));
});

const under = (tensors: Tensors, prefix: string): Tensors =>
  new Map(
    [...tensors].flatMap(([name, tensor]) =>
      name.startsWith(prefix) ? [[name.slice(prefix.length), tensor] as const] : [],
    ),
  );

const numbersOf = (tensors: Tensors, name: string): readonly number[] => {
  const tensor = tensors.get(name);
  if (!tensor) throw new Error(`the vectors have no ${name}`);
  return valuesOf(unwrap(tensorToNdArray(tensor)));
};

/** A step on the first batch, or on each of three. */
const trainingOf = (name: string, optimizer: Optimizer, rate: number, more: Partial<TrainingSpec>) => {
  const tensors = files.get(name) as Tensors;
  const { build, loss } = goldens[name] as Golden;
  const weights = under(tensors, 'weights/');
  const model = build(weights);
  const { steps = 1 } = more;
  const training = unwrap(
    buildTrainingGraph({
      graph: model.graph,
      known: knownValues(model.graph, unwrap(inferTypes(model))),
      loss,
      trainable: [...weights.keys()],
      optimizer,
      ...more,
    }),
  );
  const feeds = new Map<string, NdArray>();
  for (const { input, dims, initial } of training.carried)
    feeds.set(
      input,
      initial
        ? unwrap(tensorToNdArray(initial))
        : ndArray('float32', dims, zeros(dims.reduce((a, b) => a * b, 1))),
    );
  for (const fed of training.fed)
    feeds.set(
      fed.name,
      fed.name === 'training.rate'
        ? ndArray('float32', fed.dims, zeros(steps).fill(rate))
        : firstOf(unwrap(tensorToNdArray(tensors.get(`feeds/${fed.name}`) as Tensor)), fed),
    );
  return { tensors, training, feeds, model: { ...model, graph: training.graph } };
};

const zeros = (count: number): number[] => Array.from({ length: count }, () => 0);

/** The vectors have classes as PyTorch does, in int64. */
const firstOf = (array: NdArray, { dtype, dims }: Fed): NdArray => {
  const values = array.values.slice(
    0,
    dims.reduce((a, b) => a * b, 1),
  );
  return dtype === 'int32'
    ? ndArray(dtype, dims, [...values].map(Number))
    : ({ ...array, dims, values } as NdArray);
};

type Run = ReturnType<typeof trainingOf>;
type Compute = (run: Run) => Promise<ReadonlyMap<string, NdArray>>;
const onReference: Compute = async ({ model, feeds }) => unwrap(evaluate(model, feeds));
const onRuntime: Compute = ({ model, feeds }) => runOnRuntime(model, feeds);

/** Relative to the greatest of what is expected. */
const expectClose = (
  what: string,
  found: readonly number[],
  expected: readonly number[],
  tolerance: number,
  least = 0,
) => {
  expect(found, what).toHaveLength(expected.length);
  const size = Math.max(least, ...expected.map(Math.abs));
  const worst = Math.max(...found.map((value, at) => Math.abs(value - (expected[at] ?? Number.NaN))));
  expect(worst / size, what).toBeLessThan(tolerance);
};

/** With a step size of 1, plain descent takes away the gradient itself. */
const checkGradients = async (name: string, compute: Compute, tolerance: number) => {
  const run = trainingOf(name, { kind: 'sgd' }, 1, {});
  const { tensors, training } = run;
  const found = await compute(run);
  expectClose('loss', valuesOf(found.get(training.loss)), numbersOf(tensors, 'loss'), tolerance);
  const expected = new Map(
    training.carried.map(({ input }) => [input, numbersOf(tensors, `gradients/${input}`)]),
  );
  // Some are zero but for rounding, as that of a bias which a softmax takes no notice of.
  const least = 0.01 * Math.max(...[...expected.values()].flat().map(Math.abs));
  for (const { input, output } of training.carried) {
    const before = valuesOf(run.feeds.get(input));
    const after = valuesOf(found.get(output));
    const gradient = before.map((value, at) => value - (after[at] ?? Number.NaN));
    expectClose(`the gradient of ${input}`, gradient, expected.get(input) ?? [], tolerance, least);
  }
};

const checkSteps = async (
  name: string,
  [label, optimizer, rate]: (typeof optimizers)[number],
  compute: Compute,
  tolerance: number,
) => {
  const clip = optimizer.kind === 'adamw' ? { clip: 0.25 } : {};
  const run = trainingOf(name, optimizer, rate, { steps: 3, ...clip });
  const { tensors, training } = run;
  const found = await compute(run);
  expectClose('losses', valuesOf(found.get(training.loss)), numbersOf(tensors, `${label}/losses`), tolerance);
  for (const { input, output, role } of training.carried)
    if (role === 'weight')
      expectClose(
        input,
        valuesOf(found.get(output)),
        numbersOf(tensors, `${label}/weights/${input}`),
        tolerance,
      );
};

describe.each(Object.entries(goldens))('of %s PyTorch has', (name, { exact }) => {
  it('this loss and these gradients, in float64', () => checkGradients(name, onReference, exact));

  it('the same on the runtime, to 1e-4', () => checkGradients(name, onRuntime, 1e-4));

  it.each(optimizers)('these losses and weights in three steps of %s', (...optimizer) =>
    // ln β, which AdamW corrects its moments by, is a float32 constant.
    checkSteps(name, optimizer, onReference, optimizer[0] === 'adamw' ? Math.max(exact, 1e-7) : exact),
  );
});

it.each(['mlp', 'llama'])('three steps of AdamW on the runtime are those of PyTorch: %s', (name) =>
  checkSteps(name, optimizers[3] as (typeof optimizers)[number], onRuntime, 1e-4),
);
