import {
  add,
  type Call,
  floatAttribute,
  floatInput,
  intAttribute,
  integer,
  integers,
  invalid,
  type Operator,
  optionalFloat,
  optionalInput,
  requireDims,
  requiredInt,
  requireRank,
  spend,
  zeros,
} from '../call.ts';
import { at, itemAt } from '../indexing.ts';
import type { RealArray } from '../ndArray.ts';
import { requireCache, requireRow, rotate } from './rotary.ts';

/** Inputs of GroupQueryAttention, by position. */
const positions = {
  query: 0,
  key: 1,
  value: 2,
  pastKey: 3,
  pastValue: 4,
  lengths: 5,
  total: 6,
  cos: 7,
  sin: 8,
  ids: 9,
  bias: 10,
  sink: 11,
} as const;

type Heads = {
  readonly batch: number;
  readonly length: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headSize: number;
  /** Positions of all samples together with their past: the longest. */
  readonly total: number;
  /** Per sample: positions that it has, its new ones with them. */
  readonly valid: readonly number[];
};

/**
 * Causal attention in which groups of query heads share keys and values (arXiv:2305.13245), with the caches of earlier
 * positions, as ONNX Runtime's `com.microsoft.GroupQueryAttention` has it: keys and values are [batch, kv heads, position,
 * head size], the new ones are put behind the past. A prompt is told by as many new positions as there are in all; a sample
 * shorter than others is padded behind. What a padded position gives is its attention to the valid ones.
 */
const groupQueryAttention: Operator = (call) => {
  const query = floatInput(call, positions.query);
  requireRank(query, 0, 3);
  const shape = readHeads(call, query);
  const { q, k, v } = splitHeads(call, query, shape);
  const past = shape.valid.map((valid) => (shape.length === shape.total ? 0 : valid - shape.length));
  if (past.some((count) => count < 0))
    throw invalid(`seqlens_k is less than the ${shape.length} new positions`);
  if (intAttribute(call, 'do_rotary', 0) !== 0) turnHeads(call, shape, past, q, k);
  const presentKey = present(call, shape, past, k, positions.pastKey);
  const presentValue = present(call, shape, past, v, positions.pastValue);
  const output = zeros(call, query.dtype, [shape.batch, shape.length, shape.heads * shape.headSize]);
  attend(call, shape, past, { q, presentKey, presentValue, output });
  return [output, presentKey, presentValue];
};

const readHeads = (call: Call, query: RealArray): Heads => {
  const [batch, length, hidden] = [itemAt(query.dims, 0), itemAt(query.dims, 1), itemAt(query.dims, 2)];
  const [heads, kvHeads] = [requiredInt(call, 'num_heads'), requiredInt(call, 'kv_num_heads')];
  if (heads < 1 || kvHeads < 1 || heads % kvHeads !== 0) throw invalid(`${heads} heads in ${kvHeads} groups`);
  const isPacked = optionalInput(call, positions.key) === undefined;
  const headSize = hidden / (isPacked ? heads + 2 * kvHeads : heads);
  if (!Number.isSafeInteger(headSize) || headSize < 1)
    throw invalid(`[${query.dims}] doesn't split into ${heads} heads`);
  const total = integer(call, positions.total);
  const valid = integers(call, positions.lengths).map((last) => last + 1);
  if (valid.length !== batch || valid.some((count) => count < 1 || count > total))
    throw invalid(
      `seqlens_k [${integers(call, positions.lengths)}] for ${batch} samples of at most ${total}`,
    );
  if (total < length) throw invalid(`${length} new positions of ${total} in all`);
  return { batch, length, heads, kvHeads, headSize, total, valid };
};

/** Query, key and value as [batch, position, heads, head size], taken apart if they come as one. Copies: they are turned. */
const splitHeads = (call: Call, query: RealArray, { batch, length, heads, kvHeads, headSize }: Heads) => {
  const widths = [heads * headSize, kvHeads * headSize, kvHeads * headSize];
  const key = optionalInput(call, positions.key);
  const part = (source: RealArray, from: number, width: number): RealArray => {
    const result = zeros(call, source.dtype, [batch, length, width]);
    const row = itemAt(source.dims, 2);
    for (let i = 0; i < batch * length; i++)
      result.values.set(source.values.subarray(i * row + from, i * row + from + width), i * width);
    return result;
  };
  const [one = 0, two = 0] = widths;
  if (key === undefined) {
    if (optionalInput(call, positions.value)) throw invalid('a value without a key');
    return { q: part(query, 0, one), k: part(query, one, two), v: part(query, one + two, two) };
  }
  const [k, v] = [floatInput(call, positions.key), floatInput(call, positions.value)];
  requireDims(k, positions.key, [batch, length, two]);
  requireDims(v, positions.value, [batch, length, two]);
  return { q: part(query, 0, one), k: part(k, 0, two), v: part(v, 0, two) };
};

const turnHeads = (call: Call, shape: Heads, past: readonly number[], q: RealArray, k: RealArray): void => {
  const { batch, length, headSize } = shape;
  const [cos, sin] = [floatInput(call, positions.cos), floatInput(call, positions.sin)];
  const rows = requireCache(cos, sin, headSize);
  const ids = optionalInput(call, positions.ids) && integers(call, positions.ids);
  if (ids && ids.length !== batch * length)
    throw invalid(`${ids.length} position_ids for [${batch},${length}]`);
  const row = (sample: number, position: number) =>
    requireRow(ids ? itemAt(ids, sample * length + position) : itemAt(past, sample) + position, rows);
  const cache = { cos, sin, interleaved: intAttribute(call, 'rotary_interleaved', 0) !== 0, row };
  for (const { array, heads } of [
    { array: q, heads: shape.heads },
    { array: k, heads: shape.kvHeads },
  ]) {
    const start = (sample: number, head: number, position: number) =>
      ((sample * length + position) * heads + head) * headSize;
    rotate(array.values, array.values, { batch, heads, length, headSize, start }, cache);
  }
};

/** The past, and the new behind it: [batch, kv heads, positions, head size], zeros where there is nothing. */
const present = (
  call: Call,
  { batch, length, kvHeads, headSize, total }: Heads,
  past: readonly number[],
  fresh: RealArray,
  position: number,
): RealArray => {
  const before = optionalFloat(call, position);
  const room = before ? (before.dims[2] ?? 0) : 0;
  if (before) requireDims(before, position, [batch, kvHeads, room, headSize]);
  const size = Math.max(room, total);
  const result = zeros(call, fresh.dtype, [batch, kvHeads, size, headSize]);
  for (let sample = 0; sample < batch; sample++) {
    const old = itemAt(past, sample);
    if (old > room) throw invalid(`a past of ${old} positions in a cache of ${room}`);
    for (let head = 0; head < kvHeads; head++) {
      const row = sample * kvHeads + head;
      const to = row * size * headSize;
      if (before)
        result.values.set(before.values.subarray(row * room * headSize, (row * room + old) * headSize), to);
      for (let i = 0; i < Math.min(length, size - old); i++) {
        const from = ((sample * length + i) * kvHeads + head) * headSize;
        result.values.set(fresh.values.subarray(from, from + headSize), to + (old + i) * headSize);
      }
    }
  }
  return result;
};

type Attention = {
  readonly q: RealArray;
  readonly presentKey: RealArray;
  readonly presentValue: RealArray;
  readonly output: RealArray;
};

/** Softmax(q·k / √d) · v of each position and head over what it may see. */
const attend = (call: Call, shape: Heads, past: readonly number[], tensors: Attention): void => {
  const { batch, length, heads, kvHeads, headSize } = shape;
  const scoreOf = scoring(call, shape, tensors);
  const window = intAttribute(call, 'local_window_size', -1);
  const sinkOf = sinks(call, heads);
  spend(call, 2 * batch * length * heads * shape.total * headSize);
  const size = itemAt(tensors.presentValue.dims, 2);
  for (let sample = 0; sample < batch; sample++)
    for (let head = 0; head < heads; head++)
      for (let position = 0; position < length; position++) {
        const end = Math.min(itemAt(past, sample) + position + 1, itemAt(shape.valid, sample));
        const begin = window > 0 ? Math.max(0, end - window) : 0;
        const row = sample * kvHeads + Math.floor((head * kvHeads) / heads);
        const scores = Float64Array.from({ length: end - begin }, (_, i) =>
          scoreOf(sample, head, position, row, begin + i),
        );
        const weights = softmaxWithSink(call, scores, sinkOf(head));
        const to = ((sample * length + position) * heads + head) * headSize;
        weightedSum(
          call,
          weights,
          tensors.presentValue.values,
          (row * size + begin) * headSize,
          tensors.output.values,
          to,
          headSize,
        );
      }
};

/** The score of one query and one key: scaled, biased, and held below `softcap` by its tanh. */
const scoring = (
  call: Call,
  { length, heads, headSize, batch, total }: Heads,
  { q, presentKey }: Attention,
) => {
  const scale = floatAttribute(call, 'scale', 0) || 1 / Math.sqrt(headSize);
  const cap = floatAttribute(call, 'softcap', 0);
  const size = itemAt(presentKey.dims, 2);
  const bias = optionalFloat(call, positions.bias);
  if (bias) {
    requireRank(bias, positions.bias, 4);
    const [b, h] = [itemAt(bias.dims, 0), itemAt(bias.dims, 1)];
    requireDims(bias, positions.bias, [b === 1 ? 1 : batch, h === 1 ? 1 : heads, length, total]);
  }
  const biasAt = (sample: number, head: number, position: number, key: number): number => {
    if (!bias) return 0;
    const [b, h] = [itemAt(bias.dims, 0), itemAt(bias.dims, 1)];
    const row = (b === 1 ? 0 : sample) * h + (h === 1 ? 0 : head);
    return at(bias.values, (row * length + position) * total + key);
  };
  return (sample: number, head: number, position: number, row: number, key: number): number => {
    const from = ((sample * length + position) * heads + head) * headSize;
    const to = (row * size + key) * headSize;
    let sum = 0;
    for (let i = 0; i < headSize; i++)
      sum = add(call, sum, at(q.values, from + i) * at(presentKey.values, to + i));
    const capped = cap > 0 ? cap * Math.tanh((sum * scale) / cap) : sum * scale;
    return capped + biasAt(sample, head, position, key);
  };
};

/** A score that takes part in the softmax and adds nothing: 0 with `smooth_softmax`, or one per head. */
const sinks = (call: Call, heads: number): ((head: number) => number | undefined) => {
  const given = optionalFloat(call, positions.sink);
  if (given) {
    requireDims(given, positions.sink, [heads]);
    return (head) => at(given.values, head);
  }
  const smooth = intAttribute(call, 'smooth_softmax', 0) === 1;
  return () => (smooth ? 0 : undefined);
};

const softmaxWithSink = (call: Call, scores: Float64Array, sink: number | undefined): Float64Array => {
  const max = scores.reduce((most, score) => Math.max(most, score), sink ?? Number.NEGATIVE_INFINITY);
  if (max === Number.NEGATIVE_INFINITY) throw invalid('a position that may see nothing');
  const powers = scores.map((score) => Math.exp(score - max));
  const sum = powers.reduce(
    (all, power) => add(call, all, power),
    sink === undefined ? 0 : Math.exp(sink - max),
  );
  return powers.map((power) => power / sum);
};

const weightedSum = (
  call: Call,
  weights: Float64Array,
  values: Float64Array,
  from: number,
  out: Float64Array,
  to: number,
  size: number,
): void => {
  for (let key = 0; key < weights.length; key++)
    for (let i = 0; i < size; i++)
      out[to + i] = add(call, at(out, to + i), at(weights, key) * at(values, from + key * size + i));
};

/** com.microsoft. */
export const microsoftAttentionOperators = {
  GroupQueryAttention: groupQueryAttention,
} satisfies Record<string, Operator>;
