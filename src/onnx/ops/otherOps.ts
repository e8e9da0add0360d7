import type { Dim } from '../ir/types.ts';
import {
  float,
  form,
  type Infer,
  int,
  type OpTable,
  optional,
  required,
  type ShapeRule,
  shaped,
  text,
  unshaped,
} from './schema.ts';
import { axisIn, intOf, knownOf, like, shapeOf } from './shapes.ts';

/** Signals, strings, images: what the other tables have no family for. */

/** A real signal has 1 as its last dimension, a complex one 2; one side of a real spectrum is n/2 + 1. */
const spectrum =
  (axisOf: (call: Parameters<ShapeRule>[0]) => Dim): ShapeRule =>
  (call) => {
    const shape = shapeOf(call, 0);
    const axis = axisOf(call);
    if (shape === undefined || typeof axis !== 'number') return [shape?.map(() => undefined)];
    const at = axisIn(axis, shape.length);
    const length = call.inputs[1] === undefined ? shape[at] : knownOf(call, 1)?.[0];
    const isOneSided = intOf(call, 'onesided') === 1;
    const kept = isOneSided ? (typeof length === 'number' ? Math.floor(length / 2) + 1 : undefined) : length;
    const parts = isOneSided && intOf(call, 'inverse') === 1 ? 1 : 2;
    return [shape.map((dim, i) => (i === at ? kept : i === shape.length - 1 ? parts : dim))];
  };

const frames: ShapeRule = (call) => {
  const signal = shapeOf(call, 0);
  const [step, length] = [knownOf(call, 1)?.[0], knownOf(call, 3)?.[0] ?? shapeOf(call, 2)?.[0]];
  const samples = signal?.[1];
  const isKnown = typeof step === 'number' && typeof length === 'number' && typeof samples === 'number';
  const count = isKnown ? Math.floor((samples - length) / step) + 1 : undefined;
  const isOneSided = intOf(call, 'onesided') !== 0;
  const bins = typeof length === 'number' && isOneSided ? Math.floor(length / 2) + 1 : length;
  return [[signal?.[0], count, bins, 2]];
};

const ngrams = {
  mode: required('string'),
  min_gram_length: required('int'),
  max_gram_length: required('int'),
  max_skip_count: required('int'),
  ngram_counts: required('ints'),
  ngram_indexes: required('ints'),
  pool_int64s: optional('ints'),
  pool_strings: optional('strings'),
  weights: optional('floats'),
};
const split: Infer = shaped((call) => {
  const shape = shapeOf(call, 0);
  return [shape && [...shape, undefined], shape];
});
const T = { T: 'float' } as const;

export const otherOps: OpTable = {
  DFT: [
    form(
      [17],
      'T index? -> T',
      shaped(spectrum((call) => intOf(call, 'axis'))),
      { axis: int(1), inverse: int(0), onesided: int(0) },
      T,
    ),
    form(
      [20],
      'T index? int64? -> T',
      shaped(spectrum((call) => (call.inputs[2] === undefined ? -2 : knownOf(call, 2)?.[0]))),
      { inverse: int(0), onesided: int(0) },
      T,
    ),
  ],
  STFT: [form([17], 'T index T? index? -> T', shaped(frames), { onesided: int(1) }, T)],
  StringNormalizer: [
    form(
      [10],
      'string -> string',
      shaped((call) => [shapeOf(call, 0)?.map(() => undefined)]),
      {
        case_change_action: text('NONE'),
        is_case_sensitive: int(0),
        locale: optional('string'),
        stopwords: optional('strings'),
      },
    ),
  ],
  StringSplit: [
    form([20], 'string -> string int64', split, { delimiter: optional('string'), maxsplit: optional('int') }),
  ],
  TfIdfVectorizer: [form([9], 'T -> float32', unshaped, ngrams)],
  ImageDecoder: [
    form(
      [20],
      'uint8 -> uint8',
      shaped(() => [[undefined, undefined, undefined]]),
      {
        pixel_format: text('RGB'),
      },
    ),
  ],
  CausalConvWithState: [form([27], 'T T T? T? -> T T', shaped(stateful), { activation: text('none') }, T)],
  LinearAttention: [
    form(
      [27],
      'T T T S? G? G? -> T S',
      unshaped,
      {
        chunk_size: int(64),
        kv_num_heads: required('int'),
        q_num_heads: required('int'),
        scale: float(0),
        update_rule: text('gated_delta'),
      },
      { T: 'float', S: 'float', G: 'float' },
    ),
  ],
};

/** Input batch×channels×length, state batch×channels×(kernel − 1). */
function stateful(call: Parameters<ShapeRule>[0]): ReturnType<ShapeRule> {
  const [x, w, state] = [shapeOf(call, 0), shapeOf(call, 1), shapeOf(call, 3)];
  const kernel = w?.at(-1);
  const [same] = like(0)(call);
  return [same, state ?? (x && [x[0], x[1], typeof kernel === 'number' ? kernel - 1 : undefined])];
}
