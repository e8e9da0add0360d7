import { describe, expect, it } from 'vitest';
import { unwrap } from '../../../core/result.ts';
import type { Model, Node, Tensor } from '../../ir/types.ts';
import { buildDecoder } from '../decoder.ts';
import { createStream, fillNormal } from '../random.ts';
import { float32Tensor } from '../tensors.ts';
import { brokenRules, floatsOf, longs, unusedInitializers, weightsHash } from '../testSupport.ts';
import { type CheckpointNames, fromCheckpoint, toCheckpoint } from './huggingFace.ts';
import { decoderParameters } from './parameters.ts';
import { rotaryTable } from './rotary.ts';
import type { DecoderSpec } from './spec.ts';

const llama: DecoderSpec = {
  family: 'decoder',
  vocab: 6,
  hidden: 32,
  layers: 2,
  heads: 2,
  kvHeads: 1,
  intermediate: 8,
  context: 16,
  norm: 'rms',
  epsilon: 1e-5,
  positions: { kind: 'rotary', theta: 10_000 },
  mlp: 'swiglu',
  bias: 'none',
  tied: true,
};
const gpt2: DecoderSpec = {
  ...llama,
  kvHeads: 2,
  norm: 'layer',
  positions: { kind: 'learned' },
  mlp: 'gelu',
  bias: 'all',
};
const seed = { kind: 'seed', seed: 5 } as const;
const serve = (spec: DecoderSpec) => unwrap(buildDecoder(spec, { kind: 'serving' }, seed));
const train = (spec: DecoderSpec) => unwrap(buildDecoder(spec, { kind: 'training', sequence: 4 }, seed));
const nodeOf = ({ graph }: Model, name: string): Node => graph.nodes.find((node) => node.name === name)!;

describe('the serving form', () => {
  it('has the names of ONNX Runtime GenAI’s builder', () => {
    const { graph } = serve(llama);
    const layer = (i: number, norm: string) => [
      `/model/layers.${i}/input_layernorm/${norm}`,
      `/model/layers.${i}/attn/qkv_proj/MatMul`,
      `/model/layers.${i}/attn/GroupQueryAttention`,
      `/model/layers.${i}/attn/o_proj/MatMul`,
      `/model/layers.${i}/post_attention_layernorm/SkipLayerNorm`,
      `/model/layers.${i}/mlp/gate_proj/MatMul`,
      `/model/layers.${i}/mlp/up_proj/MatMul`,
      `/model/layers.${i}/mlp/act_fn/Sigmoid`,
      `/model/layers.${i}/mlp/act_fn/Mul`,
      `/model/layers.${i}/mlp/Mul`,
      `/model/layers.${i}/mlp/down_proj/MatMul`,
    ];
    expect(graph.nodes.map(({ name }) => name)).toEqual([
      '/model/attn_mask_reformat/attn_mask_subgraph/ReduceSum',
      '/model/attn_mask_reformat/attn_mask_subgraph/Sub',
      '/model/attn_mask_reformat/attn_mask_subgraph/Shape',
      '/model/attn_mask_reformat/attn_mask_subgraph/Gather',
      '/model/attn_mask_reformat/attn_mask_subgraph/Sub/Cast',
      '/model/attn_mask_reformat/attn_mask_subgraph/Gather/Cast',
      '/model/embed_tokens/Transpose',
      '/model/embed_tokens/Gather',
      ...layer(0, 'LayerNorm'),
      ...layer(1, 'SkipLayerNorm'),
      '/model/layers.2/final_norm_layernorm/SkipLayerNorm',
      '/lm_head/MatMul',
    ]);
    expect([...graph.initializers.keys()].filter((name) => !name.startsWith('/'))).toEqual([
      'cos_cache',
      'sin_cache',
      'lm_head.MatMul.weight',
      ...[0, 1].flatMap((i) => [
        `model.layers.${i}.input_layernorm.weight`,
        `model.layers.${i}.attn.qkv_proj.MatMul.weight`,
        `model.layers.${i}.attn.o_proj.MatMul.weight`,
        `model.layers.${i}.post_attention_layernorm.weight`,
        `model.layers.${i}.mlp.gate_proj.MatMul.weight`,
        `model.layers.${i}.mlp.up_proj.MatMul.weight`,
        `model.layers.${i}.mlp.down_proj.MatMul.weight`,
      ]),
      'model.layers.2.final_norm_layernorm.weight',
    ]);
  });

  it.each([llama, gpt2, { ...llama, tied: false, bias: 'qkv' } as const])(
    'keeps the rules of ONNX, %#',
    (spec) => {
      expect(brokenRules(serve(spec))).toEqual([]);
      expect(unusedInitializers(serve(spec))).toEqual([]);
    },
  );

  it('takes and gives caches of every layer', () => {
    const { graph } = serve(llama);
    expect(graph.inputs.map(({ name }) => name)).toEqual([
      'input_ids',
      'attention_mask',
      ...[0, 1].flatMap((i) => [`past_key_values.${i}.key`, `past_key_values.${i}.value`]),
    ]);
    expect(graph.outputs.map(({ name }) => name)).toEqual([
      'logits',
      ...[0, 1].flatMap((i) => [`present.${i}.key`, `present.${i}.value`]),
    ]);
    expect(graph.inputs[2]?.type).toMatchObject({ shape: ['batch_size', 1, 'past_sequence_length', 16] });
  });

  it('attends with rotation and grouped queries, and packs q, k and v as columns', () => {
    const model = serve(llama);
    const attention = nodeOf(model, '/model/layers.1/attn/GroupQueryAttention');
    expect(attention.domain).toBe('com.microsoft');
    expect(attention.inputs).toEqual([
      '/model/layers.1/attn/qkv_proj/MatMul/output_0',
      '',
      '',
      'past_key_values.1.key',
      'past_key_values.1.value',
      '/model/attn_mask_reformat/attn_mask_subgraph/Sub/Cast/output_0',
      '/model/attn_mask_reformat/attn_mask_subgraph/Gather/Cast/output_0',
      'cos_cache',
      'sin_cache',
    ]);
    expect(attention.attributes).toEqual({
      num_heads: { type: 'int', value: 2 },
      kv_num_heads: { type: 'int', value: 1 },
      scale: { type: 'float', value: 0.25 },
      do_rotary: { type: 'int', value: 1 },
      rotary_interleaved: { type: 'int', value: 0 },
    });
    const packed = floatsOf(model.graph.initializers.get('model.layers.1.attn.qkv_proj.MatMul.weight'));
    const apart = train(llama).graph.initializers;
    const row = (part: string, width: number) =>
      floatsOf(apart.get(`model.layers.1.attn.${part}_proj.MatMul.weight`)).slice(width, 2 * width);
    expect(packed.slice(64, 128)).toEqual([...row('q', 32), ...row('k', 16), ...row('v', 16)]);
  });

  it('hands the sum of each skip norm to the next, and none after the last', () => {
    const model = serve(llama);
    const second = nodeOf(model, '/model/layers.1/input_layernorm/SkipLayerNorm');
    expect(second.inputs.slice(0, 2)).toEqual([
      '/model/layers.0/post_attention_layernorm/output_3',
      '/model/layers.0/mlp/down_proj/MatMul/output_0',
    ]);
    expect(nodeOf(model, '/model/layers.2/final_norm_layernorm/SkipLayerNorm').outputs).toHaveLength(1);
  });

  it('refuses heads that GroupQueryAttention has no code for', () => {
    expect(buildDecoder({ ...llama, headSize: 8 }, { kind: 'serving' }, seed)).toMatchObject({
      ok: false,
      error: { code: 'unsupported', node: '/model/layers.0/attn/GroupQueryAttention' },
    });
  });
});

describe('the training form', () => {
  it('has a place for every token and a word for every place', () => {
    const { graph } = train(llama);
    expect(graph.inputs.map(({ type }) => type)).toMatchObject([{ dtype: 'int64', shape: ['batch', 4] }]);
    expect(graph.outputs.map(({ type }) => type)).toMatchObject([{ shape: ['batch', 4, 6] }]);
  });

  it('is no longer than the context', () => {
    const refused = buildDecoder(llama, { kind: 'training', sequence: 17 }, seed);
    expect(refused).toMatchObject({ ok: false, error: { code: 'invalid' } });
  });

  it('starts residual projections smaller, by √(2·layers)', () => {
    const { initializers } = train({ ...llama, hidden: 128, layers: 8 }).graph;
    const deviation = (name: string) => {
      const values = floatsOf(initializers.get(`model.layers.0.attn.${name}_proj.MatMul.weight`));
      return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
    };
    expect(deviation('q')).toBeCloseTo(0.02, 3);
    expect(deviation('o')).toBeCloseTo(0.02 / 4, 3);
  });

  it('is the same bytes on every machine', () => {
    expect(weightsHash(train(llama))).toMatchInlineSnapshot(
      `"293c88d8668f9a0799589957bb91778eb6b84960e2b0a4cb0211ddbfca18c3d7"`,
    );
    expect(weightsHash(serve(llama))).toMatchInlineSnapshot(
      `"4a3fef1d570eae0a23aace83bc15cc787428c5a36a55c6c1653d90a59ff0f94a"`,
    );
  });
});

describe('rotations', () => {
  it('are cosine and sine of position × theta^(−2i / headSize)', () => {
    const { cos, sin, dims } = rotaryTable(llama, 10_000, undefined, 16);
    expect(dims).toEqual([16, 8]);
    expect([...cos.subarray(0, 8)]).toEqual(Array(8).fill(1));
    for (let i = 0; i < 8; i++) {
      const angle = 15 * 10_000 ** (-i / 8);
      expect(cos[15 * 8 + i]).toBeCloseTo(Math.cos(angle), 6);
      expect(sin[15 * 8 + i]).toBeCloseTo(Math.sin(angle), 6);
    }
  });

  it('are slower by the factor where Llama 3 scales them, and as they were where it does not', () => {
    const scaling = { factor: 8, lowFrequency: 1, highFrequency: 4, originalContext: 64 };
    const plain = rotaryTable(llama, 500_000, undefined, 9).sin;
    const scaled = rotaryTable(llama, 500_000, scaling, 9).sin;
    expect(scaled[8]).toBe(plain[8]); // i = 0 turns 10 times in the original context
    expect(scaled[8 * 8 + 7]).toBeCloseTo(plain[8 + 7] ?? 0, 12); // i = 7 less than once: 8 steps are as one was
  });
});

/** A checkpoint with other values in every tensor. */
const checkpointOf = (spec: DecoderSpec, names: CheckpointNames): Map<string, Tensor> => {
  const tensors = decoderParameters(spec).map(({ name, dims }) => {
    const values = new Float32Array(dims.reduce((a, b) => a * b, 1));
    fillNormal(values, createStream(9, name), 1);
    return [name, float32Tensor(dims, values)] as const;
  });
  return new Map(unwrap(toCheckpoint(spec, names, new Map(tensors))));
};

describe('a checkpoint of transformers', () => {
  it.each([
    ['llama', llama],
    ['llama', { ...llama, tied: false, bias: 'qkv' }],
    ['llama', gpt2],
    ['gpt2', gpt2],
    ['gpt2', { ...gpt2, tied: false }],
  ] as const)('comes back as it was, %s %#', (names, spec) => {
    const checkpoint = checkpointOf(spec, names);
    const tensors = unwrap(fromCheckpoint(spec, names, checkpoint));
    expect(new Map(unwrap(toCheckpoint(spec, names, tensors)))).toEqual(checkpoint);
    expect(
      buildDecoder(spec, { kind: 'serving' }, { kind: 'checkpoint', names, tensors: checkpoint }).ok,
    ).toBe(true);
  });

  it('of Llama has matrices [out, in] under its names', () => {
    const checkpoint = checkpointOf({ ...llama, tied: false }, 'llama');
    expect(checkpoint.get('model.layers.0.self_attn.k_proj.weight')?.dims).toEqual([16, 32]);
    expect(checkpoint.get('model.layers.1.mlp.down_proj.weight')?.dims).toEqual([32, 8]);
    expect(checkpoint.get('model.norm.weight')?.dims).toEqual([32]);
    expect(checkpoint.get('lm_head.weight')?.dims).toEqual([6, 32]);
    const tensors = unwrap(fromCheckpoint({ ...llama, tied: false }, 'llama', checkpoint));
    const turned = floatsOf(tensors.get('model.layers.0.attn.k_proj.MatMul.weight'));
    const original = floatsOf(checkpoint.get('model.layers.0.self_attn.k_proj.weight'));
    expect(turned[3 * 16 + 5]).toBe(original[5 * 32 + 3]);
  });

  it('of GPT-2 has matrices [in, out], and q, k and v in one', () => {
    const checkpoint = checkpointOf(gpt2, 'gpt2');
    expect([...checkpoint.keys()].slice(0, 6)).toEqual([
      'wte.weight',
      'wpe.weight',
      'h.0.ln_1.weight',
      'h.0.ln_1.bias',
      'h.0.attn.c_attn.weight',
      'h.0.attn.c_attn.bias',
    ]);
    expect(checkpoint.get('h.0.attn.c_attn.weight')?.dims).toEqual([32, 96]);
    const tensors = unwrap(fromCheckpoint(gpt2, 'gpt2', checkpoint));
    const all = floatsOf(checkpoint.get('h.1.attn.c_attn.weight'));
    expect(floatsOf(tensors.get('model.layers.1.attn.k_proj.MatMul.weight')).slice(32, 64)).toEqual(
      all.slice(96 + 32, 96 + 64),
    );
    expect(floatsOf(tensors.get('model.layers.1.attn.v_proj.Add.bias'))).toEqual(
      floatsOf(checkpoint.get('h.1.attn.c_attn.bias')).slice(64),
    );
  });

  it('may have a prefix, buffers, and tied embeddings twice', () => {
    const checkpoint = checkpointOf(gpt2, 'gpt2');
    const prefixed = new Map([...checkpoint].map(([name, tensor]) => [`transformer.${name}`, tensor]));
    prefixed.set('transformer.h.0.attn.bias', longs(1));
    prefixed.set('lm_head.weight', checkpoint.get('wte.weight')!);
    expect(unwrap(fromCheckpoint(gpt2, 'gpt2', prefixed))).toEqual(
      unwrap(fromCheckpoint(gpt2, 'gpt2', checkpoint)),
    );
    prefixed.set('lm_head.weight', float32Tensor([6, 32], new Float32Array(192)));
    const refused = fromCheckpoint(gpt2, 'gpt2', prefixed);
    expect(!refused.ok && refused.error.message).toContain('lm_head.weight differs from the embeddings');
  });

  it('is refused with all that is missing, not wanted and of another shape', () => {
    const checkpoint = checkpointOf(llama, 'llama');
    checkpoint.delete('model.norm.weight');
    checkpoint.set('model.layers.0.self_attn.q_proj.bias', longs(1));
    checkpoint.set('model.layers.0.mlp.up_proj.weight', float32Tensor([32, 8], new Float32Array(256)));
    const refused = fromCheckpoint(llama, 'llama', checkpoint);
    expect(!refused.ok && refused.error.message).toBe(
      "the weights don't fit the model. missing: model.norm.weight. not wanted: model.layers.0.self_attn.q_proj.bias. of another shape: model.layers.0.mlp.up_proj.weight is [32, 8], not [8, 32]",
    );
  });

  it('of GPT-2 fits no other kind of decoder', () => {
    expect(fromCheckpoint(llama, 'gpt2', new Map())).toMatchObject({ ok: false, error: { code: 'invalid' } });
  });
});
