import type { Dim, Shape } from '../ir/types.ts';
import { addDims, divideDims, multiplyDims } from './dims.ts';
import {
  type Call,
  float,
  form,
  int,
  misfit,
  type OpTable,
  optional,
  required,
  type ShapeRule,
  shaped,
  text,
} from './schema.ts';
import { checkRank, intOf, intsOf, sameDim, shapeOf, show } from './shapes.ts';

/** Attention in its forms, ONNX's from opset 23 and those of com.microsoft, which runtimes fuse decoders into. */

/** Past and present keys are batch×heads×sequence×size of a head. */
const grown = (past: Shape | undefined, by: Dim, heads: Dim, batch: Dim, size: Dim): Shape => [
  sameDim(batch, past?.[0], 'batch, and that of the past'),
  sameDim(heads, past?.[1], 'heads, and those of the past'),
  past === undefined ? by : addDims(past[2], by),
  sameDim(size, past?.[3], 'size of a head, and that of the past'),
];

const positiveInt = (call: Call, name: string): number => {
  const value = intOf(call, name);
  return value !== undefined && value > 0 ? value : misfit(`${name} is ${value}, it is at least 1`);
};

/**
 * Queries are batch×sequence×(heads·size); packed ones have keys and values behind them. The present is as long as the past
 * where both share one buffer, longer otherwise: its length is not known here.
 */
const groupQuery: ShapeRule = (call) => {
  const [query, key, pastKey] = [shapeOf(call, 0), shapeOf(call, 1), shapeOf(call, 3)];
  const [heads, kvHeads] = [positiveInt(call, 'num_heads'), positiveInt(call, 'kv_num_heads')];
  if (heads % kvHeads !== 0) misfit(`kv_num_heads ${kvHeads} does not divide num_heads ${heads}`);
  checkRank(query, 3, 'the query');
  checkRank(pastKey, 4, 'the past key');
  sameDim(pastKey?.[1], kvHeads, 'heads of the past key, and kv_num_heads');
  const isPacked = call.inputs[1] === undefined;
  const size = divideDims(query?.[2], isPacked ? heads + 2 * kvHeads : heads);
  if (typeof query?.[2] === 'number' && size === undefined)
    misfit(
      `query ${show(query)} for ${heads} heads${isPacked ? ` and ${kvHeads} packed keys and values` : ''}`,
    );
  if (!isPacked) sameDim(key?.[2], multiplyDims(size, kvHeads), 'the key, and kv_num_heads times a head');
  const output = [query?.[0], query?.[1], multiplyDims(size, heads)];
  const present = [query?.[0], kvHeads, undefined, presentSize(call, size, pastKey)];
  return [output, present, present, [query?.[0], heads, query?.[1], undefined]];
};

/** Keys of a quantized cache may be packed, two to a byte. */
const presentSize = (call: Call, size: Dim, past: Shape | undefined): Dim =>
  (intOf(call, 'kv_cache_bit_width') ?? 0) > 0 ? past?.[3] : (size ?? past?.[3]);

/** Queries of 3 dimensions; keys of 3, or of 4 where they are another sequence's cache; packed ones of 5. */
const multiHead: ShapeRule = (call) => {
  const [query, key, value] = [shapeOf(call, 0), shapeOf(call, 1), shapeOf(call, 2)];
  const heads = positiveInt(call, 'num_heads');
  if (query === undefined) return [];
  if (query.length === 5) {
    const [batch, sequence, inHeads, , size] = query;
    return [[batch, sequence, multiplyDims(sameDim(inHeads, heads, 'heads of the query'), size)]];
  }
  checkRank(query, 3, 'the query');
  const [batch, sequence, hidden] = query;
  const valueSize = value?.length === 4 ? value[3] : divideDims(value?.[2], heads);
  const isPackedPair = call.inputs[2] === undefined;
  const output = [batch, sequence, isPackedPair ? hidden : multiplyDims(valueSize, heads)];
  const length = key?.length === 4 ? key[2] : key?.[1];
  const past =
    call.inputs[6] === undefined ? undefined : (shapeOf(call, 6) ?? [batch, heads, undefined, undefined]);
  return [
    output,
    grown(past, length, heads, batch, divideDims(hidden, heads)),
    grown(
      call.inputs[7] === undefined ? undefined : (shapeOf(call, 7) ?? past),
      length,
      heads,
      batch,
      valueSize,
    ),
  ];
};

/** The first fused form: input times packed weights. */
const packedWeights =
  (weightsAt: number, pastAt: number): ShapeRule =>
  (call) => {
    const [input, weights, past] = [shapeOf(call, 0), shapeOf(call, weightsAt), shapeOf(call, pastAt)];
    checkRank(input, 3, 'the input');
    const heads = positiveInt(call, 'num_heads');
    const sizes = intsOf(call, 'qkv_hidden_sizes');
    if (input !== undefined && weights !== undefined) sameDim(input[2], weights[0], 'input and weights');
    const hidden = sizes?.[2] ?? divideDims(weights?.[1], 3);
    const output = [input?.[0], input?.[1], hidden];
    const size = divideDims(hidden, heads);
    if (call.inputs[pastAt] !== undefined && past === undefined) return [output];
    return [output, [2, input?.[0], heads, addDims(past?.[3] ?? 0, input?.[1]), size]];
  };

/** ONNX's: 4 dimensions batch×heads×sequence×size, or 3 with the heads as attributes. */
const standard: ShapeRule = (call) => {
  const [q, k, v] = [
    headed(call, 0, 'q_num_heads'),
    headed(call, 1, 'kv_num_heads'),
    headed(call, 2, 'kv_num_heads'),
  ];
  if (q === undefined || k === undefined || v === undefined) return [];
  const batch = sameDim(q[0], k[0], 'batch of Q and of K');
  sameDim(q[3], k[3], 'size of a head of Q and of K');
  const [pastKey, pastValue] = [shapeOf(call, 4), shapeOf(call, 5)];
  const isPastOpen = call.inputs[4] !== undefined && pastKey === undefined;
  const presentKey = isPastOpen ? [batch, k[1], undefined, k[3]] : grown(pastKey, k[2], k[1], batch, k[3]);
  const presentValue = isPastOpen
    ? [batch, v[1], undefined, v[3]]
    : grown(pastValue, v[2], v[1], batch, v[3]);
  const isFlat = shapeOf(call, 0)?.length === 3;
  const output = isFlat ? [batch, q[2], multiplyDims(q[1], v[3])] : [batch, q[1], q[2], v[3]];
  return [output, presentKey, presentValue, [batch, q[1], q[2], presentKey[2]]];
};

const headed = (call: Call, index: number, headsName: string): Shape | undefined => {
  const shape = shapeOf(call, index);
  if (shape === undefined || shape.length === 4) return shape;
  checkRank(shape, 3, `input ${index}`);
  const heads = positiveInt(call, headsName);
  return [shape[0], heads, shape[1], divideDims(shape[2], heads)];
};

const rotated: ShapeRule = (call) => {
  const shape = shapeOf(call, 0);
  if (shape !== undefined && shape.length !== 3 && shape.length !== 4)
    misfit(`input ${show(shape)} has ${shape.length} dimensions, it takes 3 or 4`);
  return [shape];
};

const attention = {
  is_causal: int(0),
  kv_num_heads: optional('int'),
  q_num_heads: optional('int'),
  qk_matmul_output_mode: int(0),
  scale: optional('float'),
  softcap: float(0),
  softmax_precision: optional('int'),
};
const V = { T: 'float', V: 'float', U: 'ordinal' } as const;
const rotary = { interleaved: int(0), num_heads: optional('int'), rotary_embedding_dim: int(0) };

export const attentionOps: OpTable = {
  Attention: [
    form([23], 'T T V U? T? V? -> T T? V? T?', shaped(standard), attention, V),
    form([24], 'T T V U? T? V? int64? -> T T? V? T?', shaped(standard), attention, V),
    form(
      [25],
      'T T V U? T? V? int64? -> T T? V? T?',
      shaped(standard),
      { ...attention, left_window_size: int(-1), right_window_size: int(-1) },
      V,
    ),
  ],
  RotaryEmbedding: [form([23], 'T T T int64? -> T', shaped(rotated), rotary, { T: 'float' })],
};

const fused = { num_heads: required('int'), mask_filter_value: optional('float'), scale: optional('float') };
const sharing = { do_rotary: optional('int'), past_present_share_buffer: optional('int') };
const T = { T: 'float', C: 'all', A: 'byte', B: 'byte', Q: 'float' } as const;

export const microsoftAttention: OpTable = {
  Attention: [
    form(
      [1],
      'T T T? int32? T? T? int32? -> T T?',
      shaped(packedWeights(1, 4)),
      {
        ...fused,
        ...sharing,
        qkv_hidden_sizes: optional('ints'),
        rotary_embedding_dim: optional('int'),
        unidirectional: int(0),
      },
      T,
    ),
  ],
  QAttention: [
    form(
      [1],
      'A B T T T int32? A? B? T? -> T T?',
      shaped(packedWeights(1, 8)),
      { ...fused, ...sharing, unidirectional: int(0) },
      T,
    ),
  ],
  MultiHeadAttention: [
    form(
      [1],
      'T T? T? T? int32? T? T? T? int32? int32? -> T T? T? Q?',
      shaped(multiHead),
      { ...fused, unidirectional: int(0) },
      T,
    ),
  ],
  GroupQueryAttention: [
    form(
      [1],
      'T T? T? C? C? int32 int32 T? T? int64? T? T? float32? float32? T? T? -> T C? C? T?',
      shaped(groupQuery),
      {
        num_heads: required('int'),
        kv_num_heads: required('int'),
        scale: optional('float'),
        softcap: optional('float'),
        causal: optional('int'),
        do_rotary: int(0),
        k_quant_type: text(),
        v_quant_type: text(),
        kv_cache_bit_width: optional('int'),
        local_window_size: int(-1),
        qk_norm_epsilon: optional('float'),
        qk_output: int(0),
        rotary_interleaved: int(0),
        sliding_window_cache: optional('int'),
        smooth_softmax: int(-1),
      },
      T,
    ),
  ],
  RotaryEmbedding: [
    form(
      [1],
      'T int64 T T -> T',
      shaped(rotated),
      { ...rotary, is_packed_batching: int(0), scale: float(1) },
      T,
    ),
  ],
};
