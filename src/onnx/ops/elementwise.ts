import { dataTypeOf } from '../ir/dataTypes.ts';
import type { DataType } from '../ir/types.ts';
import type { TypeSetName } from './dtypes.ts';
import {
  type Call,
  float,
  form,
  type Infer,
  int,
  misfit,
  type OpTable,
  type OpVersion,
  optional,
  required,
  shaped,
  tensorType,
  text,
} from './schema.ts';
import { broadcastShapes, dtypeOf, intOf, like, shapeOf } from './shapes.ts';

type Since = readonly [number, ...number[]];
const same = shaped(like(0));
const broadcast = shaped((call) => [broadcastShapes(call.inputs.map((_, i) => shapeOf(call, i)))]);

/** Before opset 6 operators said which input they overwrite. */
const consumed = { consumed_inputs: optional('ints') };
type Attributes = OpVersion['attributes'];

const unary = (since: Since, types: TypeSetName = 'float', attributes: Attributes = {}): OpVersion =>
  form(since, 'T -> T', same, attributes, { T: types });

const oldUnary = (since: Since, types: TypeSetName = 'float', attributes: Attributes = {}) => [
  form([1], 'T -> T', same, { ...attributes, ...consumed }, { T: types }),
  unary(since, types, attributes),
];

/** Before opset 7 the second input was laid along the first one's axes, on request. */
const limited = { broadcast: int(0), axis: optional('int') };
const arithmetic = (types: TypeSetName, ...since: Since) => [
  form([1], 'T T -> T', same, { ...limited, ...consumed }, { T: types }),
  form([6], 'T T -> T', same, limited, { T: types }),
  form(since, 'T T -> T', broadcast, {}, { T: types }),
];
const comparison = (types: TypeSetName, ...since: Since) => [
  form([1], 'T T -> bool', same, limited, { T: types }),
  form(since, 'T T -> bool', broadcast, {}, { T: types }),
];
const binary = (types: TypeSetName, ...since: Since) => form(since, 'T T -> T', broadcast, {}, { T: types });
const variadic = (types: TypeSetName, ...since: Since) => [
  form([1], 'T+ -> T', same, consumed, { T: types }),
  form([6], 'T+ -> T', same, {}, { T: types }),
  form(since, 'T+ -> T', broadcast, {}, { T: types }),
];
const logical = () => [
  form([1], 'bool bool -> bool', same, limited),
  form([7], 'bool bool -> bool', broadcast),
];

/** The element type an attribute names by its number. */
export const dtypeNamed = (number: number | undefined): DataType | undefined =>
  number === undefined
    ? undefined
    : (dataTypeOf(number) ?? misfit(`${number} is the number of no element type`));

const castTo: Infer = (call) => [tensorType(dtypeNamed(intOf(call, 'to')), shapeOf(call, 0))];
const castLike: Infer = (call) => [tensorType(dtypeOf(call, 1), shapeOf(call, 0))];
/** Any value passes, a sequence as well as a tensor. */
const passed: Infer = (call) => [call.inputs[0]?.type ?? { kind: 'unknown' }];
const saturate = int(1);
const rounding = { saturate, round_mode: text('up') };

/** Of the shape the input has, of a type that an attribute gives, and otherwise of the input's. */
const randomLike: Infer = (call) => [
  tensorType(dtypeNamed(intOf(call, 'dtype')) ?? dtypeOf(call, 0), shapeOf(call, 0)),
];

export const elementwise: OpTable = {
  Abs: oldUnary([6, 13], 'numeric'),
  Acos: [unary([7, 22])],
  Acosh: [unary([9, 22])],
  Asin: [unary([7, 22])],
  Asinh: [unary([9, 22])],
  Atan: [unary([7, 22])],
  Atanh: [unary([9, 22])],
  Ceil: oldUnary([6, 13]),
  Celu: [unary([12, 28], 'float', { alpha: float(1) })],
  Clip: [
    form(
      [1],
      'T -> T',
      same,
      { max: optional('float'), min: optional('float'), ...consumed },
      { T: 'float' },
    ),
    unary([6], 'float', { min: float(-3.4028234663852886e38), max: float(3.4028234663852886e38) }),
    form([11, 12, 13], 'T T? T? -> T', same, {}, { T: 'numeric' }),
  ],
  Cos: [unary([7, 22])],
  Cosh: [unary([9, 22])],
  Elu: oldUnary([6, 22], 'float', { alpha: float(1) }),
  Erf: [unary([9, 13], 'numeric')],
  Exp: oldUnary([6, 13]),
  Floor: oldUnary([6, 13]),
  Gelu: [unary([20], 'float', { approximate: text('none') })],
  HardSigmoid: oldUnary([6, 22], 'float', { alpha: float(0.2), beta: float(0.5) }),
  HardSwish: [unary([14, 22])],
  Identity: [form([1, 13, 14, 16, 19, 21, 23, 24, 25], 'any -> any', passed)],
  IsInf: [
    form(
      [10, 20],
      'T -> bool',
      same,
      { detect_negative: int(1), detect_positive: int(1) },
      {
        T: 'floatOrFloat8',
      },
    ),
  ],
  IsNaN: [form([9, 13, 20], 'T -> bool', same, {}, { T: 'floatOrFloat8' })],
  LeakyRelu: oldUnary([6, 16], 'float', { alpha: float(0.01) }),
  Log: oldUnary([6, 13]),
  Mish: [unary([18, 22])],
  Neg: oldUnary([6, 13], 'signed'),
  Not: [form([1], 'bool -> bool', same)],
  PRelu: [
    form([1], 'T T -> T', same, consumed, { T: 'wide' }),
    form([6, 7, 9, 16], 'T T -> T', same, {}, { T: 'wide' }),
  ],
  Reciprocal: oldUnary([6, 13]),
  Relu: oldUnary([6, 13, 14], 'signed'),
  Round: [unary([11, 22])],
  Selu: [
    form([1], 'T -> T', same, { alpha: float(1.6732), gamma: float(1.0507), ...consumed }, { T: 'float' }),
    unary([6, 22], 'float', { alpha: float(1.6732632423543772), gamma: float(1.0507009873554805) }),
  ],
  Shrink: [unary([9], 'numeric', { bias: float(0), lambd: float(0.5) })],
  Sigmoid: oldUnary([6, 13]),
  Sign: [unary([9, 13], 'numeric')],
  Sin: [unary([7, 22])],
  Sinh: [unary([9, 22])],
  Softplus: [unary([1, 22])],
  Softsign: [unary([1, 22])],
  Sqrt: oldUnary([6, 13]),
  Swish: [unary([24], 'float', { alpha: float(1) })],
  Tan: [unary([7, 22])],
  Tanh: oldUnary([6, 13]),
  ThresholdedRelu: [unary([10, 22], 'float', { alpha: float(1) })],
  BitwiseNot: [unary([18], 'integer')],

  Add: arithmetic('numeric', 7, 13, 14),
  Sub: arithmetic('numeric', 7, 13, 14),
  Mul: arithmetic('numeric', 7, 13, 14),
  Div: arithmetic('numeric', 7, 13, 14),
  Pow: [
    form([1], 'T U -> T', same, limited, { T: 'numeric', U: 'numeric' }),
    form([7, 12, 13, 15], 'T U -> T', broadcast, {}, { T: 'numeric', U: 'numeric' }),
  ],
  Mod: [form([10, 13, 28], 'T T -> T', broadcast, { fmod: int(0) }, { T: 'numeric' })],
  BitShift: [form([11, 28], 'T T -> T', broadcast, { direction: required('string') }, { T: 'integer' })],
  BitwiseAnd: [binary('integer', 18)],
  BitwiseOr: [binary('integer', 18)],
  BitwiseXor: [binary('integer', 18)],
  SwiGLU: [form([28], 'T T -> T', broadcast, { alpha: float(1) }, { T: 'float' })],
  Max: variadic('numeric', 8, 12, 13),
  Min: variadic('numeric', 8, 12, 13),
  Mean: variadic('float', 8, 13),
  Sum: variadic('float', 8, 13),

  Equal: comparison('comparable', 7, 11, 13, 19),
  Greater: comparison('numeric', 7, 9, 13),
  Less: comparison('numeric', 7, 9, 13),
  GreaterOrEqual: [form([12, 16], 'T T -> bool', broadcast, {}, { T: 'numeric' })],
  LessOrEqual: [form([12, 16], 'T T -> bool', broadcast, {}, { T: 'numeric' })],
  And: logical(),
  Or: logical(),
  Xor: logical(),
  Where: [form([9, 16], 'bool T T -> T', broadcast)],

  Cast: [
    form([1], 'T -> all', castToText, { to: required('string') }),
    form([6, 9, 13], 'T -> all', castTo, { to: required('int') }),
    form([19, 21, 23], 'T -> all', castTo, { to: required('int'), saturate }),
    form([24, 25, 28], 'T -> all', castTo, { to: required('int'), ...rounding }),
  ],
  CastLike: [
    form([15], 'T U -> U', castLike),
    form([19, 21, 23], 'T U -> U', castLike, { saturate }),
    form([24, 25], 'T U -> U', castLike, rounding),
  ],
  BitCast: [form([26], 'T -> all', castTo, { to: required('int') })],
  Bernoulli: [
    form(
      [15, 22],
      'T -> ordinal',
      randomLike,
      { dtype: optional('int'), seed: optional('float') },
      {
        T: 'float',
      },
    ),
  ],
  RandomNormalLike: [
    form([1, 22], 'T -> float', randomLike, {
      dtype: optional('int'),
      mean: float(0),
      scale: float(1),
      seed: optional('float'),
    }),
  ],
  RandomUniformLike: [
    form([1, 22], 'T -> float', randomLike, {
      dtype: optional('int'),
      low: float(0),
      high: float(1),
      seed: optional('float'),
    }),
  ],
  EyeLike: [
    form([9, 22], 'T -> ordinal', randomLike, { dtype: optional('int'), k: int(0) }, { T: 'ordinal' }),
  ],
  StringConcat: [form([20], 'string string -> string', broadcast)],
  RegexFullMatch: [form([20], 'string -> bool', same, { pattern: optional('string') })],
};

/** Opset 1 named types as the enum in C++ does. */
function castToText(call: Call): ReturnType<Infer> {
  const attribute = call.node.attributes['to'];
  const name = attribute?.type === 'string' ? attribute.value : '';
  return [tensorType(oldNames[name], shapeOf(call, 0))];
}

const oldNames: Readonly<Record<string, DataType>> = {
  FLOAT: 'float32',
  DOUBLE: 'float64',
  FLOAT16: 'float16',
  INT8: 'int8',
  INT16: 'int16',
  INT32: 'int32',
  INT64: 'int64',
  UINT8: 'uint8',
  UINT16: 'uint16',
  UINT32: 'uint32',
  UINT64: 'uint64',
  BOOL: 'bool',
  STRING: 'string',
};
