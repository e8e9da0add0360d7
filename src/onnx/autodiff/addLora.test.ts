import { describe, expect, it } from 'vitest';
import { unwrap } from '../../core/result.ts';
import { bindDims } from '../bindDims.ts';
import { buildDecoder } from '../build/decoder.ts';
import { float32Tensor, readFloat32 } from '../build/tensors.ts';
import { inferTypes } from '../infer.ts';
import { float, int } from '../ir/attributes.ts';
import type { Model, Node, Tensor } from '../ir/types.ts';
import { evaluate } from '../reference/evaluate.ts';
import type { NdArray, RealArray } from '../reference/ndArray.ts';
import { node } from '../testDoubles.ts';
import { verifyModel } from '../verify.ts';
import { adapterOf, addLora, type LoraOptions } from './addLora.ts';
import { knownValues } from './emitter.ts';
import { classes, drawn, float32, randomBy, real, toValue, uint8, valuesOf, wide } from './testDoubles.ts';
import { eightBitTrunk, fourBitTrunk } from './testTrunks.ts';
import { buildTrainingGraph } from './trainingGraph.ts';

const options = { rank: 2, alpha: 3, seed: 1 };

const decoder = (tied: boolean): Model =>
  unwrap(
    bindDims(
      unwrap(
        buildDecoder(
          {
            family: 'decoder',
            vocab: 11,
            hidden: 8,
            layers: 2,
            heads: 2,
            kvHeads: 1,
            intermediate: 20,
            context: 16,
            epsilon: 1e-5,
            bias: 'none',
            tied,
            norm: 'rms',
            positions: { kind: 'rotary', theta: 10_000 },
            mlp: 'swiglu',
          },
          { kind: 'training', sequence: 5 },
          { kind: 'seed', seed: 3 },
        ),
      ),
      { batch: 2 },
    ),
  );

const logitsOf = (model: Model) => {
  const ids = wide([2, 5], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  return valuesOf(unwrap(evaluate(model, new Map([['input_ids', ids]]))).get('logits'));
};

/** x[4, 3] or [3, 4] through one node with weight w, to y[4, 5]. */
const modelOf = (
  nodes: readonly Node[],
  initializers: Readonly<Record<string, Tensor>>,
  dims: readonly number[] = [4, 3],
): Model => ({
  irVersion: 10,
  opsets: new Map([
    ['', 21],
    ['com.microsoft', 1],
  ]),
  functions: [],
  metadata: {},
  graph: {
    name: 'layer',
    nodes,
    inputs: [toValue('x', 'float32', dims)],
    outputs: [toValue('y', 'float32', [4, 5])],
    initializers: new Map(Object.entries(initializers)),
    values: new Map(),
  },
});

const drawnTensor = (dims: readonly number[], seed: number): Tensor =>
  float32(drawn(dims, randomBy(seed), [-1, 1]));
const w = drawnTensor([3, 5], 1);
const turned = drawnTensor([5, 3], 2);
const bias = drawnTensor([5], 3);
const gemm = (attributes: Node['attributes'] = {}) => node('Gemm', ['x', 'w', 'bias'], ['y'], { attributes });
const layers: readonly (readonly [string, Model, (factor: number) => number])[] = [
  ['MatMul', modelOf([node('MatMul', ['x', 'w'], ['y'])], { w }), (k) => k],
  ['Gemm', modelOf([gemm()], { w, bias }), (k) => k],
  [
    'Gemm, all turned',
    modelOf(
      [gemm({ transA: int(1), transB: int(1), alpha: float(0.5), beta: float(2) })],
      { w: turned, bias },
      [3, 4],
    ),
    (k) => k / 2,
  ],
  [
    'DequantizeLinear and MatMul',
    modelOf([node('DequantizeLinear', ['w', 'scale'], ['f']), node('MatMul', ['x', 'f'], ['y'])], {
      w: { dtype: 'int8', dims: [3, 5], data: { kind: 'bytes', bytes: new Uint8Array(15).fill(250) } },
      scale: float32(real([], [0.1])),
    }),
    (k) => k,
  ],
  [
    'MatMulNBits',
    modelOf(
      [
        node('MatMulNBits', ['x', 'w', 'scales', '', '', 'bias'], ['y'], {
          domain: 'com.microsoft',
          attributes: { K: int(3), N: int(5), bits: int(4), block_size: int(16) },
        }),
      ],
      {
        w: uint8({ dims: [5, 1, 8], values: Array.from({ length: 40 }, (_, at) => at * 5) }),
        scales: drawnTensor([5], 4),
        bias,
      },
    ),
    (k) => k,
  ],
];

const lorafied = (model: Model, more: Partial<LoraOptions> = {}) =>
  unwrap(addLora(model, { ...options, targets: ['w'], ...more }));

const withInitializer = (model: Model, name: string, tensor: Tensor): Model => ({
  ...model,
  graph: { ...model.graph, initializers: new Map(model.graph.initializers).set(name, tensor) },
});

const outputOf = (model: Model, x: NdArray) =>
  valuesOf(unwrap(evaluate(model, new Map([['x', x]]))).get('y'));

describe('an adapter beside', () => {
  it.each(layers)('%s changes nothing at first, and then adds x·A·B·α/r', (_name, model, factorOf) => {
    const { model: adapted, trainable } = lorafied(model);
    expect(verifyModel(adapted)).toEqual([]);
    expect(trainable).toEqual(['w.lora_A', 'w.lora_B']);
    const x = drawn(layers[2]?.[1] === model ? [3, 4] : [4, 3], randomBy(6));
    const before = outputOf(model, x);
    expect(outputOf(adapted, x)).toEqual(before);

    const b = drawnTensor([2, 5], 7);
    const after = outputOf(withInitializer(adapted, 'w.lora_B', b), x);
    const a = unwrap(readFloat32(adapted.graph.initializers.get('w.lora_A') as Tensor));
    const factors = unwrap(readFloat32(b));
    const xOf = (row: number, column: number) =>
      Number(x.dims[0] === 3 ? x.values[column * 4 + row] : x.values[row * 3 + column]);
    for (const [at, value] of after.entries()) {
      const [row, column] = [Math.floor(at / 5), at % 5];
      let product = 0;
      for (let i = 0; i < 3; i++)
        for (let r = 0; r < 2; r++)
          product += xOf(row, i) * Number(a[i * 2 + r]) * Number(factors[r * 5 + column]);
      expect(value).toBeCloseTo((before[at] ?? Number.NaN) + factorOf(1.5) * product, 10);
    }
  });
});

/** Every MatMulNBits as a MatMul of the float32 numbers that it multiplies with: what it makes of the unit matrix. */
const unpacked = (model: Model): Model => {
  const initializers = new Map(model.graph.initializers);
  const nodes = model.graph.nodes.map((packed) => {
    const [x = '', weight = ''] = packed.inputs;
    if (packed.op !== 'MatMulNBits') return packed;
    const k = Number(packed.attributes['K']?.type === 'int' ? packed.attributes['K'].value : 0);
    const unit = real(
      [k, k],
      new Float64Array(k * k).map((_, at) => (at % (k + 1) === 0 ? 1 : 0)),
    );
    const alone = { ...packed, inputs: ['x', ...packed.inputs.slice(1)], outputs: ['y'] };
    const { graph } = modelOf([alone], Object.fromEntries(model.graph.initializers), [k, k]);
    const found = unwrap(evaluate({ ...model, graph }, new Map([['x', unit]]))).get('y') as RealArray;
    initializers.set(weight, float32(found));
    return { ...packed, op: 'MatMul', domain: '', inputs: [x, weight], attributes: {} };
  });
  return { ...model, graph: { ...model.graph, nodes, initializers } };
};

/** Of adapters that do something already: what a step of size 1 takes away from each factor. */
const gradientsOf = (trunk: Model): readonly (readonly [string, readonly number[]])[] => {
  const { model, trainable } = unwrap(addLora(trunk, options));
  const { carried, graph, loss } = unwrap(
    buildTrainingGraph({
      graph: model.graph,
      known: knownValues(model.graph, unwrap(inferTypes(model))),
      loss: { kind: 'softmax-cross-entropy', logits: 'logits' },
      trainable,
      optimizer: { kind: 'sgd' },
    }),
  );
  const factors = carried.map(({ input, dims }, at) => [input, drawn(dims, randomBy(at), [-1, 1])] as const);
  const tokens = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
  const feeds = new Map<string, NdArray>([
    ['input_ids', wide([2, 5], tokens)],
    ['training.labels', classes([2, 5], tokens.toReversed())],
    ['training.rate', real([], [1])],
    ...factors,
  ]);
  const found = unwrap(evaluate({ ...model, graph }, feeds));
  expect(valuesOf(found.get(loss))[0]).toBeGreaterThan(0.1);
  return factors.map(([name, before], at) => {
    const after = valuesOf(found.get(carried[at]?.output ?? ''));
    return [name, valuesOf(before).map((value, index) => value - (after[index] ?? Number.NaN))];
  });
};

describe('adapters of a decoder', () => {
  it.each([
    ['in float32', (model: Model) => model, ''],
    ['in 4 bits', fourBitTrunk, '_Q4'],
    ['in 8 bits', eightBitTrunk, '_quantized'],
  ])('%s go beside all of attention and MLP, not the head', (_name, quantized, suffix) => {
    const model = quantized(decoder(false));
    const { model: adapted, trainable } = unwrap(addLora(model, options));
    expect(verifyModel(adapted)).toEqual([]);
    const projections = ['attn.q_proj', 'attn.k_proj', 'attn.v_proj', 'attn.o_proj'].concat([
      'mlp.gate_proj',
      'mlp.up_proj',
      'mlp.down_proj',
    ]);
    expect(trainable).toEqual(
      [0, 1].flatMap((i) =>
        projections.flatMap((name) =>
          ['A', 'B'].map((factor) => `model.layers.${i}.${name}.MatMul.weight${suffix}.lora_${factor}`),
        ),
      ),
    );
    expect(logitsOf(adapted)).toEqual(logitsOf(model));
  });

  it('get from a trunk in 4 bits the gradients that they get from the same numbers in float32', () => {
    const packed = fourBitTrunk(decoder(false));
    const [one, other] = [packed, unpacked(packed)].map((model) => gradientsOf(model));
    expect(one).toHaveLength(28);
    expect(Math.max(...(one ?? []).flatMap(([, values]) => values.map(Math.abs)))).toBeGreaterThan(0.01);
    for (const [at, [, values]] of (one ?? []).entries())
      for (const [index, value] of values.entries())
        expect(value).toBeCloseTo(other?.[at]?.[1][index] ?? Number.NaN, 6);
  });

  it('are drawn by seed, within the bound that PEFT has, and read back as a value', () => {
    const model = decoder(false);
    const { model: adapted, trainable } = unwrap(addLora(model, options));
    const again = unwrap(addLora(model, options)).model;
    const other = unwrap(addLora(model, { ...options, seed: 2 })).model;
    const weight = 'model.layers.1.mlp.down_proj.MatMul.weight';
    const factorOf = (from: Model) =>
      unwrap(readFloat32(from.graph.initializers.get(`${weight}.lora_A`) as Tensor));
    expect(factorOf(adapted)).toEqual(factorOf(again));
    expect(factorOf(adapted)).not.toEqual(factorOf(other));
    const largest = Math.max(...factorOf(adapted).map(Math.abs));
    expect(largest).toBeLessThanOrEqual(1 / Math.sqrt(20));
    expect(largest).toBeGreaterThan(0.8 / Math.sqrt(20));

    const trained = float32Tensor([2, 8], new Float32Array(16).fill(0.5));
    const adapter = unwrap(adapterOf(adapted, new Map([[`${weight}.lora_B`, trained]])));
    expect(adapter.scale).toBe(1.5);
    expect(adapter.factors.size).toBe(trainable.length / 2);
    const { a, b } = adapter.factors.get(weight) ?? {};
    expect(a?.dims).toEqual([20, 2]);
    expect(b).toBe(trained);
  });

  it('go beside whatever a function chooses', () => {
    const { trainable } = unwrap(
      addLora(decoder(false), { ...options, targets: ({ weight }) => weight.startsWith('lm_head') }),
    );
    expect(trainable).toEqual(['lm_head.MatMul.weight.lora_A', 'lm_head.MatMul.weight.lora_B']);
  });
});

describe('no adapter goes', () => {
  it.each<[string, Model, Partial<LoraOptions>, string]>([
    ['beside what is not there', decoder(false), { targets: ['w'] }, "no weight and no node 'w'"],
    [
      'beside a Softmax',
      decoder(false),
      { targets: ['/model/layers.0/attn/Softmax'] },
      "'/model/layers.0/attn/Softmax' is a Softmax",
    ],
    [
      'on embeddings that are the head as well',
      decoder(true),
      { targets: ['model.embed_tokens.weight'] },
      "'model.embed_tokens.weight' is used by Gather, Gemm",
    ],
    ['where nothing is chosen', decoder(false), { targets: () => false }, 'no linear layer is targeted'],
    ['of more rank than the weight', decoder(false), { rank: 9 }, 'a rank of 9 is more than'],
    ['of no rank', decoder(false), { rank: 0 }, 'a rank of 0'],
    ['of an alpha that is none', decoder(false), { alpha: Number.NaN }, 'alpha is NaN'],
    ['of an odd seed', decoder(false), { seed: -1 }, 'the seed is -1'],
    ['twice', unwrap(addLora(decoder(false), options)).model, {}, 'the model has adapters'],
    [
      'on a weight that is used both ways round',
      modelOf(
        [
          node('MatMul', ['x', 'w'], ['z']),
          node('Gemm', ['z', 'w'], ['h'], { attributes: { transB: int(1) } }),
          node('MatMul', ['h', 'v'], ['y']),
        ],
        { w: drawnTensor([3, 3], 1), v: drawnTensor([3, 5], 2) },
      ),
      { targets: ['w'] },
      "'w' is used by MatMul, Gemm",
    ],
  ])('%s', (_name, model, more, message) => {
    const result = addLora(model, { ...options, ...more });
    expect(result.ok ? '' : result.error.message).toContain(message);
  });

  it('out of a model without any, or with factors of another shape', () => {
    const none = adapterOf(decoder(false));
    expect(none.ok ? '' : none.error.message).toContain('no adapter');
    const { model } = lorafied(layers[0]?.[1] as Model);
    const odd = adapterOf(model, new Map([['w.lora_A', bias]]));
    expect(odd.ok ? '' : odd.error.message).toContain("'w.lora_A' is float32 [5], not float32 [3,2]");
  });
});
