/**
 * `float_data` and its like: elements as numbers on the wire, by data type, and the little-endian bytes they stand for
 * (onnx.proto, TensorProto). Types of 8 bits and more have one element in an `int32_data`, smaller ones a byte full of them.
 */
import { bitsPerElement } from '../ir/dataTypes.ts';
import type { DataType } from '../ir/types.ts';
import { findFields, type Message, take, takeFixed } from './messageReader.ts';
import { refuse } from './refusal.ts';
import { cursorOf, readVarint, wire } from './wireReader.ts';
import { closeSink, createSink, type Encoded, encodedOf, putVarint } from './wireWriter.ts';

export type TypedField = 'float_data' | 'int32_data' | 'int64_data' | 'double_data' | 'uint64_data';

/** Which field has the elements; undefined for strings, which are bytes each. */
export const typedFieldOf = (dtype: DataType): TypedField | undefined => typedFields[dtype];

export const takeTyped = (
  message: Message<'TensorProto'>,
  dtype: DataType,
  field: TypedField,
): Uint8Array => {
  if (field === 'float_data') return takeFixed(message, field, 4);
  if (field === 'double_data') return takeFixed(message, field, 8);
  const runs = [...findFields(message, field, wire.varint), ...findFields(message, field, wire.bytes)].sort(
    (a, b) => a.start - b.start,
  );
  take(runs);
  const layout = layoutOf(dtype, field);
  // A number on the wire is a byte at least, so memory is bounded by the file.
  const count = runs.reduce((sum, run) => sum + countVarints(message.reading.bytes, run.at, run.end), 0);
  const elements = new Uint8Array(count * layout.size);
  const view = new DataView(elements.buffer);
  let offset = 0;
  for (const run of runs) {
    const cursor = cursorOf(message.reading.bytes, run.at);
    while (cursor.offset < run.end) {
      readVarint(cursor, run.end);
      layout.put(view, offset, cursor.low, cursor.high);
      offset += layout.size;
    }
  }
  return elements;
};

/** The payload of the packed field. */
export const encodeTyped = (dtype: DataType, field: TypedField, bytes: Uint8Array): Encoded => {
  if (field === 'float_data' || field === 'double_data') return encodedOf(bytes);
  const { size, get } = layoutOf(dtype, field);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const sink = createSink();
  for (let offset = 0; offset + size <= bytes.byteLength; offset += size) putVarint(sink, get(view, offset));
  return closeSink(sink);
};

const typedFields: Readonly<Record<DataType, TypedField | undefined>> = {
  float32: 'float_data',
  complex64: 'float_data',
  float64: 'double_data',
  complex128: 'double_data',
  int64: 'int64_data',
  uint32: 'uint64_data',
  uint64: 'uint64_data',
  int32: 'int32_data',
  int16: 'int32_data',
  int8: 'int32_data',
  uint16: 'int32_data',
  uint8: 'int32_data',
  bool: 'int32_data',
  float16: 'int32_data',
  bfloat16: 'int32_data',
  float8e4m3fn: 'int32_data',
  float8e4m3fnuz: 'int32_data',
  float8e5m2: 'int32_data',
  float8e5m2fnuz: 'int32_data',
  float8e8m0: 'int32_data',
  float4e2m1: 'int32_data',
  uint4: 'int32_data',
  int4: 'int32_data',
  uint2: 'int32_data',
  int2: 'int32_data',
  string: undefined,
};

/** How a number on the wire and the bytes of an element (or of a byte full of small ones) become each other. */
type Layout = {
  readonly size: number;
  readonly put: (view: DataView, offset: number, low: number, high: number) => void;
  readonly get: (view: DataView, offset: number) => number | bigint;
};

const layoutOf = (dtype: DataType, field: TypedField): Layout => {
  if (field === 'int64_data')
    return { size: 8, put: putHalves, get: (view, at) => view.getBigInt64(at, true) };
  if (dtype === 'uint64') return { size: 8, put: putHalves, get: (view, at) => view.getBigUint64(at, true) };
  const size = Math.max(1, bitsPerElement[dtype] / 8);
  const isSigned = dtype === 'int8' || dtype === 'int16' || dtype === 'int32';
  return { size, put: putNarrow(dtype, size), get: isSigned ? getSigned(size) : getUnsigned(size) };
};

const putHalves: Layout['put'] = (view, offset, low, high) => {
  view.setUint32(offset, low, true);
  view.setUint32(offset + 4, high, true);
};

const putNarrow =
  (dtype: DataType, size: number): Layout['put'] =>
  (view, offset, low, high) => {
    const limit = 2 ** (8 * size);
    const isNegative = high === 0xff_ff_ff_ff;
    const value = isNegative ? low - 2 ** 32 : high * 2 ** 32 + low;
    if (value < -limit / 2 || value >= limit)
      throw refuse('invalid', `${value} is no element of type ${dtype}`);
    if (size === 1) view.setUint8(offset, low & 255);
    else if (size === 2) view.setUint16(offset, low & 65_535, true);
    else view.setUint32(offset, low, true);
  };

const getSigned =
  (size: number): Layout['get'] =>
  (view, offset) =>
    size === 1
      ? view.getInt8(offset)
      : size === 2
        ? view.getInt16(offset, true)
        : view.getInt32(offset, true);

const getUnsigned =
  (size: number): Layout['get'] =>
  (view, offset) =>
    size === 1
      ? view.getUint8(offset)
      : size === 2
        ? view.getUint16(offset, true)
        : view.getUint32(offset, true);

/** Every varint has one byte without the highest bit: its last. */
const countVarints = (bytes: Uint8Array, from: number, to: number): number => {
  let count = 0;
  for (let at = from; at < to; at++) if ((bytes[at] ?? 0) < 128) count++;
  return count;
};
