import { beforeAll, describe, expect, it } from 'vitest';
import { unwrap } from '../../core/result.ts';
import { buildDecoder } from '../build/decoder.ts';
import { createGraphBuilder } from '../build/graphBuilder.ts';
import { buildResNet } from '../build/resNet.ts';
import { float32Tensor } from '../build/tensors.ts';
import { int } from '../ir/attributes.ts';
import { bitsOfNumber } from '../ir/tensor.ts';
import type { Model, Tensor } from '../ir/types.ts';
import { verifyModel } from '../verify.ts';
import { planStages } from './planStages.ts';
import { optimumDecoder } from './testOptimumDecoder.ts';
import {
  compareRuns,
  compareStages,
  quantizedProducts,
  runWhole,
  shuffled,
  startRuntime,
  withOpaqueNames,
} from './testSupport.ts';
import type { PlanOptions, Stage } from './types.ts';

beforeAll(startRuntime);

const seed = { kind: 'seed', seed: 5 } as const;
const decoder = {
  family: 'decoder',
  vocab: 11,
  hidden: 64,
  layers: 3,
  heads: 4,
  kvHeads: 2,
  intermediate: 96,
  context: 64,
  epsilon: 1e-5,
  bias: 'none',
  tied: true,
} as const;
const llama = {
  ...decoder,
  norm: 'rms',
  positions: { kind: 'rotary', theta: 10_000 },
  mlp: 'swiglu',
} as const;
const gpt = {
  ...decoder,
  kvHeads: 4,
  bias: 'all',
  norm: 'layer',
  positions: { kind: 'learned' },
  mlp: 'gelu',
} as const;
const serving = { kind: 'serving' } as const;
const training = { kind: 'training', sequence: 12 } as const;
const optimum = { vocab: 11, hidden: 64, layers: 3, heads: 4, kvHeads: 2, intermediate: 96 } as const;
const resNet = {
  family: 'resnet',
  image: 8,
  channels: 3,
  classes: 4,
  blocks: 2,
  width: 4,
  groups: 2,
  shortcut: 'projection',
} as const;

const served = () => unwrap(buildDecoder(llama, serving, seed));
const generation = [9, 1, 1];
const equal = (stages: number, more: Partial<PlanOptions> = {}): PlanOptions => ({
  capacities: Array.from({ length: stages }, () => 1),
  ...more,
});
const stagesOf = (model: Model, options: PlanOptions): readonly Stage[] =>
  unwrap(planStages(model, options)).stages;
const names = (ports: readonly { readonly name: string }[]) => ports.map(({ name }) => name);
const refusalOf = (model: Model, options: PlanOptions) => {
  const plan = planStages(model, options);
  return plan.ok ? undefined : plan.error;
};

describe('stages compute together what the whole does, to the last bit:', () => {
  const all = [2, 3, 4];
  const forms: readonly (readonly [string, () => Model, readonly number[], readonly number[]])[] = [
    ['a Llama for serving', served, generation, all],
    ['a GPT for serving', () => unwrap(buildDecoder(gpt, serving, seed)), generation, all],
    ['a Llama of 4 bits', () => quantizedProducts(served(), 4), generation, [3]],
    ['a Llama of 8 bits', () => quantizedProducts(served(), 8), generation, [3]],
    ['a Llama for training', () => unwrap(buildDecoder(llama, training, seed)), [12], all],
    ['a GPT for training', () => unwrap(buildDecoder(gpt, training, seed)), [12], all],
    ['a traced Llama', () => optimumDecoder(optimum), generation, all],
    ['a traced Llama of 8 bits', () => quantizedProducts(optimumDecoder(optimum), 8), generation, [3]],
    ['a ResNet', () => unwrap(buildResNet(resNet, seed)), [1], all],
  ];

  it.each(forms)('%s', { timeout: 30_000 }, async (_name, build, lengths, counts) => {
    const model = build();
    const plans = counts.map((stages) => unwrap(planStages(model, equal(stages))));
    const whole = await runWhole(model, plans[0] ?? { stages: [] }, { lengths, batch: 2 });
    for (const [i, plan] of plans.entries()) {
      expect(plan.stages).toHaveLength(counts[i] ?? 0);
      for (const stage of plan.stages) expect(verifyModel(stage.model)).toEqual([]);
      const run = await compareStages(whole, plan);
      expect(run.differing).toBe(0);
      expect(run.largest).toBeGreaterThan(0.01);
    }
  });

  it('whatever its values are called and in whatever order its nodes are', async () => {
    for (const build of [served, () => optimumDecoder(optimum)]) {
      const model = build();
      const { model: opaque, names: opaqueOf } = withOpaqueNames(shuffled(model, 4));
      const plan = unwrap(planStages(opaque, equal(3)));
      const known = stagesOf(model, equal(3));
      const rename = (name: string) => opaqueOf.get(name) ?? name;
      for (const [i, stage] of plan.stages.entries()) {
        const weights = known[i]?.tensors.filter(({ name }) => opaqueOf.has(name)) ?? [];
        expect(names(stage.tensors)).toEqual(expect.arrayContaining(names(weights).map(rename)));
        expect(stage.bytes).toBe(known[i]?.bytes);
      }
      const roles = new Map([...opaqueOf].map(([name, other]) => [other, name]));
      const run = await compareRuns(opaque, plan, { lengths: generation, roles });
      expect(run.differing).toBe(0);
    }
  });

  it('with a length instead of the mask, and tables as long as the context that is used', async () => {
    for (const model of [served(), optimumDecoder(optimum)]) {
      const plan = unwrap(planStages(model, equal(3, { ones: ['attention_mask'], maxContext: 12 })));
      for (const { inputs, model: part } of plan.stages) {
        expect(names(inputs)).not.toContain('attention_mask');
        expect(inputs.find(({ name }) => name === 'attention_mask.length')).toMatchObject({
          dtype: 'int64',
          shape: [1],
          from: 'shared',
        });
        for (const name of ['cos_cache', 'sin_cache'])
          expect(part.graph.initializers.get(name)?.dims ?? [12, 8]).toEqual([12, 8]);
      }
      const run = await compareRuns(model, plan, { lengths: generation, batch: 2 });
      expect(run.differing).toBe(0);
    }
  });

  it('infinities and negative zeros too, which the sum of a fused norm carries', async () => {
    for (const bias of [[], ['bias']]) {
      const model = fusedNorm('float32', bias);
      const plan = unwrap(planStages(model, beforeTheNorm));
      expect(plan.stages[0]?.sent).toMatchObject({ form: 'sum', shape: ['batch', 'length', 16] });
      const odd = [Number.POSITIVE_INFINITY, -0, 0, -0, 1e-45, 3e38];
      const run = await compareRuns(model, plan, { lengths: [3], odd });
      expect(run).toMatchObject({ differing: 0, largest: Number.POSITIVE_INFINITY });
    }
  });
});

const beforeTheNorm: PlanOptions = { capacities: [1, 100] };

/** Two tensors that a fused norm adds, and both of what it gives. */
const fusedNorm = (dtype: 'float32' | 'float16', bias: readonly string[]): Model => {
  const b = createGraphBuilder({ name: 'norm', domains: { 'com.microsoft': 1 } });
  const weight = (name: string, dims: readonly number[]) => {
    const count = dims.reduce((a, c) => a * c);
    const values = Float32Array.from({ length: count }, (_, i) => Math.sin(i + 1));
    const bits = Uint16Array.from(values, (value) => bitsOfNumber('float16', value));
    const halves: Tensor = { dtype, dims, data: { kind: 'bytes', bytes: new Uint8Array(bits.buffer) } };
    return b.initializer(name, dtype === 'float32' ? float32Tensor(dims, values) : halves);
  };
  b.input('x', dtype, ['batch', 'length', 16]);
  const first = b.node('Mul', ['x', weight('a', [16])]);
  const parameters = ['gamma', 'beta', ...bias].map((name) => weight(name, [16]));
  const operands = [first, 'x', ...parameters];
  b.nodeOf(
    4,
    'SkipLayerNormalization',
    operands,
    { epsilon: { type: 'float', value: 1e-5 } },
    { domain: 'com.microsoft', outputs: ['normal', '', '', 'sum'] },
  );
  b.node('MatMul', ['normal', weight('b', [16, 16])], {}, { outputs: ['y'] });
  b.output('y', dtype, ['batch', 'length', 16]);
  b.output('sum', dtype, ['batch', 'length', 16]);
  return b.build();
};

describe('a plan', () => {
  it('sends one tensor of one width between any two stages, and no text', () => {
    for (const model of [served(), optimumDecoder(optimum), unwrap(buildDecoder(llama, training, seed))]) {
      const stages = stagesOf(model, equal(4));
      for (const [i, stage] of stages.entries()) {
        expect(stage.received).toEqual(stages[i - 1]?.sent);
        expect(stage.outputs.filter(({ to }) => to === 'next')).toHaveLength(i === 3 ? 0 : 1);
        expect(stage.sent?.shape.at(-1) ?? 64).toBe(64);
        expect(names(stage.inputs).includes('input_ids')).toBe(i === 0);
      }
    }
  });

  it('puts what a norm in 16 bits would add side by side: its sum may have fewer bits than the norm adds with', async () => {
    const model = fusedNorm('float16', []);
    const plan = unwrap(planStages(model, beforeTheNorm));
    const [first, second] = plan.stages;
    expect(first?.sent).toMatchObject({
      form: 'pair',
      dtype: 'float16',
      shape: ['batch', 'length', 32],
    });
    expect(second?.model.graph.nodes.map(({ op }) => op)).toEqual([
      'Slice',
      'Slice',
      'SkipLayerNormalization',
      'MatMul',
    ]);
    expect((await compareRuns(model, plan, { lengths: [5] })).differing).toBe(0);
  });

  it('has every weight in a stage, none that nothing uses, and caches with their layers', () => {
    const model = served();
    const unused = float32Tensor([2], new Float32Array(2));
    const initializers = new Map([...model.graph.initializers, ['unused', unused]]);
    const stages = stagesOf({ ...model, graph: { ...model.graph, initializers } }, equal(3));
    const placed = new Set(stages.flatMap(({ tensors }) => names(tensors)));
    for (const name of model.graph.initializers.keys()) expect(placed).toContain(name);
    expect(placed).not.toContain('unused');
    expect(stages.map(({ caches }) => caches.length)).toEqual([2, 2, 2]);
    for (const { caches, tensors } of stages)
      for (const { past, present } of caches) {
        const [, layer = '', part = ''] = /^past_key_values\.(\d+)\.(.+)$/.exec(past) ?? [];
        expect(present).toBe(`present.${layer}.${part}`);
        expect(names(tensors)).toContain(`model.layers.${layer}.attn.qkv_proj.MatMul.weight`);
      }
  });

  it('follows the capacities: twice as much where twice as much can be held', () => {
    const model = unwrap(buildDecoder({ ...llama, layers: 12 }, serving, seed));
    const [large, small] = stagesOf(model, { capacities: [2, 1] });
    expect((large?.bytes ?? 0) / (small?.bytes ?? 1)).toBeCloseTo(2, 0);
    const bytes = stagesOf(model, { capacities: [1, 3, 2] }).map((stage) => stage.bytes);
    const total = bytes.reduce((a, b) => a + b);
    for (const [i, share] of [1 / 6, 3 / 6, 2 / 6].entries())
      expect(Math.abs((bytes[i] ?? 0) / total - share)).toBeLessThan(0.05);
  });

  it('counts multiplications where speed is shared out: a table of words costs none, the head does', () => {
    const model = unwrap(buildDecoder({ ...llama, vocab: 2_000 }, serving, seed));
    const layersOf = (cost: 'bytes' | 'flops') =>
      stagesOf(model, equal(2, { cost })).map(({ caches }) => caches.length / 2);
    expect(layersOf('bytes')).toEqual([2, 1]);
    expect(layersOf('flops')).toEqual([3, 0]);
  });

  it('lists tied embeddings in the first stage and in the last', () => {
    const stages = stagesOf(served(), equal(3));
    const holders = stages.map(({ tensors }) => names(tensors).includes('lm_head.MatMul.weight'));
    expect(holders).toEqual([true, false, true]);
  });

  it('is written as JSON but for its models', () => {
    const described = stagesOf(served(), equal(2)).map(({ model: _, ...rest }) => rest);
    expect(JSON.parse(JSON.stringify(described))).toEqual(
      described.map((stage) => Object.fromEntries(Object.entries(stage).filter(([, v]) => v !== undefined))),
    );
  });
});

describe('what cannot be cut is refused, and says why:', () => {
  it('layers that share a cache', () => {
    const model = optimumDecoder({ ...optimum, sharesCacheFrom: 1 });
    const refused = refusalOf(model, equal(9));
    expect(refused?.code).toBe('unsupported');
    expect(refused?.message).toBe(
      '9 stages need 8 places where one tensor is all that goes on from "input_ids", and there are 5 places: behind Add "/model/layers.0/Add", where least goes on, these do: "present.0.key", "present.0.value", "/model/layers.0/Add/output_0"',
    );
  });

  it('a cache that is read at both ends', () => {
    const model = served();
    const nodes = model.graph.nodes.map((node) =>
      node.op === 'GroupQueryAttention'
        ? { ...node, inputs: node.inputs.map((name) => name.replace(/values\.\d\.key/, 'values.0.key')) }
        : node,
    );
    const inputs = model.graph.inputs.filter(({ name }) => !/[1-2]\.key/.test(name));
    const refused = refusalOf({ ...model, graph: { ...model.graph, nodes, inputs } }, equal(9));
    expect(refused?.message).toContain('"past_key_values.0.key" is used before and after');
  });

  it('more stages than there are places', () => {
    const refused = refusalOf(unwrap(buildDecoder({ ...llama, layers: 1 }, serving, seed)), equal(9));
    expect(refused?.message).toContain('9 stages need 8 places');
  });

  it('a model within one node', () => {
    const model = served();
    const then = { ...model.graph, inputs: [], outputs: model.graph.outputs };
    const b = createGraphBuilder({ name: 'merged', domains: { 'com.microsoft': 1 } });
    b.input('use_cache_branch', 'bool', [1]);
    const whole = b.build();
    const branch = { type: 'graph', value: then } as const;
    const made = model.graph.outputs.map(({ name }) => name);
    const cond = {
      op: 'If',
      domain: '',
      name: 'optimum::if',
      inputs: ['use_cache_branch'],
      outputs: made.map((name) => `${name}/merged`),
      attributes: { then_branch: branch, else_branch: branch },
    };
    const outputs = model.graph.outputs.map((value) => ({ ...value, name: `${value.name}/merged` }));
    const inputs = [...whole.graph.inputs, ...model.graph.inputs];
    const merged = { ...whole, graph: { ...whole.graph, nodes: [cond], inputs, outputs } };
    const refused = refusalOf(merged, equal(2));
    expect(refused).toMatchObject({ code: 'unsupported' });
    expect(refused?.message).toContain('there are 0 places');
  });

  it('a shape of something in another stage whose dimensions have no names', () => {
    const model = optimumDecoder(optimum);
    const inputs = model.graph.inputs.map((value) =>
      value.name.startsWith('past') && value.type.kind === 'tensor'
        ? { ...value, type: { ...value.type, shape: ['batch_size', 2, undefined, 16] } }
        : value,
    );
    const refused = refusalOf({ ...model, graph: { ...model.graph, inputs } }, equal(2));
    expect(refused?.code).toBe('unsupported');
    expect(refused?.message).toContain('the shape of "past_key_values.0.key", which is in another stage');
    expect(refused?.message).toContain('a dimension without a name');
  });

  it.each([
    [{ capacities: [] }, '0 capacities'],
    [{ capacities: [1, 0] }, 'a capacity is 0'],
    [{ capacities: [1, Number.NaN] }, 'a capacity is NaN'],
    [{ capacities: [1], maxContext: 0 }, 'maxContext is 0'],
    [{ capacities: [1], gap: -1 }, 'gap is -1'],
    [{ capacities: [1], ones: ['mask'] }, '"mask" is to be all ones'],
  ] as const)('%j', (options, message) => {
    expect(refusalOf(served(), options)?.message).toContain(message);
  });

  it('a model that breaks the rules', () => {
    const model = served();
    const nodes = model.graph.nodes.slice(1);
    expect(refusalOf({ ...model, graph: { ...model.graph, nodes } }, equal(2))?.code).toBe('invalid');
  });
});

describe('states other than keys and values', () => {
  it('go with the layer that reads them', async () => {
    const b = createGraphBuilder({ name: 'convolutions' });
    let x = b.input('x', 'float32', ['batch', 4, 'length']);
    for (let i = 0; i < 4; i++) {
      const scope = b.scope(`layers.${i}`);
      const state = b.input(`state.${i}`, 'float32', ['batch', 4, 2]);
      const joined = scope.node('Concat', [state, x], { axis: int(2) });
      const from = [b.ints([-2]), b.ints([2 ** 31]), b.ints([2])];
      scope.node('Slice', [joined, ...from], {}, { outputs: [`next.${i}`] });
      b.output(`next.${i}`, 'float32', ['batch', 4, 2]);
      const values = Float32Array.from({ length: 48 }, (_, k) => Math.cos(k + i));
      const kernel = b.initializer(`kernel.${i}`, float32Tensor([4, 4, 3], values));
      x = scope.node('Add', [x, scope.node('Conv', [joined, kernel])]);
    }
    b.output(x, 'float32', ['batch', 4, 'length']);
    const model = b.build();
    const plan = unwrap(planStages(model, equal(2)));
    expect(plan.stages.map(({ caches }) => caches)).toEqual([
      [0, 1].map((i) => ({ past: `state.${i}`, present: `next.${i}` })),
      [2, 3].map((i) => ({ past: `state.${i}`, present: `next.${i}` })),
    ]);
    expect((await compareRuns(model, plan, { lengths: [5, 1, 1] })).differing).toBe(0);
  });
});
