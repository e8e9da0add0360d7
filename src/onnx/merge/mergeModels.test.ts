import { describe, expect, it } from 'vitest';
import { unwrap } from '../../core/result.ts';
import { buildDecoder } from '../build/decoder.ts';
import { buildMlp } from '../build/mlp.ts';
import { float32Tensor, int64Tensor, readFloat32 } from '../build/tensors.ts';
import { bytesSource } from '../codec/bytesSource.ts';
import {
  decodeModel,
  encodeModel,
  joinChunks,
  readModel,
  splitExternal,
  writeModel,
} from '../codec/index.ts';
import { collect, modelOf } from '../codec/testDoubles.ts';
import type { Model, Node, Tensor } from '../ir/types.ts';
import { node } from '../testDoubles.ts';
import { verifyModel } from '../verify.ts';
import { mergeModels } from './mergeModels.ts';
import type { OpenModel } from './sameStructure.ts';

const mlp = (seed: number, hidden: readonly number[] = [5]): Model =>
  unwrap(
    buildMlp({ family: 'mlp', inputs: 4, hidden, outputs: 3, activation: 'relu' }, { kind: 'seed', seed }),
  );
const mean = { method: { kind: 'linear', weights: [1, 1] } } as const;

const written = async (model: Model): Promise<Uint8Array> => {
  const sink = collect();
  unwrap(await writeModel(model, sink.write));
  return sink.bytes();
};
const merged = async (models: readonly OpenModel[], options: Parameters<typeof mergeModels>[1]) =>
  written(unwrap(await mergeModels(models, options)));
const faultOf = async (models: readonly Model[], options: Parameters<typeof mergeModels>[1] = mean) => {
  const result = await mergeModels(
    models.map((model) => ({ model })),
    options,
  );
  return result.ok ? 'merged' : `${result.error.node ?? ''} ${result.error.message}`.trim();
};
const floatsOf = (model: Model, name: string) => [
  ...unwrap(readFloat32(model.graph.initializers.get(name)!)),
];

describe('models of one graph', () => {
  it('become a model of that graph, with their weights merged', async () => {
    const [a, b] = [mlp(1), mlp(2)];
    const result = unwrap(decodeModel(await merged([{ model: a }, { model: b }], mean)));
    expect(verifyModel(result)).toEqual([]);
    expect([...result.graph.initializers.keys()]).toEqual([...a.graph.initializers.keys()]);
    for (const name of a.graph.initializers.keys()) {
      const theirs = floatsOf(b, name);
      expect(floatsOf(result, name)).toEqual(
        floatsOf(a, name).map((value, i) => Math.fround((value + (theirs[i] ?? 0)) / 2)),
      );
    }
  });

  it('are the model itself, byte for byte, if they are one model', async () => {
    const model = mlp(1);
    const bytes = joinChunks(unwrap(encodeModel(model)));
    expect(
      await merged([{ model }, { model: unwrap(decodeModel(bytes)) }], { method: { kind: 'slerp', t: 0.3 } }),
    ).toEqual(bytes);
  });

  it('come from memory, from files and from files beside them with the same bytes', async () => {
    const method = { kind: 'della', density: 0.6, epsilon: 0.2, seed: 9, weights: [1, 2] } as const;
    const [base, a, b] = [mlp(1), mlp(2), mlp(3)];
    const whole = await merged([{ model: a }, { model: b }], { method, base: { model: base } });
    const lazy = async (model: Model): Promise<OpenModel> => ({
      model: unwrap(await readModel(bytesSource(joinChunks(unwrap(encodeModel(model)))), { lazyAbove: 8 })),
    });
    expect(await merged([await lazy(a), await lazy(b)], { method, base: await lazy(base) })).toEqual(whole);
    const split = async (model: Model): Promise<OpenModel> => {
      const { model: rest, writeData } = splitExternal(model, { location: 'w.bin', above: 8 });
      const sink = collect();
      unwrap(await writeData(sink.write));
      return { model: rest, open: async () => bytesSource(sink.bytes()) };
    };
    expect(await merged([await split(a), await split(b)], { method, base: await split(base) })).toEqual(
      whole,
    );
  });

  it('rank DELLA’s neurons by columns where a matrix multiplies from the right', async () => {
    const of = (op: Node, ...values: readonly number[]) =>
      modelOf({
        nodes: [op],
        initializers: new Map([['w', float32Tensor([2, 2], Float32Array.from(values))]]),
        inputs: [floatInput],
        outputs: [],
      });
    const keeps = async (op: Node) => {
      const options = {
        kind: 'della',
        density: 0.5,
        epsilon: 0.499999,
        seed: 1,
        weights: [1],
        rescale: false,
      } as const;
      const bytes = await merged([{ model: of(op, 1, 4, 2, 3) }], {
        method: options,
        base: { model: of(op, 0, 0, 0, 0) },
      });
      return floatsOf(unwrap(decodeModel(bytes)), 'w');
    };
    expect(await keeps(node('MatMul', ['x', 'w'], ['y']))).toEqual([0, 4, 2, 0]);
    expect(await keeps(node('Gather', ['w', 'x'], ['y']))).toEqual([0, 4, 0, 3]);
  });
});

const floatInput = { name: 'x', type: { kind: 'tensor', dtype: 'float32', shape: [2, 2] } } as const;
const twoOf = (first: Partial<Model['graph']>, second: Partial<Model['graph']>) => [
  modelOf(first),
  modelOf(second),
];
const outputs = [{ name: 'y', type: { kind: 'tensor', dtype: 'float32', shape: [2, 2] } }] as const;

describe('models are refused', () => {
  const w = (value: number): Tensor => float32Tensor([2], Float32Array.of(value, 1));
  const multiply = (constant: number) => ({
    nodes: [
      node('Constant', [], ['c'], { attributes: { value: { type: 'tensor', value: w(constant) } } }),
      node('Mul', ['x', 'c'], ['z']),
      node('Add', ['z', 'w'], ['y']),
    ],
    inputs: [floatInput],
    outputs,
    initializers: new Map([['w', w(3)]]),
  });

  it('when their weights are of other shapes', async () => {
    expect(await faultOf([mlp(1), mlp(1, [6])])).toMatch(/is \[.*\] in model 0 and \[.*\] in model 1/);
  });

  it('when vocabularies differ', async () => {
    const decoder = (vocab: number) =>
      unwrap(
        buildDecoder(
          {
            family: 'decoder',
            vocab,
            hidden: 8,
            layers: 1,
            heads: 1,
            kvHeads: 1,
            intermediate: 4,
            context: 4,
            norm: 'rms',
            epsilon: 1e-5,
            positions: { kind: 'learned' },
            mlp: 'swiglu',
            bias: 'none',
            tied: true,
          },
          { kind: 'training', sequence: 2 },
          { kind: 'seed', seed: 1 },
        ),
      );
    expect(await faultOf([decoder(7), decoder(9)])).toContain(
      'model.embed_tokens.weight is [7, 8] in model 0 and [9, 8] in model 1: their vocabularies differ',
    );
  });

  it('when they compute otherwise with the same weights', async () => {
    const other = {
      ...multiply(2),
      nodes: multiply(2).nodes.map((one) => (one.op === 'Add' ? { ...one, op: 'Sub' } : one)),
    };
    expect(await faultOf(twoOf(multiply(2), multiply(2)))).toBe('merged');
    expect(await faultOf(twoOf(multiply(2), other))).toMatch(
      /^the graphs differ: where model 0 has .*Add.*Sub/,
    );
  });

  it('when weights have changed places', async () => {
    const graph = (first: string, second: string) => ({
      nodes: [node('Mul', ['x', first], ['z']), node('Add', ['z', second], ['y'])],
      inputs: [floatInput],
      outputs,
      initializers: new Map([
        ['v', w(3)],
        ['w', w(4)],
      ]),
    });
    expect(await faultOf(twoOf(graph('v', 'w'), graph('w', 'v')))).toBe(
      'v stands in model 0 where w does in model 1',
    );
  });

  it('when constants in nodes differ', async () =>
    expect(await faultOf(twoOf(multiply(2), multiply(3)))).toContain(
      'only initializers of the main graph are merged',
    ));

  it('when they are quantised, with the node and what to do', async () => {
    const quantised = {
      nodes: [
        node('DequantizeLinear', ['w', 's'], ['d'], { name: '/fc/Dequantize' }),
        node('Mul', ['x', 'd'], ['y']),
      ],
      inputs: [floatInput],
      outputs,
      initializers: new Map([
        ['w', int64Tensor([1], [1])],
        ['s', w(1)],
      ]),
    };
    expect(await faultOf(twoOf(quantised, quantised))).toBe(
      '/fc/Dequantize DequantizeLinear holds w quantised: dequantise the models and merge before quantising',
    );
  });

  it('when there is none, or the base is of another graph', async () => {
    expect(await faultOf([])).toBe('there is no model');
    const method = { kind: 'task-arithmetic', weights: [1] } as const;
    expect(await faultOf([mlp(1)], { method, base: { model: mlp(1, [6]) } })).toContain('in the base');
  });
});
