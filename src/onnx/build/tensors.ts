import { ok, type Result } from '../../core/result.ts';
import { type OnnxFault, onnxFault } from '../fault.ts';
import { byteLengthOf, countOf } from '../ir/dataTypes.ts';
import type { DataType, Tensor } from '../ir/types.ts';

/**
 * Just enough of tensors for building: float32 and int64 out of numbers, and floats of 32 and 16 bits read as float32. Knows
 * nothing of other types.
 */

/** A view of `values` where the machine is little-endian, which all are that run browsers; a copy elsewhere. */
export const float32Tensor = (dims: readonly number[], values: Float32Array): Tensor => {
  if (countOf(dims) !== values.length)
    throw new Error(`[${dims.join(', ')}] holds ${countOf(dims)} values, not ${values.length}`);
  const bytes = isLittleEndian
    ? new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
    : encode(values.length, 4, (view, i) => view.setFloat32(4 * i, values[i] ?? 0, true));
  return { dtype: 'float32', dims, data: { kind: 'bytes', bytes } };
};

export const int64Tensor = (dims: readonly number[], values: readonly number[]): Tensor => {
  if (countOf(dims) !== values.length)
    throw new Error(`[${dims.join(', ')}] holds ${countOf(dims)} values, not ${values.length}`);
  const bytes = encode(values.length, 8, (view, i) => view.setBigInt64(8 * i, BigInt(values[i] ?? 0), true));
  return { dtype: 'int64', dims, data: { kind: 'bytes', bytes } };
};

/** A float tensor's values, row-major. float16 and bfloat16 become float32 exactly. Not to be written to: it may be a view. */
export const readFloat32 = (tensor: Tensor): Result<Float32Array, OnnxFault> => {
  const { dtype, dims, data } = tensor;
  const decode = floatReaders[dtype];
  if (decode === undefined) return refuse('unsupported', `is ${dtype}: float32, float16 or bfloat16 is read`);
  if (data.kind !== 'bytes') return refuse('missing', 'is not in memory: read it first');
  const count = countOf(dims);
  const length = byteLengthOf(dtype, count);
  if (length !== data.bytes.byteLength)
    return refuse('invalid', `has ${data.bytes.byteLength} bytes, and its shape needs ${length}`);
  return ok(decode(data.bytes, count));
};

/** Row-major [rows, columns] → [columns, rows]. */
export const transpose = (values: Float32Array, rows: number, columns: number): Float32Array => {
  const turned = new Float32Array(values.length);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++)
      turned[column * rows + row] = values[row * columns + column] ?? 0;
  return turned;
};

/** Columns from `from` on of a row-major matrix that has `columns` of them. */
export const sliceColumns = (
  values: Float32Array,
  columns: number,
  from: number,
  count: number,
): Float32Array => {
  const rows = columns === 0 ? 0 : values.length / columns;
  const slice = new Float32Array(rows * count);
  for (let row = 0; row < rows; row++)
    slice.set(values.subarray(row * columns + from, row * columns + from + count), row * count);
  return slice;
};

/** Matrices of `rows` rows side by side; with one row, vectors end to end. */
export const joinColumns = (rows: number, parts: readonly Float32Array[]): Float32Array => {
  const joined = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (let row = 0; row < rows; row++)
    for (const part of parts) {
      const columns = part.length / rows;
      joined.set(part.subarray(row * columns, (row + 1) * columns), offset);
      offset += columns;
    }
  return joined;
};

const isLittleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

const refuse = (code: OnnxFault['code'], message: string) => ({
  ok: false as const,
  error: onnxFault(code, message),
});

const encode = (count: number, size: number, put: (view: DataView, i: number) => void): Uint8Array => {
  const bytes = new Uint8Array(count * size);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < count; i++) put(view, i);
  return bytes;
};

const readSingles = (bytes: Uint8Array, count: number): Float32Array => {
  if (isLittleEndian && bytes.byteOffset % 4 === 0)
    return new Float32Array(bytes.buffer, bytes.byteOffset, count);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return Float32Array.from({ length: count }, (_, i) => view.getFloat32(4 * i, true));
};

/** bfloat16 is the upper half of a float32. */
const readBrains = (bytes: Uint8Array, count: number): Float32Array => {
  const words = new Uint32Array(count);
  for (let i = 0; i < count; i++) words[i] = ((bytes[2 * i] ?? 0) << 16) | ((bytes[2 * i + 1] ?? 0) << 24);
  return new Float32Array(words.buffer);
};

const readHalves = (bytes: Uint8Array, count: number): Float32Array => {
  const values = new Float32Array(count);
  for (let i = 0; i < count; i++) values[i] = halfOf((bytes[2 * i] ?? 0) | ((bytes[2 * i + 1] ?? 0) << 8));
  return values;
};

/** IEEE 754 binary16. */
const halfOf = (half: number): number => {
  const exponent = (half >> 10) & 31;
  const fraction = half & 1023;
  const sign = half & 0x8000 ? -1 : 1;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1024 + fraction) * (halfScales[exponent] ?? 0);
};

const halfScales: readonly number[] = Array.from({ length: 31 }, (_, exponent) => 2 ** (exponent - 25));

const floatReaders: Partial<Record<DataType, (bytes: Uint8Array, count: number) => Float32Array>> = {
  float32: readSingles,
  float16: readHalves,
  bfloat16: readBrains,
};
