import { describe, expect, it } from 'vitest';
import { unwrap } from '../../core/result.ts';
import { buildMlp } from '../build/mlp.ts';
import { inferTypes } from '../infer.ts';
import type { Model } from '../ir/types.ts';
import { node } from '../testDoubles.ts';
import { verifyModel } from '../verify.ts';
import { knownValues } from './emitter.ts';
import { demandOrder, peakBytes } from './memory.ts';
import { batchOf, bound, families, gradientsBy, trainingOf, weightsOf } from './perExample/testDoubles.ts';
import { recompute } from './recompute.ts';
import { toValue, valuesOf } from './testDoubles.ts';
import { runOnRuntime } from './testRuntime.ts';
import type { TrainingGraph } from './trainingGraph.ts';

/** Of all outputs, their bits. */
const bitsOnRuntime = async (model: Model, training: TrainingGraph) => {
  const feeds = new Map([...weightsOf(training), ...batchOf(training.fed)]);
  const found = await runOnRuntime({ ...model, graph: training.graph }, feeds);
  return [training.loss, ...training.carried.map(({ output }) => output)].map((name) => [
    ...new Uint32Array(Float32Array.from(valuesOf(found.get(name))).buffer),
  ]);
};

const peakOf = (model: Model, { graph }: TrainingGraph) => {
  const known = knownValues(graph, unwrap(inferTypes({ ...model, graph })));
  return { listed: peakBytes(graph, known), run: peakBytes({ ...graph, nodes: demandOrder(graph) }, known) };
};

const deepMlp = () =>
  bound(
    unwrap(
      buildMlp(
        {
          family: 'mlp',
          inputs: 16,
          hidden: Array.from({ length: 16 }, () => 16),
          outputs: 4,
          activation: 'gelu',
        },
        { kind: 'seed', seed: 5 },
      ),
    ),
    64,
  );

describe('a training step that computes again what it needs', () => {
  it.each(['FedAvg CNN', 'Llama, tied'])('is for %s the same to the last bit', async (name) => {
    const family = families[name];
    if (!family) throw new Error(name);
    const model = bound(family.build(), 4);
    const spec = { loss: family.loss, clip: 0.5 };
    const plain = trainingOf(model, spec);
    const lean = trainingOf(model, { ...spec, recompute: 'least' });
    expect(verifyModel({ ...model, graph: lean.graph })).toEqual([]);
    expect(lean.graph.nodes.length).toBeGreaterThan(plain.graph.nodes.length);
    expect(await bitsOnRuntime(model, lean)).toEqual(await bitsOnRuntime(model, plain));
    const feeds = batchOf(plain.fed);
    expect(gradientsBy(lean, feeds)).toEqual(gradientsBy(plain, feeds));
  });

  it('needs less than half of the memory for a deep MLP, in the order of the list and in that of the runtime', () => {
    const model = deepMlp();
    for (const spec of [{ clip: 1 }, { steps: 2 }]) {
      const plain = peakOf(model, trainingOf(model, spec));
      const lean = peakOf(model, trainingOf(model, { ...spec, recompute: 'least' }));
      expect(lean.listed).toBeLessThan(plain.listed / 2);
      expect(lean.run).toBeLessThan(plain.run / 2);
    }
  });

  it('computes no more again than the budget asks for', () => {
    const model = deepMlp();
    const nodes = (budgetBytes: number) =>
      trainingOf(model, { recompute: { budgetBytes } }).graph.nodes.length;
    const plain = trainingOf(model, {}).graph.nodes.length;
    const whole = peakOf(model, trainingOf(model, {})).run;
    const least = peakOf(model, trainingOf(model, { recompute: 'least' })).run;
    expect(nodes(2 * whole)).toBe(plain);
    expect(nodes(0.7 * whole)).toBeGreaterThan(plain);
    expect(nodes(0.7 * whole)).toBeLessThan(nodes(1.1 * least));
    expect(() => nodes(least / 4)).toThrow(/needs \d+ bytes/);
    expect(() => nodes(Number.NaN)).toThrow('budget of NaN');
  });

  it('works with gradients clipped by example', () => {
    const model = deepMlp();
    const perExample = { clip: 0.1 };
    const plain = trainingOf(model, { perExample });
    const lean = trainingOf(model, { perExample, recompute: 'least' });
    const feeds = batchOf(plain.fed);
    expect(gradientsBy(lean, feeds)).toEqual(gradientsBy(plain, feeds));
    expect(peakOf(model, lean).run).toBeLessThanOrEqual(peakOf(model, plain).run);
  });

  it('keeps what is drawn by chance, for it would be another', () => {
    const names = ['x', 'a', 'noise', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'y'];
    const known = new Map(names.map((name) => [name, { dtype: 'float32', dims: [64] } as const]));
    const graph = {
      name: 'chance',
      nodes: [
        node('Exp', ['x'], ['a']),
        node('RandomNormalLike', ['a'], ['noise']),
        node('Mul', ['a', 'noise'], ['b']),
        node('Exp', ['b'], ['c']),
        node('Exp', ['c'], ['d']),
        node('Exp', ['d'], ['e']),
        ...['d', 'c', 'b', 'noise'].map((kept, at) =>
          node('Mul', [names[at + 6] ?? '', kept], [names[at + 7] ?? '']),
        ),
      ],
      inputs: [toValue('x', 'float32', [64])],
      outputs: [toValue('y', 'float32', [64])],
      initializers: new Map(),
      values: new Map(),
    };
    const made = unwrap(recompute(graph, { forward: 6, weights: [], known, to: 'least' })).graph.nodes;
    const count = (op: string) => made.filter((each) => each.op === op).length;
    expect(count('RandomNormalLike')).toBe(1);
    expect(count('Exp')).toBeGreaterThan(4);
  });
});
