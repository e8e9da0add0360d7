import type { Dim, Shape } from '../ir/types.ts';
import { addDims } from './dims.ts';
import type { TypeSetName } from './dtypes.ts';
import {
  type Call,
  float,
  form,
  int,
  ints,
  misfit,
  type OpTable,
  type OpVersion,
  optional,
  required,
  type ShapeRule,
  shaped,
} from './schema.ts';
import {
  axesIn,
  axisIn,
  intOf,
  intsOf,
  knownOf,
  like,
  shapeOf,
  unknownDims,
  wholeNumbersOf,
} from './shapes.ts';

/** Axes that are gone or 1 afterwards; undefined axes: nobody knows which. */
const reduceShape = (
  shape: Shape | undefined,
  axes: readonly number[] | undefined,
  keep: boolean,
): Shape | undefined => {
  if (shape === undefined) return undefined;
  if (axes === undefined) return keep ? unknownDims(shape.length) : undefined;
  const gone = new Set(axesIn(axes, shape.length));
  return keep ? shape.map((dim, i) => (gone.has(i) ? 1 : dim)) : shape.filter((_, i) => !gone.has(i));
};

const allAxes = (shape: Shape | undefined): readonly number[] | undefined => shape?.map((_, i) => i);
const keeps = (call: Call): boolean => intOf(call, 'keepdims') !== 0;

const byAttribute: ShapeRule = (call) => {
  const shape = shapeOf(call, 0);
  const axes = intsOf(call, 'axes');
  return [reduceShape(shape, axes === undefined || axes.length === 0 ? allAxes(shape) : axes, keeps(call))];
};

const byInput: ShapeRule = (call) => {
  const shape = shapeOf(call, 0);
  const isEmpty = call.inputs[1] === undefined || knownOf(call, 1)?.length === 0;
  if (isEmpty && intOf(call, 'noop_with_empty_axes') === 1) return [shape];
  return [reduceShape(shape, isEmpty ? allAxes(shape) : wholeNumbersOf(call, 1), keeps(call))];
};

/** `until` are the opsets with axes as an attribute, `since` those with axes as an input. */
const reduce = (
  types: TypeSetName,
  until: OpVersion['since'],
  since: OpVersion['since'],
): readonly OpVersion[] => [
  form(until, 'T -> T', shaped(byAttribute), { axes: optional('ints'), keepdims: int(1) }, { T: types }),
  form(
    since,
    'T int64? -> T',
    shaped(byInput),
    { keepdims: int(1), noop_with_empty_axes: int(0) },
    { T: types },
  ),
];

const argument: ShapeRule = (call) => [
  reduceShape(shapeOf(call, 0), [intOf(call, 'axis') ?? 0], keeps(call)),
];
const argumentOf = () => [
  form([1, 11], 'T -> int64', shaped(argument), { axis: int(0), keepdims: int(1) }, { T: 'numeric' }),
  form(
    [12, 13],
    'T -> int64',
    shaped(argument),
    { axis: int(0), keepdims: int(1), select_last_index: int(0) },
    { T: 'numeric' },
  ),
];

/** The k largest along an axis, and where they were. */
const topK =
  (countOf: (call: Call) => Dim): ShapeRule =>
  (call) => {
    const shape = shapeOf(call, 0);
    if (shape === undefined) return [];
    const axis = axisIn(intOf(call, 'axis') ?? -1, shape.length);
    const count = countOf(call);
    const dim = shape[axis];
    if (typeof count === 'number' && (count < 0 || (typeof dim === 'number' && count > dim)))
      misfit(`k is ${count}, axis ${axis} has ${dim ?? 'unknown'}`);
    const picked = shape.map((other, i) => (i === axis ? count : other));
    return [picked, picked];
  };

const checkAxis: ShapeRule = (call) => {
  const shape = shapeOf(call, 0);
  if (shape !== undefined) axisIn(intOf(call, 'axis') ?? 0, shape.length);
  return [shape];
};

/** Until opset 11 the default axis was 1, and what follows it was one row. */
const softmax = () => [
  form([1, 11], 'T -> T', shaped(like(0)), { axis: int(1) }, { T: 'float' }),
  form([13], 'T -> T', shaped(checkAxis), { axis: int(-1) }, { T: 'float' }),
];

const globalPool: ShapeRule = (call) => {
  const shape = shapeOf(call, 0);
  if (shape !== undefined && shape.length < 2)
    misfit(`an input of ${shape.length} dimensions has no channels`);
  return [shape?.map((dim, i) => (i < 2 ? dim : 1))];
};

const unique: ShapeRule = (call) => {
  const shape = shapeOf(call, 0);
  const axis = intOf(call, 'axis');
  const values =
    axis === undefined || shape === undefined
      ? unknownDims(axis === undefined ? 1 : (shape?.length ?? 1))
      : shape.map((dim, i) => (i === axisIn(axis, shape.length) ? undefined : dim));
  return [
    axis !== undefined && shape === undefined ? undefined : values,
    [undefined],
    [undefined],
    [undefined],
  ];
};

/** The axis is an input that nobody needs for the shape. */
const cumulative = { exclusive: int(0), reverse: int(0) };

const compress: ShapeRule = (call) => {
  const shape = shapeOf(call, 0);
  const axis = intOf(call, 'axis');
  if (axis === undefined) return [[undefined]];
  if (shape === undefined) return [];
  const at = axisIn(axis, shape.length);
  return [shape.map((dim, i) => (i === at ? undefined : dim))];
};

export const reduction: OpTable = {
  ReduceL1: reduce('wide', [1, 11, 13], [18]),
  ReduceL2: reduce('wide', [1, 11, 13], [18]),
  ReduceLogSum: reduce('wide', [1, 11, 13], [18, 28]),
  ReduceLogSumExp: reduce('wide', [1, 11, 13], [18, 28]),
  ReduceMax: reduce('ordinal', [1, 11, 12, 13], [18, 20]),
  ReduceMean: reduce('wide', [1, 11, 13], [18]),
  ReduceMin: reduce('ordinal', [1, 11, 12, 13], [18, 20]),
  ReduceProd: reduce('wide', [1, 11, 13], [18]),
  ReduceSum: reduce('wide', [1, 11], [13]),
  ReduceSumSquare: reduce('wide', [1, 11, 13], [18]),
  ArgMax: argumentOf(),
  ArgMin: argumentOf(),
  TopK: [
    form(
      [1],
      'T -> T int64',
      shaped(topK((call) => intOf(call, 'k'))),
      { axis: int(-1), k: required('int') },
      { T: 'numeric' },
    ),
    form(
      [10],
      'T int64 -> T int64',
      shaped(topK((call) => knownOf(call, 1)?.[0])),
      { axis: int(-1) },
      {
        T: 'numeric',
      },
    ),
    form(
      [11, 24],
      'T int64 -> T int64',
      shaped(topK((call) => knownOf(call, 1)?.[0])),
      { axis: int(-1), largest: int(1), sorted: int(1) },
      { T: 'numeric' },
    ),
  ],
  Softmax: softmax(),
  LogSoftmax: softmax(),
  Hardmax: softmax(),
  CumSum: [form([11, 14], 'T index -> T', shaped(like(0)), cumulative, { T: 'wide' })],
  CumProd: [form([26], 'T index -> T', shaped(like(0)), cumulative, { T: 'wide' })],
  GlobalAveragePool: [form([1, 22], 'T -> T', shaped(globalPool), {}, { T: 'float' })],
  GlobalMaxPool: [form([1, 22], 'T -> T', shaped(globalPool), {}, { T: 'float' })],
  GlobalLpPool: [
    form([1], 'T -> T', shaped(globalPool), { p: float(2) }, { T: 'float' }),
    form([2, 22], 'T -> T', shaped(globalPool), { p: int(2) }, { T: 'float' }),
  ],
  MeanVarianceNormalization: [
    form([9, 13], 'T -> T', shaped(like(0)), { axes: ints([0, 2, 3]) }, { T: 'float' }),
  ],
  NonZero: [
    form(
      [9, 13],
      'T -> int64',
      shaped((call) => [[shapeOf(call, 0)?.length, undefined]]),
    ),
  ],
  Unique: [
    form([11, 28], 'T -> T int64? int64? int64?', shaped(unique), { axis: optional('int'), sorted: int(1) }),
  ],
  Compress: [form([9, 11, 28], 'T bool -> T', shaped(compress), { axis: optional('int') })],
  NonMaxSuppression: [
    form(
      [10, 11],
      'float32 float32 int64? float32? float32? -> int64',
      shaped(() => [[undefined, 3]]),
      { center_point_box: int(0) },
    ),
  ],
};

export const sumOfDims = (dims: readonly Dim[]): Dim => {
  let sum: Dim = 0;
  for (const dim of dims) sum = addDims(sum, dim);
  return sum;
};
