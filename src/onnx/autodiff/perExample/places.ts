import type { Node } from '../../ir/types.ts';
import { type Dims, sizeOf } from '../emitter.ts';
import { axisOf, isSame } from '../math.ts';
import type { Attributed } from '../rule.ts';

/** Where examples lie in a value: along `axis`, each with `inner` rows, one example's behind the other's. */
export type Place = { readonly axis: number; readonly inner: number };

/** What is known of a node of which some input depends on the examples. */
export type PlacedNode = {
  readonly node: Node;
  /** By input; undefined for one that is the same for every example. */
  readonly places: readonly (Place | undefined)[];
  readonly batch: number;
  readonly dims: (input: number) => Dims;
  /** Of the first output. */
  readonly out: Dims;
  readonly ints: (input: number) => readonly number[] | undefined;
  readonly attribute: Attributed;
};

/** 'mixed': examples may meet, or it can't be told. */
export type Placed = Place | 'shared' | 'mixed';

/** Where a node's outputs have the examples. The dims of the outputs are for the caller to check. */
export const placesOf = (at: PlacedNode): Placed => {
  const { op, domain } = at.node;
  const name = domain === '' || domain === 'ai.onnx' ? op : `${domain}.${op}`;
  if (elementwise.has(name)) return aligned(at);
  return transfers.get(name)?.(at) ?? 'mixed';
};

type Transfer = (at: PlacedNode) => Placed | undefined;

const elementwise: ReadonlySet<string> = new Set([
  ...['Add', 'Sub', 'Mul', 'Div', 'Pow', 'Max', 'Min', 'Sum', 'Mean', 'Mod', 'Where', 'PRelu', 'Clip'],
  ...[
    'Equal',
    'Greater',
    'Less',
    'GreaterOrEqual',
    'LessOrEqual',
    'And',
    'Or',
    'Xor',
    'Not',
    'IsNaN',
    'IsInf',
  ],
  ...[
    'Abs',
    'Neg',
    'Exp',
    'Log',
    'Sqrt',
    'Reciprocal',
    'Sin',
    'Cos',
    'Erf',
    'Floor',
    'Ceil',
    'Round',
    'Sign',
  ],
  ...['Tanh', 'Sigmoid', 'Relu', 'LeakyRelu', 'Elu', 'Selu', 'Celu', 'Gelu', 'Softplus', 'Softsign', 'Mish'],
  ...['HardSigmoid', 'HardSwish', 'ThresholdedRelu', 'Cast', 'Identity', 'Dropout', 'Trilu'],
  'com.microsoft.QuickGelu',
]);

const samePlace = (a: Place, b: Place): boolean => a.axis === b.axis && a.inner === b.inner;

/** The one place that all have which have one. */
const agreed = (places: readonly (Place | undefined)[]): Place | undefined => {
  const [first, ...others] = places.filter((place) => place !== undefined);
  return first && others.every((other) => samePlace(first, other)) ? first : undefined;
};

/** Broadcast operands meet from their last axis on. */
const aligned = ({ places, dims, out }: PlacedNode): Placed =>
  agreed(
    places.map((place, input) => place && { ...place, axis: place.axis + out.length - dims(input).length }),
  ) ?? 'mixed';

/** Only the first input depends on examples. */
const onlyFirst = ({ places }: PlacedNode): Place | undefined =>
  places.slice(1).every((place) => place === undefined) ? places[0] : undefined;

/** An operator that works along its own axis, and there alone. */
const along =
  (otherwise: number): Transfer =>
  (at) => {
    const place = onlyFirst(at);
    const rank = at.dims(0).length;
    return place?.axis === axisOf(at.attribute.int('axis', otherwise), rank) ? undefined : place;
  };

/** Of all axes from its own on. */
const normalization: Transfer = (at) => {
  const place = onlyFirst(at);
  return place && place.axis < axisOf(at.attribute.int('axis', -1), at.dims(0).length) ? place : undefined;
};

const without = ({ axis, inner }: Place, gone: readonly number[]): Place => ({
  axis: axis - gone.filter((other) => other < axis).length,
  inner,
});

const reduction: Transfer = (at) => {
  const place = onlyFirst(at);
  const rank = at.dims(0).length;
  const axes = (at.ints(1) ?? at.attribute.ints('axes'))?.map((axis) => axisOf(axis, rank));
  if (!place || !axes?.length || axes.includes(place.axis)) return undefined;
  return at.attribute.int('keepdims', 1) !== 0 ? place : without(place, axes);
};

const argument: Transfer = (at) => {
  const place = onlyFirst(at);
  const axis = axisOf(at.attribute.int('axis', 0), at.dims(0).length);
  if (!place || place.axis === axis) return undefined;
  return at.attribute.int('keepdims', 1) !== 0 ? place : without(place, [axis]);
};

/** The axis before which there is as much as before the old one, if the examples are its outer part. */
const reshape: Transfer = (at) => {
  const place = onlyFirst(at);
  if (!place) return undefined;
  const before = sizeOf(at.dims(0).slice(0, place.axis));
  const axis = at.out.findIndex(
    (dim, index) => sizeOf(at.out.slice(0, index)) === before && dim > 0 && dim % at.batch === 0,
  );
  return axis < 0 ? undefined : { axis, inner: (at.out[axis] ?? 0) / at.batch };
};

const transpose: Transfer = (at) => {
  const place = onlyFirst(at);
  const rank = at.dims(0).length;
  const permutation =
    at.attribute.ints('perm') ?? Array.from({ length: rank }, (_, index) => rank - 1 - index);
  return place && { ...place, axis: permutation.indexOf(place.axis) };
};

const concat: Transfer = (at) => {
  const place = agreed(at.places);
  return place?.axis === axisOf(at.attribute.int('axis', 0), at.out.length) ? undefined : place;
};

const slice: Transfer = (at) => {
  const place = onlyFirst(at);
  const rank = at.dims(0).length;
  const axes = at.node.inputs[3] ? at.ints(3) : at.ints(1)?.map((_, index) => index);
  return !place || !axes || axes.some((axis) => axisOf(axis, rank) === place.axis) ? undefined : place;
};

const pad: Transfer = (at) => {
  const place = onlyFirst(at);
  const rank = at.dims(0).length;
  const widths = at.ints(1);
  const axes = at.node.inputs[3] ? at.ints(3) : at.dims(0).map((_, index) => index);
  if (!place || !widths || !axes) return undefined;
  const index = axes.findIndex((axis) => axisOf(axis, rank) === place.axis);
  return index >= 0 && (widths[index] !== 0 || widths[index + axes.length] !== 0) ? undefined : place;
};

/** With as many copies along the examples' axis as there are now: one. */
const spread: Transfer = (at) => {
  const place = onlyFirst(at);
  return place && { ...place, axis: place.axis + at.out.length - at.dims(0).length };
};

const gather: Transfer = (at) => {
  const [data, indices] = at.places;
  const axis = axisOf(at.attribute.int('axis', 0), at.dims(0).length);
  if (data && indices) return undefined;
  if (indices) return { ...indices, axis: axis + indices.axis };
  if (!data || data.axis === axis) return undefined;
  return data.axis < axis ? data : { ...data, axis: data.axis + at.dims(1).length - 1 };
};

const gatherElements: Transfer = (at) => {
  const place = agreed(at.places);
  return place?.axis === axisOf(at.attribute.int('axis', 0), at.dims(0).length) ? undefined : place;
};

/** Rows of the left and columns of the right stay; what is summed over must not hold examples. */
const matMul: Transfer = (at) => {
  const [a, b] = at.places;
  const [left, right] = [at.dims(0).length, at.dims(1).length];
  if (right < 2) return a && !b && a.axis < left - 1 ? a : undefined;
  if (left < 2) {
    if (a || !b || b.axis === right - 2) return undefined;
    return { ...b, axis: b.axis === right - 1 ? at.out.length - 1 : b.axis };
  }
  const fromEnd = [a && { ...a, axis: left - a.axis }, b && { ...b, axis: right - b.axis }];
  // Counted from the end: the columns are 1, the rows 2.
  if (fromEnd[0]?.axis === 1 || fromEnd[1]?.axis === 2) return undefined;
  const place = agreed(fromEnd);
  return place && { ...place, axis: at.out.length - place.axis };
};

const gemm: Transfer = (at) => {
  const [a, b, c] = at.places;
  const row = at.attribute.int('transA', 0) === 0 ? 0 : 1;
  if (!a || b || a.axis !== row) return undefined;
  const bias = c && { ...c, axis: c.axis + 2 - at.dims(2).length };
  return agreed([{ axis: 0, inner: a.inner }, bias]);
};

const einsum: Transfer = (at) => {
  const [left, result] = at.attribute.text('equation', '').replace(/\s/g, '').split('->');
  if (left === undefined || result === undefined || left.includes('.')) return undefined;
  const terms = left.split(',');
  const letters = at.places.map((place, input) => place && terms[input]?.[place.axis]);
  const [letter, ...others] = letters.filter((each) => each !== undefined);
  const inner = at.places.find((place) => place !== undefined)?.inner ?? 1;
  const same = others.every((other) => other === letter);
  const even = at.places.every((place) => place === undefined || place.inner === inner);
  // A second time in one term it would be a diagonal.
  const once = terms.every((term) => term.split(letter ?? '').length <= 2);
  const axis = result.indexOf(letter ?? '.');
  return letter !== undefined && same && even && once && axis >= 0 ? { axis, inner } : undefined;
};

/** [N, channels, …spatial]: examples are images. */
const images: Transfer = (at) => {
  const place = onlyFirst(at);
  return place?.axis === 0 ? place : undefined;
};

const batchNormalization: Transfer = (at) =>
  at.attribute.int('training_mode', 0) === 0 ? images(at) : undefined;

const transfers: ReadonlyMap<string, Transfer> = new Map<string, Transfer>([
  ...['Softmax', 'LogSoftmax', 'Hardmax', 'TopK', 'Split'].map(
    (op) => [op, along(op === 'Split' ? 0 : -1)] as const,
  ),
  ...['LayerNormalization', 'SimplifiedLayerNormalization', 'RMSNormalization'].map(
    (op) => [op, normalization] as const,
  ),
  ...['Sum', 'Mean', 'Max', 'Min', 'L1', 'L2', 'SumSquare', 'LogSumExp', 'LogSum', 'Prod'].map(
    (kind) => [`Reduce${kind}`, reduction] as const,
  ),
  ...['ArgMax', 'ArgMin'].map((op) => [op, argument] as const),
  ...['Reshape', 'Flatten', 'Squeeze', 'Unsqueeze'].map((op) => [op, reshape] as const),
  ...['Conv', 'ConvTranspose', 'MaxPool', 'AveragePool', 'GlobalAveragePool', 'GlobalMaxPool'].map(
    (op) => [op, images] as const,
  ),
  ...['InstanceNormalization', 'GroupNormalization'].map((op) => [op, images] as const),
  ['BatchNormalization', batchNormalization],
  ['Transpose', transpose],
  ['Concat', concat],
  ['Slice', slice],
  ['Pad', pad],
  ['Expand', spread],
  ['Tile', spread],
  ['Gather', gather],
  ['GatherElements', gatherElements],
  ['MatMul', matMul],
  ['Gemm', gemm],
  ['Einsum', einsum],
  ['Shape', () => 'shared'],
  // Its axis is an input.
  ['CumSum', (at) => cumSum(at)],
]);

const cumSum = (at: PlacedNode): Placed | undefined => {
  const place = onlyFirst(at);
  const [axis] = at.ints(1) ?? [];
  return axis === undefined || place?.axis === axisOf(axis, at.dims(0).length) ? undefined : place;
};

/** Whether a node gives the same numbers back, in whatever order and with zeros left out, of one input. */
export const keepsNorm = (node: Node, dims: Dims, out: Dims): boolean => {
  if (['Add', 'Sub', 'Neg'].includes(node.op)) return isSame(dims, out);
  return ['Identity', 'Reshape', 'Flatten', 'Squeeze', 'Unsqueeze', 'Transpose', 'Slice'].includes(node.op);
};
