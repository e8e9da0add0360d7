import type { Attribute, Dim, ValueType } from '../ir/types.ts';
import { dtypeNamed } from './elementwise.ts';
import { shapeFromVector } from './movement.ts';
import {
  type Call,
  float,
  form,
  type Infer,
  int,
  misfit,
  type OpTable,
  optional,
  required,
  type ShapeRule,
  shaped,
  tensorType,
} from './schema.ts';
import { attributeOf, intOf, intsOf, knownOf, shapeOf, tensorAttributeOf } from './shapes.ts';

const constantForms = [
  'value',
  'sparse_value',
  'value_int',
  'value_ints',
  'value_float',
  'value_floats',
  'value_string',
  'value_strings',
] as const;

/** Exactly one of the attributes has it. */
export const constantAttribute = (call: Call): Attribute => {
  const given = constantForms.flatMap((name) => attributeOf(call, name) ?? []);
  const [only] = given;
  if (only === undefined || given.length > 1) return misfit(`${given.length} values are given, it takes one`);
  return only;
};

const constant: Infer = (call) => [typeOfConstant(constantAttribute(call))];

const typeOfConstant = (attribute: Attribute): ValueType => {
  switch (attribute.type) {
    case 'tensor':
      return tensorType(attribute.value.dtype, attribute.value.dims);
    case 'int':
      return tensorType('int64', []);
    case 'ints':
      return tensorType('int64', [attribute.value.length]);
    case 'float':
      return tensorType('float32', []);
    case 'floats':
      return tensorType('float32', [attribute.value.length]);
    case 'string':
    case 'bytes':
      return tensorType('string', []);
    case 'strings':
      return tensorType('string', [attribute.value.length]);
    default:
      return { kind: 'unknown' };
  }
};

const constantOfShape: Infer = (call) => {
  const shape = shapeFromVector(call, 0);
  const negative = shape?.find((dim) => typeof dim === 'number' && dim < 0);
  if (negative !== undefined) misfit(`a dimension is ${negative}`);
  return [tensorType(tensorAttributeOf(call, 'value')?.dtype ?? 'float32', shape)];
};

/** ceil((limit − start) / delta), and none if that is negative. */
export const rangeLength = (start: Dim, limit: Dim, delta: Dim): Dim => {
  if (typeof start === 'number' && typeof limit === 'number' && typeof delta === 'number') {
    if (delta === 0) misfit('delta is 0');
    return Math.max(0, Math.ceil((limit - start) / delta));
  }
  return start === 0 && delta === 1 ? limit : undefined;
};
const range: ShapeRule = (call) => [
  [rangeLength(knownOf(call, 0)?.[0], knownOf(call, 1)?.[0], knownOf(call, 2)?.[0])],
];

const random: Infer = (call) => [tensorType(dtypeNamed(intOf(call, 'dtype')), intsOf(call, 'shape'))];
const multinomial: Infer = (call) => [
  tensorType(dtypeNamed(intOf(call, 'dtype')), [shapeOf(call, 0)?.[0], intOf(call, 'sample_size')]),
];

const windowOf: Infer = (call) => [
  tensorType(dtypeNamed(intOf(call, 'output_datatype')), [knownOf(call, 0)?.[0]]),
];
const melWeights: Infer = (call) => {
  const [bins, length] = [knownOf(call, 0)?.[0], knownOf(call, 1)?.[0]];
  const half = typeof length === 'number' ? Math.floor(length / 2) + 1 : undefined;
  return [tensorType(dtypeNamed(intOf(call, 'output_datatype')), [half, bins])];
};

const windowAttributes = { output_datatype: int(1), periodic: int(1) };
const seeded = { dtype: int(1), seed: optional('float'), shape: required('ints') };
const values = {
  value: optional('tensor'),
  sparse_value: optional('any'),
  value_int: optional('int'),
  value_ints: optional('ints'),
  value_float: optional('float'),
  value_floats: optional('floats'),
  value_string: optional('string'),
  value_strings: optional('strings'),
};

export const generation: OpTable = {
  Constant: [
    form([1, 9], '-> all', constant, { value: required('tensor') }),
    form([11], '-> all', constant, { value: optional('tensor'), sparse_value: optional('any') }),
    form([12, 13, 19, 21, 23, 24, 25], '-> all', constant, values),
  ],
  ConstantOfShape: [
    form([9, 20, 21, 23, 24, 25], 'int64 -> all', constantOfShape, { value: optional('tensor') }),
  ],
  Range: [
    form([11], 'T T T -> T', shaped(range), {}, { T: 'numeric' }),
    form([27], 'T T T -> T', shaped(range), { stash_type: int(1) }, { T: 'numeric' }),
  ],
  RandomNormal: [form([1, 22], '-> float', random, { ...seeded, mean: float(0), scale: float(1) })],
  RandomUniform: [form([1, 22], '-> float', random, { ...seeded, low: float(0), high: float(1) })],
  Multinomial: [
    form(
      [7, 22],
      'T -> index',
      multinomial,
      { dtype: int(6), sample_size: int(1), seed: optional('float') },
      { T: 'float' },
    ),
  ],
  BlackmanWindow: [form([17], 'index -> numeric', windowOf, windowAttributes)],
  HammingWindow: [form([17], 'index -> numeric', windowOf, windowAttributes)],
  HannWindow: [form([17], 'index -> numeric', windowOf, windowAttributes)],
  MelWeightMatrix: [
    form([17], 'I I I T T -> numeric', melWeights, { output_datatype: int(1) }, { I: 'index', T: 'float' }),
  ],
};
