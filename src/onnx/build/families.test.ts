import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { unwrap } from '../../core/result.ts';
import type { Model, Tensor } from '../ir/types.ts';
import type { DecoderSpec } from './decoder/spec.ts';
import { buildDecoder } from './decoder.ts';
import { countParameters, describeParameters, type ModelSpec } from './families.ts';
import { buildFedAvgCnn, paperCnn } from './fedAvgCnn.ts';
import { buildMlp, type MlpSpec } from './mlp.ts';
import { maxParameters, trainableNames, type Weights } from './parameters.ts';
import { buildResNet, type ResNetSpec } from './resNet.ts';
import { float32Tensor, int64Tensor } from './tensors.ts';
import {
  brokenRules,
  floatsOf,
  operatorsOf,
  trainableOperators,
  unusedInitializers,
  weightsHash,
} from './testSupport.ts';
import { buildTextClassifier, type TextClassifierSpec } from './textClassifier.ts';

const zeros: Weights = { kind: 'zeros' };
const mlp: MlpSpec = { family: 'mlp', inputs: 784, hidden: [200, 200], outputs: 10, activation: 'relu' };
const smallMlp: MlpSpec = { ...mlp, inputs: 3, hidden: [4], outputs: 2 };
const resNet: ResNetSpec = {
  family: 'resnet',
  image: 32,
  channels: 3,
  classes: 10,
  blocks: 3,
  width: 16,
  groups: 8,
  shortcut: 'padding',
};
const text: TextClassifierSpec = {
  family: 'text-classifier',
  vocab: 50,
  embedding: 8,
  hidden: [6],
  classes: 3,
  activation: 'tanh',
};
const llama135: DecoderSpec = {
  family: 'decoder',
  vocab: 49_152,
  hidden: 576,
  layers: 30,
  heads: 9,
  kvHeads: 3,
  intermediate: 1536,
  context: 2048,
  norm: 'rms',
  epsilon: 1e-5,
  positions: { kind: 'rotary', theta: 10_000 },
  mlp: 'swiglu',
  bias: 'none',
  tied: true,
};
const gpt2: DecoderSpec = {
  ...llama135,
  vocab: 50_257,
  hidden: 768,
  layers: 12,
  heads: 12,
  kvHeads: 12,
  intermediate: 3072,
  context: 1024,
  norm: 'layer',
  positions: { kind: 'learned' },
  mlp: 'gelu',
  bias: 'all',
};

describe('the number of parameters is the published one', () => {
  it.each<[string, ModelSpec, number]>([
    ['MLP 784-200-200-10 (McMahan et al. 2017)', mlp, 199_210],
    ['FedAvg CNN (McMahan et al. 2017)', paperCnn, 1_663_370],
    ['ResNet-20, shortcuts A (He et al. 2016: 0.27 M)', resNet, 269_722],
    ['ResNet-20, shortcuts B', { ...resNet, shortcut: 'projection' }, 272_474],
    ['ResNet-56, shortcuts A (0.85 M)', { ...resNet, blocks: 9 }, 853_018],
    ['Llama of 135 M', llama135, 134_515_008],
    ['GPT-2 of 124 M', gpt2, 124_439_808],
    [
      'Llama-3.2-1B',
      {
        ...llama135,
        vocab: 128_256,
        hidden: 2048,
        layers: 16,
        heads: 32,
        kvHeads: 8,
        intermediate: 8192,
      },
      1_235_814_400,
    ],
    [
      'Qwen2-0.5B, with biases of q, k and v',
      {
        ...llama135,
        vocab: 151_936,
        hidden: 896,
        layers: 24,
        heads: 14,
        kvHeads: 2,
        intermediate: 4864,
        bias: 'qkv',
      },
      494_032_768,
    ],
  ])('%s', (_, spec, count) => {
    expect(unwrap(countParameters(spec))).toBe(count);
  });
});

const models: readonly (readonly [string, ModelSpec, Model])[] = [
  ['MLP', mlp, unwrap(buildMlp(mlp, zeros))],
  [
    'MLP with GELU',
    { ...smallMlp, activation: 'gelu' },
    unwrap(buildMlp({ ...smallMlp, activation: 'gelu' }, zeros)),
  ],
  ['logistic regression', { ...mlp, hidden: [] }, unwrap(buildMlp({ ...mlp, hidden: [] }, zeros))],
  ['FedAvg CNN', paperCnn, unwrap(buildFedAvgCnn(paperCnn, zeros))],
  ['ResNet-20 A', resNet, unwrap(buildResNet(resNet, zeros))],
  [
    'ResNet-20 B',
    { ...resNet, shortcut: 'projection' },
    unwrap(buildResNet({ ...resNet, shortcut: 'projection' }, zeros)),
  ],
  ['text classifier', text, unwrap(buildTextClassifier(text, zeros))],
  ['Llama for training', llama135, unwrap(buildDecoder(llama135, { kind: 'training', sequence: 64 }, zeros))],
  ['GPT-2 for training', gpt2, unwrap(buildDecoder(gpt2, { kind: 'training', sequence: 64 }, zeros))],
];

describe.each(models)('%s', (_, spec, model) => {
  it('defines every value once and before its use, and uses what it defines', () => {
    expect(brokenRules(model)).toEqual([]);
    expect(unusedInitializers(model)).toEqual([]);
  });

  it('is made of operators that have a gradient', () => {
    expect([...operatorsOf(model)].filter((op) => !trainableOperators.has(op))).toEqual([]);
    expect([...model.opsets.keys()]).toEqual(['']);
  });

  it('holds the parameters that the spec lists, in their shapes', () => {
    const listed = unwrap(describeParameters(spec)).map(({ name, dims }) => [name, dims]);
    const held = trainableNames(model).map((name) => [name, model.graph.initializers.get(name)?.dims]);
    expect(new Map(held as [])).toEqual(new Map(listed as []));
    expect(held).toHaveLength(listed.length);
  });

  it('gives logits for every example of a batch', () => {
    expect(model.graph.outputs.map(({ name }) => name)).toEqual(['logits']);
    for (const { type } of [...model.graph.inputs, ...model.graph.outputs])
      expect(type.kind === 'tensor' && type.shape?.[0]).toBe('batch');
  });
});

describe('weights from a seed', () => {
  const build = (seed: number) => buildMlp(smallMlp, { kind: 'seed', seed });

  it('are the same bytes on every machine', () => {
    expect(weightsHash(unwrap(build(42)))).toMatchInlineSnapshot(
      `"1f4c53f78edd9c9ae65b00b6ac765906d39c73ea315c603f4dd6bf99c8c3a6fc"`,
    );
    expect(weightsHash(unwrap(build(42)))).toBe(weightsHash(unwrap(build(42))));
    expect(weightsHash(unwrap(build(43)))).not.toBe(weightsHash(unwrap(build(42))));
  });

  it('are spread as He and Glorot say, and biases are 0', () => {
    const { initializers } = unwrap(buildMlp(mlp, { kind: 'seed', seed: 1 })).graph;
    const deviation = (values: readonly number[]) =>
      Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
    expect(deviation(floatsOf(initializers.get('fc0.weight')))).toBeCloseTo(Math.sqrt(2 / 784), 3);
    const last = floatsOf(initializers.get('fc2.weight'));
    expect(Math.max(...last.map(Math.abs))).toBeLessThanOrEqual(Math.fround(Math.sqrt(6 / 210)));
    expect(deviation(last)).toBeCloseTo(Math.sqrt(6 / 210 / 3), 2);
    expect(new Set(floatsOf(initializers.get('fc1.bias')))).toEqual(new Set([0]));
  });

  it.each([-1, 1.5, 2 ** 53, Number.NaN])('need a seed that is a safe integer, not %s', (seed) => {
    expect(build(seed)).toMatchObject({ ok: false, error: { code: 'invalid' } });
  });
});

describe('weights that are given', () => {
  const given = (change: (tensors: Map<string, Tensor>) => void) => {
    const { initializers } = unwrap(buildMlp(smallMlp, { kind: 'seed', seed: 1 })).graph;
    const tensors = new Map(initializers);
    change(tensors);
    return buildMlp(smallMlp, { kind: 'given', tensors });
  };

  it('are the model’s', () => {
    const model = unwrap(
      given((tensors) => tensors.set('fc1.bias', float32Tensor([2], Float32Array.of(5, 6)))),
    );
    expect(floatsOf(model.graph.initializers.get('fc1.bias'))).toEqual([5, 6]);
  });

  it('are refused with everything that does not fit, at once', () => {
    const refused = given((tensors) => {
      tensors.delete('fc0.bias');
      tensors.set('fc9.bias', float32Tensor([1], Float32Array.of(1)));
      tensors.set('fc1.bias', float32Tensor([3], new Float32Array(3)));
    });
    expect(!refused.ok && refused.error.message).toBe(
      "the weights don't fit the model. missing: fc0.bias. not wanted: fc9.bias. of another shape: fc1.bias is [3], not [2]",
    );
  });

  it('are refused if they are no floats', () => {
    const refused = given((tensors) => tensors.set('fc1.bias', int64Tensor([2], [1, 2])));
    expect(refused).toMatchObject({ ok: false, error: { code: 'unsupported' } });
  });
});

describe('a spec that makes no sense is refused with all that is wrong', () => {
  it.each<[ModelSpec, string]>([
    [
      { ...mlp, inputs: 0, activation: 'sin' as 'relu' },
      'mlp: inputs is 0, and must be a whole number from 1 to 1048576; activation is "sin", and must be "relu" or "gelu" or "tanh"',
    ],
    [{ ...mlp, hidden: [4, -1] }, 'mlp: hidden[1] is -1, and must be a whole number from 1 to 65536'],
    [{ ...mlp, hidden: 'x' as never }, 'mlp: hidden must be a list of at most 64'],
    [{ ...paperCnn, image: 30 }, 'fedavg-cnn: two poolings (4) does not divide image (30)'],
    [{ ...resNet, groups: 5 }, 'resnet: groups (5) does not divide width (16)'],
    [{ ...llama135, kvHeads: 2 }, 'decoder: kvHeads (2) does not divide heads (9)'],
    [{ ...gpt2, heads: 7, kvHeads: 7 }, 'decoder: heads (7) does not divide hidden (768)'],
    [
      { ...llama135, positions: undefined as never },
      'decoder: positions.kind is undefined, and must be "rotary" or "learned"',
    ],
  ])('%#', (spec, message) => {
    expect(countParameters(spec)).toEqual({ ok: false, error: { code: 'invalid', message } });
  });

  it('is too large if no browser can hold it', () => {
    const huge = { ...llama135, hidden: 8192, heads: 64, kvHeads: 8, intermediate: 28_672, layers: 80 };
    expect(unwrap(countParameters(huge))).toBeGreaterThan(maxParameters);
    const refused = buildDecoder(huge, { kind: 'serving' }, zeros);
    expect(refused).toMatchObject({ ok: false, error: { code: 'too-large' } });
  });
});

describe('whatever a spec holds', () => {
  /** A right value mostly, and anything otherwise, also in the objects within. */
  const odd = (value: unknown): fc.Arbitrary<unknown> =>
    fc.oneof(
      { weight: 12, arbitrary: isObject(value) ? strange(value) : fc.constant(value) },
      { weight: 1, arbitrary: fc.anything({ maxDepth: 1 }) },
      { weight: 1, arbitrary: fc.integer({ min: -1, max: 9 }) },
    );
  const strange = (spec: object): fc.Arbitrary<unknown> =>
    fc.record(Object.fromEntries(Object.entries(spec).map(([key, value]) => [key, odd(value)])));
  const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;
  const scaling = { factor: 8, lowFrequency: 1, highFrequency: 4, originalContext: 16 };
  const small = { vocab: 5, hidden: 32, layers: 1, heads: 2, kvHeads: 1, intermediate: 4, context: 4 };
  const specs: readonly (readonly [string, object, (spec: never) => { readonly ok: boolean }])[] = [
    ['mlp', smallMlp, (spec) => buildMlp(spec, zeros)],
    ['cnn', { ...paperCnn, image: 8, hidden: 4 }, (spec) => buildFedAvgCnn(spec, zeros)],
    ['resnet', { ...resNet, image: 8, blocks: 1 }, (spec) => buildResNet(spec, zeros)],
    ['text', text, (spec) => buildTextClassifier(spec, zeros)],
    [
      'decoder for training',
      { ...llama135, ...small, positions: { kind: 'rotary', theta: 1e4, scaling } },
      (spec) => buildDecoder(spec, { kind: 'training', sequence: 2 }, zeros),
    ],
    ['decoder', { ...gpt2, ...small }, (spec) => buildDecoder(spec, { kind: 'serving' }, zeros)],
  ];

  it.each(specs)('%s is built by the rules or refused', (_, spec, build) => {
    fc.assert(
      fc.property(strange(spec), (changed) => {
        const result = build(changed as never) as ReturnType<typeof buildMlp>;
        if (result.ok) expect(brokenRules(result.value)).toEqual([]);
        else expect(result.error.message).not.toBe('');
      }),
      { seed: 11, numRuns: 150 },
    );
  });
});
