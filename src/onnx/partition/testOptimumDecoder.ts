/**
 * For tests: a Llama as exporters write it who trace transformers (Optimum and the like), small: plain operators, the residual
 * stream from `Add_1` to `Add`, one mask and one pair of rotations for all layers, computed under the first from
 * attention_mask, position_ids and shapes, that of the first layer's cache among them.
 */
import { createGraphBuilder, type GraphBuilder } from '../build/graphBuilder.ts';
import { createStream, fillNormal } from '../build/random.ts';
import { float32Tensor } from '../build/tensors.ts';
import { int, ints } from '../ir/attributes.ts';
import { dataTypeNumbers } from '../ir/dataTypes.ts';
import type { Model } from '../ir/types.ts';

export type OptimumSpec = {
  readonly vocab: number;
  readonly hidden: number;
  readonly layers: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly intermediate: number;
  /** Layers from this on read the cache of the one before instead of having one. */
  readonly sharesCacheFrom?: number;
};

export const optimumDecoder = (spec: OptimumSpec): Model => {
  const b = createGraphBuilder({ name: 'main_graph', opset: 18 });
  const size = spec.hidden / spec.heads;
  const past = ['batch_size', spec.kvHeads, 'past_sequence_length', size];
  const total = 'past_sequence_length + 1';
  b.input('input_ids', 'int64', ['batch_size', 'sequence_length']);
  b.input('attention_mask', 'int64', ['batch_size', total]);
  b.input('position_ids', 'int64', ['batch_size', 'sequence_length']);
  const own = spec.sharesCacheFrom ?? spec.layers;
  for (let i = 0; i < own; i++)
    for (const part of ['key', 'value']) b.input(`past_key_values.${i}.${part}`, 'float32', past);
  const model = b.scope('model');
  const embedded = model
    .scope('embed_tokens')
    .node('Gather', [weight(b, 'model.embed_tokens.weight', [spec.vocab, spec.hidden]), 'input_ids']);
  const shared = { ...addLengths(model, embedded), ...addRotations(model, size) };
  const context = { b, spec, size, ...shared, mask: addMask(model, shared) };
  let x = embedded;
  for (let i = 0; i < spec.layers; i++) x = addLayer(context, i, x);
  const normal = addNorm(b, model.scope('norm'), 'model.norm.weight', spec.hidden, x);
  const head = weight(b, 'lm_head.weight', [spec.hidden, spec.vocab]);
  b.scope('lm_head').node('MatMul', [normal, head], {}, { outputs: ['logits'] });
  b.output('logits', 'float32', ['batch_size', 'sequence_length', spec.vocab]);
  for (let i = 0; i < own; i++)
    for (const part of ['key', 'value'])
      b.output(`present.${i}.${part}`, 'float32', ['batch_size', spec.kvHeads, total, size]);
  return b.build();
};

type Lengths = {
  readonly batch: string;
  readonly sequence: string;
  readonly past: string;
  readonly total: string;
};
type Context = Lengths & {
  readonly b: GraphBuilder;
  readonly spec: OptimumSpec;
  readonly size: number;
  readonly cos: string;
  readonly sin: string;
  readonly mask: string;
};

const weight = (b: GraphBuilder, name: string, dims: readonly number[]): string => {
  const values = new Float32Array(dims.reduce((a, c) => a * c));
  fillNormal(values, createStream(3, name), 0.2);
  return b.initializer(name, float32Tensor(dims, values));
};
const toFloat = { to: int(dataTypeNumbers.float32) };

const addLengths = (b: GraphBuilder, embedded: string): Lengths => {
  const dim = (shape: string, axis: number) => b.node('Gather', [shape, b.ints(axis)], { axis: int(0) });
  const shape = b.node('Shape', [embedded]);
  const sequence = dim(shape, 1);
  const past = dim(b.node('Shape', ['past_key_values.0.key']), 2);
  return { batch: dim(shape, 0), sequence, past, total: b.node('Add', [past, sequence]) };
};

/** [batch, 1, sequence, total]: 0 where a place may be looked at, −3.4e38 elsewhere. */
const addMask = (b: GraphBuilder, { batch, sequence, past, total }: Lengths): string => {
  const vector = (...parts: readonly string[]) =>
    b.node(
      'Concat',
      parts.map((part) => b.node('Unsqueeze', [part, b.ints([0])])),
      { axis: int(0) },
    );
  const places = b.node('Range', [b.ints(0), total, b.ints(1)]);
  const rows = b.node('Reshape', [b.node('Range', [past, total, b.ints(1)]), b.ints([-1, 1])]);
  const later = b.node('Cast', [b.node('Greater', [places, rows])], toFloat);
  const causal = b.node('Mul', [later, b.floats(-3.4028234663852886e38)]);
  const square = b.node('Unsqueeze', [causal, b.ints([0, 1])]);
  const wide = b.node('Expand', [square, vector(batch, b.ints(1), sequence, total)]);
  const kept = b.node('Unsqueeze', ['attention_mask', b.ints([1, 2])]);
  const padded = b.node('Equal', [b.node('Cast', [kept], toFloat), b.floats(0)]);
  return b.node('Where', [padded, b.floats(-3.4028234663852886e38), wide]);
};

/** cos and sin [batch, 1, sequence, size]. */
const addRotations = (b: GraphBuilder, size: number) => {
  const scope = b.scope('layers.0').scope('self_attn').scope('rotary_emb');
  const half = Array.from({ length: size / 2 }, (_, i) => 10_000 ** ((-2 * i) / size));
  const frequencies = scope.initializer(
    'onnx::inv_freq',
    float32Tensor([1, half.length, 1], Float32Array.from(half)),
  );
  const count = scope.node('Gather', [scope.node('Shape', ['position_ids']), scope.ints([0])], {
    axis: int(0),
  });
  const dims = scope.node('Concat', [count, scope.ints([-1]), scope.ints([1])], { axis: int(0) });
  const known = scope.node('Where', [
    scope.node('Equal', [dims, scope.ints([-1])]),
    scope.ints([1, 1, 1]),
    dims,
  ]);
  const places = scope.node('Cast', [scope.node('Unsqueeze', ['position_ids', scope.ints([1])])], toFloat);
  const product = scope.node('MatMul', [scope.node('Expand', [frequencies, known]), places]);
  const angles = scope.node('Transpose', [product], { perm: ints(0, 2, 1) });
  const both = scope.node('Concat', [angles, angles], { axis: int(-1) });
  const turn = (op: string) => scope.node('Unsqueeze', [scope.node(op, [both]), scope.ints([1])]);
  return { cos: turn('Cos'), sin: turn('Sin') };
};

const addNorm = (b: GraphBuilder, scope: GraphBuilder, name: string, hidden: number, x: string): string => {
  const square = scope.node('ReduceMean', [scope.node('Pow', [x, scope.floats(2)]), scope.ints([-1])]);
  const root = scope.node('Sqrt', [scope.node('Add', [square, scope.floats(1e-5)])]);
  const ones = b.initializer(name, float32Tensor([hidden], new Float32Array(hidden).fill(1.25)));
  return scope.node('Mul', [ones, scope.node('Mul', [x, scope.node('Div', [scope.floats(1), root])])]);
};

const addLayer = (context: Context, i: number, x: string): string => {
  const { b, spec } = context;
  const scope = b.scope('model').scope(`layers.${i}`);
  const name = `model.layers.${i}`;
  const normal = addNorm(b, scope.scope('input_layernorm'), `${name}.input_layernorm.weight`, spec.hidden, x);
  const middle = scope.node('Add', [x, addAttention(context, scope.scope('self_attn'), i, normal)]);
  const second = addNorm(
    b,
    scope.scope('post_attention_layernorm'),
    `${name}.post_attention_layernorm.weight`,
    spec.hidden,
    middle,
  );
  const mlp = scope.scope('mlp');
  const project = (part: string, from: string, dims: readonly number[]) =>
    mlp.scope(part).node('MatMul', [from, weight(b, `${name}.mlp.${part}`, dims)]);
  const gate = project('gate_proj', second, [spec.hidden, spec.intermediate]);
  const active = mlp.node('Mul', [
    mlp.node('Mul', [gate, mlp.node('Sigmoid', [gate])]),
    project('up_proj', second, [spec.hidden, spec.intermediate]),
  ]);
  return scope.node(
    'Add',
    [middle, project('down_proj', active, [spec.intermediate, spec.hidden])],
    {},
    { name: 'Add_1' },
  );
};

const addAttention = (context: Context, scope: GraphBuilder, i: number, x: string): string => {
  const { b, spec, size, batch, sequence, cos, sin, mask } = context;
  const name = `model.layers.${i}.self_attn`;
  const vector = (...parts: readonly (string | number)[]) =>
    scope.node(
      'Concat',
      parts.map((part) =>
        typeof part === 'number' ? scope.ints([part]) : scope.node('Unsqueeze', [part, scope.ints([0])]),
      ),
      { axis: int(0) },
    );
  const project = (part: string, from: string, dims: readonly number[]) =>
    scope.scope(part).node('MatMul', [from, weight(b, `${name}.${part}`, dims)]);
  const heads = (part: string, count: number) => {
    const flat = project(part, x, [spec.hidden, count * size]);
    return scope.node('Transpose', [scope.node('Reshape', [flat, vector(batch, sequence, count, size)])], {
      perm: ints(0, 2, 1, 3),
    });
  };
  const rotate = (value: string) => {
    const part = (from: number, to: number) =>
      scope.node('Slice', [value, scope.ints([from]), scope.ints([to]), scope.ints([3]), scope.ints([1])]);
    const turned = scope.node('Concat', [scope.node('Neg', [part(size / 2, size)]), part(0, size / 2)], {
      axis: int(-1),
    });
    return scope.node('Add', [scope.node('Mul', [value, cos]), scope.node('Mul', [turned, sin])]);
  };
  const own = spec.sharesCacheFrom ?? spec.layers;
  const cached = (part: 'key' | 'value', make: () => string) =>
    i < own
      ? scope.node(
          'Concat',
          [`past_key_values.${i}.${part}`, make()],
          { axis: int(2) },
          { outputs: [`present.${i}.${part}`] },
        )
      : `present.${own - 1}.${part}`;
  const repeat = (value: string) => {
    const groups = spec.heads / spec.kvHeads;
    const apart = scope.node('Unsqueeze', [value, scope.ints([2])]);
    const copied = scope.node('Expand', [apart, vector(batch, spec.kvHeads, groups, context.total, size)]);
    return scope.node('Reshape', [copied, vector(batch, spec.heads, context.total, size)]);
  };
  const query = rotate(heads('q_proj', spec.heads));
  const keys = repeat(cached('key', () => rotate(heads('k_proj', spec.kvHeads))));
  const values = repeat(cached('value', () => heads('v_proj', spec.kvHeads)));
  const scores = scope.node('MatMul', [query, scope.node('Transpose', [keys], { perm: ints(0, 1, 3, 2) })]);
  const scaled = scope.node('Add', [scope.node('Mul', [scores, scope.floats(1 / Math.sqrt(size))]), mask]);
  const seen = scope.node('MatMul', [scope.node('Softmax', [scaled], { axis: int(-1) }), values]);
  const flat = scope.node('Reshape', [
    scope.node('Transpose', [seen], { perm: ints(0, 2, 1, 3) }),
    vector(batch, sequence, spec.heads * size),
  ]);
  return project('o_proj', flat, [spec.heads * size, spec.hidden]);
};
