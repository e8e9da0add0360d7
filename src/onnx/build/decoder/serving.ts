import { float, int, ints, text } from '../../ir/attributes.ts';
import { dataTypeNumbers } from '../../ir/dataTypes.ts';
import type { Model } from '../../ir/types.ts';
import { createGraphBuilder, type GraphBuilder } from '../graphBuilder.ts';
import { addParameter } from '../layers.ts';
import type { Values } from '../parameters.ts';
import { float32Tensor, joinColumns, transpose } from '../tensors.ts';
import { type DecoderLayer, type Norm, type Projection, parametersOf } from './parameters.ts';
import { rotaryTable } from './rotary.ts';
import { type DecoderSpec, headSizeOf } from './spec.ts';

/**
 * The graph that ONNX Runtime GenAI's model builder writes, name for name, in float32: 'input_ids' [batch_size,
 * sequence_length], 'attention_mask' [batch_size, total_sequence_length] and the caches `past_key_values.<i>.key|value` →
 * 'logits' and `present.<i>.key|value`, [batch_size, kvHeads, length, headSize]. With learned positions, which the builder
 * doesn't know, 'position_ids' as well. What it writes as nodes of type Constant are initializers here.
 *
 * Between layers go two tensors, the residual stream and what is still to be added to it: the next skip norm adds them.
 */
export const servingDecoder = (spec: DecoderSpec, values: Values): Model => {
  const b = createGraphBuilder({ name: 'main_graph', domains: { [contrib]: 1 } });
  addInputs(b, spec);
  const model: Context = { spec, values, b, ...addLengths(b), turns: addTurns(b, spec) };
  const { layers, finalNorm } = parametersOf(spec);
  const { embedded, head } = addEmbedding(model);
  const last = layers.reduce<Stream>((stream, layer, i) => addLayer(model, layer, i, stream), {
    sum: embedded,
  });
  const final = addNorm(model, finalNorm, `/model/layers.${spec.layers}/final_norm_layernorm`, last, 'last');
  b.node('MatMul', [final.normal, head], {}, { name: '/lm_head/MatMul', outputs: ['logits'] });
  addOutputs(b, spec);
  return b.build();
};

const contrib = 'com.microsoft';

type Context = {
  readonly spec: DecoderSpec;
  readonly values: Values;
  readonly b: GraphBuilder;
  /** int32 [batch_size], the index of each row's last token. */
  readonly lastIndex: string;
  /** int32 scalar. */
  readonly totalLength: string;
  readonly turns: readonly string[];
};

type Stream = { readonly sum: string; readonly skip?: string };

const addInputs = (b: GraphBuilder, spec: DecoderSpec): void => {
  b.input('input_ids', 'int64', ['batch_size', 'sequence_length']);
  b.input('attention_mask', 'int64', ['batch_size', 'total_sequence_length']);
  if (spec.positions.kind === 'learned') b.input('position_ids', 'int64', ['batch_size', 'sequence_length']);
  for (const [i, part] of cacheParts(spec))
    b.input(`past_key_values.${i}.${part}`, 'float32', cacheShape(spec, 'past_sequence_length'));
};

const addOutputs = (b: GraphBuilder, spec: DecoderSpec): void => {
  b.output('logits', 'float32', ['batch_size', 'sequence_length', spec.vocab]);
  for (const [i, part] of cacheParts(spec))
    b.output(`present.${i}.${part}`, 'float32', cacheShape(spec, 'total_sequence_length'));
};

const cacheParts = ({ layers }: DecoderSpec) =>
  Array.from({ length: layers }, (_, i) => [[i, 'key'] as const, [i, 'value'] as const]).flat();

const cacheShape = (spec: DecoderSpec, length: string) => [
  'batch_size',
  spec.kvHeads,
  length,
  headSizeOf(spec),
];

const addLengths = (b: GraphBuilder) => {
  const scope = b.scope('model').scope('attn_mask_reformat').scope('attn_mask_subgraph');
  const int32 = { to: int(dataTypeNumbers.int32) };
  const count = scope.node('ReduceSum', ['attention_mask', b.ints([1])], { keepdims: int(0) });
  const last = scope.node('Sub', [count, b.ints([1])]);
  const shape = scope.node('Shape', ['attention_mask']);
  const length = scope.node('Gather', [shape, b.ints(1)], { axis: int(0) });
  return {
    lastIndex: scope.node('Cast', [last], int32, { name: 'Sub/Cast' }),
    totalLength: scope.node('Cast', [length], int32, { name: 'Gather/Cast' }),
  };
};

/** The whole context's rows: a stage that uses less may cut them. */
const addTurns = (b: GraphBuilder, spec: DecoderSpec): readonly string[] => {
  if (spec.positions.kind !== 'rotary') return [];
  const { cos, sin, dims } = rotaryTable(spec, spec.positions.theta, spec.positions.scaling, spec.context);
  return [
    b.initializer('cos_cache', float32Tensor(dims, cos)),
    b.initializer('sin_cache', float32Tensor(dims, sin)),
  ];
};

/** Tied, both ends use one tensor [hidden, vocab], which the input's end transposes. */
const addEmbedding = ({ spec, values, b }: Context) => {
  const { embedding, positions, head } = parametersOf(spec);
  const scope = b.scope('model').scope('embed_tokens');
  const { name, dims } = { name: 'lm_head.MatMul.weight', dims: [spec.hidden, spec.vocab] };
  const output =
    head === undefined
      ? b.initializer(name, float32Tensor(dims, transpose(values(embedding), spec.vocab, spec.hidden)))
      : addParameter(b, head, values);
  const table =
    head === undefined
      ? scope.node('Transpose', [output], { perm: ints(1, 0) })
      : addParameter(b, embedding, values);
  const tokens = scope.node('Gather', [table, 'input_ids']);
  if (positions === undefined) return { embedded: tokens, head: output };
  const places = b.scope('model').scope('embed_positions');
  const rows = places.node('Gather', [addParameter(b, positions, values), 'position_ids']);
  return { embedded: places.node('Add', [tokens, rows]), head: output };
};

const addLayer = (model: Context, layer: DecoderLayer, i: number, stream: Stream): Stream => {
  const scope = model.b.scope('model').scope(`layers.${i}`);
  const at = (place: string) => `/model/layers.${i}/${place}_layernorm`;
  const first = addNorm(model, layer.inputNorm, at('input'), stream);
  const attended = addAttention(model, scope.scope('attn'), layer, i, first.normal);
  const middle = addNorm(model, layer.mlpNorm, at('post_attention'), { sum: first.sum, skip: attended });
  return { sum: middle.sum, skip: addMlp(model, scope.scope('mlp'), layer, middle.normal) };
};

/** The stream's sum and its normalised value. The last norm gives no sum: nobody needs it. */
const addNorm = (
  { spec, values, b }: Context,
  { weight, bias }: Norm,
  name: string,
  { sum, skip }: Stream,
  place?: 'last',
): { readonly normal: string; readonly sum: string } => {
  const simple = bias === undefined ? 'Simplified' : '';
  const parameters = [weight, ...(bias === undefined ? [] : [bias])].map((p) => addParameter(b, p, values));
  const epsilon = float(spec.epsilon);
  const normal = `${name}/output_0`;
  if (skip === undefined) {
    const attributes = { epsilon, axis: int(-1), stash_type: int(1) };
    const options = { name: `${name}/LayerNorm`, outputs: [normal] };
    b.node(`${simple}LayerNormalization`, [sum, ...parameters], attributes, options);
    return { normal, sum };
  }
  const added = `${name}/output_3`;
  b.node(
    `Skip${simple}LayerNormalization`,
    [sum, skip, ...parameters],
    { epsilon },
    {
      domain: contrib,
      name: `${name}/SkipLayerNorm`,
      outputs: place === 'last' ? [normal] : [normal, '', '', added],
    },
  );
  return { normal, sum: added };
};

const addProjection = (
  { values }: Context,
  b: GraphBuilder,
  { weight, bias }: Projection,
  name: string,
  x: string,
): string => {
  const scope = b.scope(name);
  const product = scope.node('MatMul', [x, addParameter(b, weight, values)]);
  return bias === undefined ? product : scope.node('Add', [product, addParameter(b, bias, values)]);
};

const addAttention = (model: Context, b: GraphBuilder, layer: DecoderLayer, i: number, x: string): string => {
  const { spec, lastIndex, totalLength, turns } = model;
  const attributes = {
    num_heads: int(spec.heads),
    kv_num_heads: int(spec.kvHeads),
    scale: float(1 / Math.sqrt(headSizeOf(spec))),
    do_rotary: int(turns.length > 0 ? 1 : 0),
    rotary_interleaved: int(0),
  };
  const packed = addPacked(model, b, layer, i, x);
  const past = [`past_key_values.${i}.key`, `past_key_values.${i}.value`];
  const [attended = ''] = b.nodeOf(
    3,
    'GroupQueryAttention',
    [packed, '', '', ...past, lastIndex, totalLength, ...turns],
    attributes,
    {
      domain: contrib,
      outputs: [
        `/model/layers.${i}/attn/GroupQueryAttention/output_0`,
        `present.${i}.key`,
        `present.${i}.value`,
      ],
    },
  );
  return addProjection(model, b, layer.output, 'o_proj', attended);
};

/** Queries, keys and values of all heads in one product, side by side. */
const addPacked = (
  { spec, values }: Context,
  b: GraphBuilder,
  { query, key, value }: DecoderLayer,
  i: number,
  x: string,
): string => {
  const scope = b.scope('qkv_proj');
  const name = `model.layers.${i}.attn.qkv_proj`;
  const width = (spec.heads + 2 * spec.kvHeads) * headSizeOf(spec);
  const parts = [query, key, value];
  const weight = joinColumns(
    spec.hidden,
    parts.map((part) => values(part.weight)),
  );
  const matrix = b.initializer(`${name}.MatMul.weight`, float32Tensor([spec.hidden, width], weight));
  const product = scope.node('MatMul', [x, matrix]);
  const biases = parts.flatMap(({ bias }) => (bias === undefined ? [] : [values(bias)]));
  if (biases.length === 0) return product;
  const vector = b.initializer(`${name}.Add.bias`, float32Tensor([width], joinColumns(1, biases)));
  return scope.node('Add', [product, vector]);
};

const addMlp = (model: Context, b: GraphBuilder, { mlp }: DecoderLayer, x: string): string => {
  const act = b.scope('act_fn');
  if (mlp.kind === 'gelu') {
    const wide = addProjection(model, b, mlp.up, 'fc1', x);
    const active = act.node('Gelu', [wide], { approximate: text('tanh') }, { name: 'FastGelu' });
    return addProjection(model, b, mlp.down, 'fc2', active);
  }
  const gate = addProjection(model, b, mlp.gate, 'gate_proj', x);
  const up = addProjection(model, b, mlp.up, 'up_proj', x);
  const silu = act.node('Mul', [gate, act.node('Sigmoid', [gate])]);
  return addProjection(model, b, mlp.down, 'down_proj', b.node('Mul', [silu, up]));
};
