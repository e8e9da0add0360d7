/**
 * TypeProto and what is in it. The representation has one rest for a whole type: it holds the denotation and unknown fields
 * of the TypeProto itself, and for the messages inside (writer, shape, dimensions) a message with only what is left of each.
 */
import { concatBytes } from '../../core/bytes.ts';
import { dataTypeNumbers, dataTypeOf } from '../ir/dataTypes.ts';
import type { DataType, Dim, Rest, Shape, TensorType, ValueType } from '../ir/types.ts';
import { codecLimits } from './limits.ts';
import {
  findFields,
  intOf,
  type Message,
  openMessage,
  type Part,
  peekInt,
  type Reading,
  restOf,
  take,
  takeName,
  takePart,
} from './messageReader.ts';
import {
  beginMessage,
  dropRest,
  finishMessage,
  type MessageWriter,
  takeLeft,
  wrapRest,
  writeEncoded,
  writeInt,
  writeName,
} from './messageWriter.ts';
import { refuse } from './refusal.ts';
import { wire } from './wireReader.ts';
import { type Encoded, encodedOf } from './wireWriter.ts';

const kinds = [
  'tensor_type',
  'sparse_tensor_type',
  'sequence_type',
  'optional_type',
  'map_type',
  'opaque_type',
] as const;

/** A type that the representation has no word for is `unknown`, and whole in its rest. */
export const readType = (reading: Reading, part: Part): ValueType => {
  const message = openMessage(reading, 'TypeProto', part);
  const [kind, other] = kinds.filter((name) => findFields(message, name, wire.bytes).length > 0);
  const known = kind && !other ? readKind(message, kind) : undefined;
  if (!known) return { kind: 'unknown', rest: new Uint8Array(reading.bytes.subarray(part.start, part.end)) };
  const rest = joinRest(restOf(message), known.left);
  return rest ? { ...known.type, rest } : known.type;
};

export const encodeType = (type: ValueType): Encoded => {
  if (type.kind === 'unknown') return encodedOf(type.rest ?? new Uint8Array(0));
  const writer = beginMessage('TypeProto', type.rest);
  const field = fieldByKind[type.kind];
  const [left] = takeLeft(writer, field);
  dropRest(writer, ...kinds);
  writeEncoded(writer, field, encodeKind(type, left));
  return finishMessage(writer);
};

type Known = { readonly type: ValueType; readonly left: Uint8Array | undefined };

const readKind = (message: Message<'TypeProto'>, kind: (typeof kinds)[number]): Known | undefined => {
  const part = takePart(message, kind);
  if (!part) return undefined;
  switch (kind) {
    case 'tensor_type':
      return readTensorType(message.reading, part, 'TypeProto.Tensor', kind);
    case 'sparse_tensor_type':
      return readTensorType(message.reading, part, 'TypeProto.SparseTensor', kind);
    case 'sequence_type':
    case 'optional_type': {
      const name = kind === 'sequence_type' ? 'TypeProto.Sequence' : 'TypeProto.Optional';
      const inner = openMessage(message.reading, name, part);
      const element = takePart(inner, 'elem_type');
      if (!element) return undefined;
      const type = { kind: kindByField[kind], element: readType(message.reading, element) };
      return { type, left: wrapRest('TypeProto', kind, [restOf(inner)]) };
    }
    case 'map_type': {
      const inner = openMessage(message.reading, 'TypeProto.Map', part);
      const key = takeDataType(inner, 'key_type');
      const value = takePart(inner, 'value_type');
      if (!key || !value) return undefined;
      const type = { kind: 'map', key, value: readType(message.reading, value) } as const;
      return { type, left: wrapRest('TypeProto', kind, [restOf(inner)]) };
    }
    case 'opaque_type':
      return undefined;
    default:
      return kind satisfies never;
  }
};

const readTensorType = (
  reading: Reading,
  part: Part,
  name: 'TypeProto.Tensor' | 'TypeProto.SparseTensor',
  field: 'tensor_type' | 'sparse_tensor_type',
): Known | undefined => {
  const inner = openMessage(reading, name, part);
  const dtype = takeDataType(inner, 'elem_type');
  if (!dtype) return undefined;
  const shapePart = takePart(inner, 'shape');
  const read = shapePart && readShape(reading, shapePart);
  const leftOfShape = wrapRest(name, 'shape', [read?.left]);
  const left = wrapRest('TypeProto', field, [joinRest(restOf(inner), leftOfShape)]);
  const kind = field === 'tensor_type' ? 'tensor' : 'sparse-tensor';
  return { type: { kind, dtype, shape: read?.shape }, left };
};

const readShape = (reading: Reading, part: Part): { shape: Shape; left: Uint8Array | undefined } => {
  const message = openMessage(reading, 'TensorShapeProto', part);
  const parts = findFields(message, 'dim', wire.bytes);
  if (parts.length > codecLimits.dims)
    throw refuse('too-large', `a type has ${parts.length} dimensions, at most ${codecLimits.dims} are read`);
  take(parts);
  const dims = parts.map(({ at, end }) => readDim(reading, { start: at, end, depth: message.depth + 1 }));
  const leftOfDims = wrapRest(
    'TensorShapeProto',
    'dim',
    dims.map(({ left }) => left),
  );
  return { shape: dims.map(({ dim }) => dim), left: joinRest(restOf(message), leftOfDims) };
};

/** A negative number and an empty name say nothing (IR.md, "Static tensor shapes"); they stay in the rest. */
const readDim = (reading: Reading, part: Part): { dim: Dim; left: Rest | undefined } => {
  const message = openMessage(reading, 'TensorShapeProto.Dimension', part);
  const numbers = findFields(message, 'dim_value', wire.varint);
  const [number, second] = numbers;
  const named = findFields(message, 'dim_param', wire.bytes).length > 0;
  if (number && !second && !named) {
    const value = intOf(reading, number);
    if (typeof value === 'number' && value >= 0) {
      take(numbers);
      return { dim: value, left: restOf(message) };
    }
  }
  const name = number ? '' : takeName(message, 'dim_param');
  return { dim: name === '' ? undefined : name, left: restOf(message) };
};

type KnownType = Exclude<ValueType, { readonly kind: 'unknown' }>;

const encodeKind = (type: KnownType, left: Uint8Array | undefined): Encoded => {
  switch (type.kind) {
    case 'tensor':
      return encodeTensorType(beginMessage('TypeProto.Tensor', left), type);
    case 'sparse-tensor':
      return encodeTensorType(beginMessage('TypeProto.SparseTensor', left), type);
    case 'sequence':
    case 'optional': {
      const writer = beginMessage(
        type.kind === 'sequence' ? 'TypeProto.Sequence' : 'TypeProto.Optional',
        left,
      );
      writeEncoded(writer, 'elem_type', encodeType(type.element));
      return finishMessage(writer);
    }
    case 'map': {
      const writer = beginMessage('TypeProto.Map', left);
      writeInt(writer, 'key_type', dataTypeNumbers[type.key]);
      writeEncoded(writer, 'value_type', encodeType(type.value));
      return finishMessage(writer);
    }
    default:
      return type satisfies never;
  }
};

const encodeTensorType = (
  writer: MessageWriter<'TypeProto.Tensor' | 'TypeProto.SparseTensor'>,
  { dtype, shape }: TensorType,
): Encoded => {
  writeInt(writer, 'elem_type', dataTypeNumbers[dtype]);
  const [left] = takeLeft(writer, 'shape');
  if (shape) writeEncoded(writer, 'shape', encodeShape(shape, left));
  return finishMessage(writer);
};

/** What was left of dimensions is given back as long as there are as many. */
const encodeShape = (shape: Shape, left: Uint8Array | undefined): Encoded => {
  const writer = beginMessage('TensorShapeProto', left);
  const leftOfDims = takeLeft(writer, 'dim');
  shape.forEach((dim, index) => {
    const rest = leftOfDims.length === shape.length ? leftOfDims[index] : undefined;
    const inner = beginMessage('TensorShapeProto.Dimension', rest);
    if (dim !== undefined) dropRest(inner, 'dim_value', 'dim_param');
    if (typeof dim === 'number') writeInt(inner, 'dim_value', dim);
    else writeName(inner, 'dim_param', dim ?? '');
    writeEncoded(writer, 'dim', finishMessage(inner));
  });
  return finishMessage(writer);
};

const fieldByKind = {
  tensor: 'tensor_type',
  'sparse-tensor': 'sparse_tensor_type',
  sequence: 'sequence_type',
  optional: 'optional_type',
  map: 'map_type',
} as const;
const kindByField = { sequence_type: 'sequence', optional_type: 'optional' } as const;

const takeDataType = <Name extends 'TypeProto.Tensor' | 'TypeProto.SparseTensor' | 'TypeProto.Map'>(
  message: Message<Name>,
  field: Parameters<typeof findFields<Name>>[1],
): DataType | undefined => {
  const number = peekInt(message, field);
  const dtype = typeof number === 'number' ? dataTypeOf(number) : undefined;
  if (dtype) take(findFields(message, field, wire.varint));
  return dtype;
};

const joinRest = (...parts: readonly (Uint8Array | undefined)[]): Rest | undefined => {
  const present = parts.filter((part) => part !== undefined);
  return present.length === 0 ? undefined : concatBytes(...present);
};
