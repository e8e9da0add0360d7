import { err, ok, type Result } from '../../core/result.ts';
import { type OnnxFault, onnxFault } from '../fault.ts';
import { bitsPerElement, byteLengthOf, countOf } from './dataTypes.ts';
import type { DataType, Int, Tensor } from './types.ts';

/** Tensors in memory: made from numbers, read as numbers. Doesn't read files, and doesn't calculate. */

/** Element types that a JavaScript number holds exactly, all but strings, complex and 64-bit ones. */
type Codec = {
  readonly read: (view: DataView, index: number) => Int;
  readonly write: (view: DataView, index: number, value: Int) => void;
};

/**
 * `numbers` are the elements, row-major; floats are rounded to nearest, ties to even. A whole number that the type has no
 * place for is a fault, and so is a count that the dimensions don't have.
 */
export const tensorOf = (
  dtype: DataType,
  dims: readonly number[],
  numbers: ArrayLike<Int>,
): Result<Tensor, OnnxFault> => {
  const codec = codecs[dtype];
  if (codec === undefined) return err(onnxFault('unsupported', `no ${dtype} can be made of numbers`));
  const count = countOf(dims);
  if (!dims.every(isCount) || count !== numbers.length)
    return err(onnxFault('invalid', `[${dims.join()}] has ${count} elements, ${numbers.length} are given`));
  const bytes = new Uint8Array(byteLengthOf(dtype, count) ?? 0);
  const view = new DataView(bytes.buffer);
  const range = integerRanges[dtype];
  for (let i = 0; i < count; i++) {
    const value = numbers[i] ?? 0;
    if (range !== undefined && !isWithin(value, range))
      return err(onnxFault('invalid', `element ${i} is ${value}, a ${dtype} is ${range[0]} to ${range[1]}`));
    codec.write(view, i, value);
  }
  return ok({ dtype, dims, data: { kind: 'bytes', bytes } });
};

export const scalarOf = (dtype: DataType, value: Int): Result<Tensor, OnnxFault> =>
  tensorOf(dtype, [], [value]);

/** The bytes, if they are in memory and as many as the dimensions say. */
export const bytesOf = (tensor: Tensor): Result<Uint8Array, OnnxFault> => {
  const { data, dtype, dims } = tensor;
  if (data.kind === 'strings')
    return err(onnxFault('unsupported', `${nameOf(tensor)} has strings, no bytes`));
  if (data.kind !== 'bytes')
    return err(onnxFault('missing', `${nameOf(tensor)} is not in memory (${data.kind})`));
  const length = byteLengthOf(dtype, countOf(dims));
  if (length !== data.bytes.byteLength)
    return err(
      onnxFault(
        'invalid',
        `${nameOf(tensor)}, ${dtype}[${dims.join()}], has ${data.bytes.byteLength} bytes, it needs ${length}`,
      ),
    );
  return ok(data.bytes);
};

/** The elements, for constants of at most `limit`: numbers, and bigints where a number isn't exact. */
export const valuesOf = (tensor: Tensor, limit = 65_536): Result<readonly Int[], OnnxFault> => {
  const codec = codecs[tensor.dtype];
  if (codec === undefined)
    return err(onnxFault('unsupported', `${nameOf(tensor)}: a ${tensor.dtype} is no number`));
  const count = countOf(tensor.dims);
  if (count > limit)
    return err(onnxFault('too-large', `${nameOf(tensor)} has ${count} elements, ${limit} are read at most`));
  const bytes = bytesOf(tensor);
  if (!bytes.ok) return bytes;
  const view = viewOf(bytes.value);
  return ok(Array.from({ length: count }, (_, i) => codec.read(view, i)));
};

/** The only element; a fault if there are none or more. */
export const scalarValueOf = (tensor: Tensor): Result<Int, OnnxFault> => {
  const values = valuesOf(tensor, 1);
  if (!values.ok) return values;
  const [only] = values.value;
  return only === undefined ? err(onnxFault('invalid', `${nameOf(tensor)} has no element`)) : ok(only);
};

const typedArrays = {
  float32: Float32Array,
  float64: Float64Array,
  int8: Int8Array,
  int16: Int16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint8: Uint8Array,
  uint16: Uint16Array,
  uint32: Uint32Array,
  uint64: BigUint64Array,
  bool: Uint8Array,
  float16: Uint16Array,
  bfloat16: Uint16Array,
} as const;
type TypedArrays = typeof typedArrays;
/** Types with a typed array; the 16-bit floats are seen as their bits. */
export type ViewedType = keyof TypedArrays;

/**
 * A view of the bytes, or a copy where they don't lie at a multiple of the element's size: whoever gets it must not write.
 * In the machine's order of bytes, which is little-endian wherever browsers run.
 */
export const typedViewOf = <T extends ViewedType>(
  tensor: Tensor & { readonly dtype: T },
): Result<InstanceType<TypedArrays[T]>, OnnxFault> => {
  const read = bytesOf(tensor);
  if (!read.ok) return read;
  const bytes = read.value;
  const size = bitsPerElement[tensor.dtype] / 8;
  const { buffer, byteOffset, byteLength } = bytes.byteOffset % size === 0 ? bytes : bytes.slice();
  const View: unknown = typedArrays[tensor.dtype];
  return ok(Reflect.construct(View as Constructor<T>, [buffer, byteOffset, byteLength / size]));
};
type Constructor<T extends ViewedType> = new (...args: unknown[]) => InstanceType<TypedArrays[T]>;

/** Whether an element is NaN or infinite; undefined if it has no such values or is not in memory. */
export const isFiniteTensor = (tensor: Tensor): boolean | undefined => {
  const codec = codecs[tensor.dtype];
  const isFloat = /^b?float/.test(tensor.dtype);
  const bytes = isFloat && codec ? bytesOf(tensor) : undefined;
  if (codec === undefined || bytes === undefined || !bytes.ok) return undefined;
  const view = viewOf(bytes.value);
  const count = countOf(tensor.dims);
  for (let i = 0; i < count; i++) if (!Number.isFinite(codec.read(view, i))) return false;
  return true;
};

/** How a float of few bits is made; `special` says what the largest exponent means. */
type SmallFloat = {
  readonly exponentBits: number;
  readonly fractionBits: number;
  readonly bias: number;
  /** ieee: infinities and NaNs. fn: NaN is all ones, nothing is infinite. fnuz: NaN is what would be −0. none: all are numbers. */
  readonly special: 'ieee' | 'fn' | 'fnuz' | 'none';
};

/** OFP8, and "8-bit Numerical Formats for Deep Neural Networks" (arXiv 2206.02915) for the fnuz forms. */
const smallFloats = {
  float16: { exponentBits: 5, fractionBits: 10, bias: 15, special: 'ieee' },
  bfloat16: { exponentBits: 8, fractionBits: 7, bias: 127, special: 'ieee' },
  float8e4m3fn: { exponentBits: 4, fractionBits: 3, bias: 7, special: 'fn' },
  float8e4m3fnuz: { exponentBits: 4, fractionBits: 3, bias: 8, special: 'fnuz' },
  float8e5m2: { exponentBits: 5, fractionBits: 2, bias: 15, special: 'ieee' },
  float8e5m2fnuz: { exponentBits: 5, fractionBits: 2, bias: 16, special: 'fnuz' },
  float4e2m1: { exponentBits: 2, fractionBits: 1, bias: 1, special: 'none' },
} as const satisfies Partial<Record<DataType, SmallFloat>>;
export type SmallFloatType = keyof typeof smallFloats;

/** The number that these bits stand for. */
export const numberOfBits = (dtype: SmallFloatType, bits: number): number => {
  const { exponentBits, fractionBits, bias, special }: SmallFloat = smallFloats[dtype];
  const signBit = 1 << (exponentBits + fractionBits);
  if (special === 'fnuz' && bits === signBit) return Number.NaN;
  const sign = bits & signBit ? -1 : 1;
  const exponent = (bits >> fractionBits) & ((1 << exponentBits) - 1);
  const fraction = bits & ((1 << fractionBits) - 1);
  const isTop = exponent === (1 << exponentBits) - 1;
  if (special === 'ieee' && isTop) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  if (special === 'fn' && isTop && fraction === (1 << fractionBits) - 1) return Number.NaN;
  if (exponent === 0) return sign * fraction * 2 ** (1 - bias - fractionBits);
  return sign * ((1 << fractionBits) + fraction) * 2 ** (exponent - bias - fractionBits);
};

/**
 * The nearest such float, ties to even. What is too large becomes an infinity where there is one, else the largest number
 * (ONNX's `saturate`); NaN becomes NaN, or zero in float4e2m1, which has none.
 */
export const bitsOfNumber = (dtype: SmallFloatType, value: number): number => {
  const { exponentBits, fractionBits, bias, special }: SmallFloat = smallFloats[dtype];
  const signBit = 1 << (exponentBits + fractionBits);
  const top = (1 << (exponentBits + fractionBits)) - 1;
  if (Number.isNaN(value)) return nanBits(special, signBit, top, fractionBits);
  const isNegative = value < 0 || Object.is(value, -0);
  const magnitude = Math.abs(value);
  // The step between neighbours at this magnitude; below the smallest normal number all steps are the same.
  const exponent = Math.max(1 - bias, magnitude === 0 ? 1 - bias : exponentOf(magnitude));
  const step = 2 ** (exponent - fractionBits);
  const steps = roundToEven(magnitude / step);
  const bits = (exponent + bias - 1) * 2 ** fractionBits + steps;
  const infinity = ((1 << exponentBits) - 1) * 2 ** fractionBits;
  const largest = special === 'ieee' ? infinity : special === 'fn' ? top - 1 : top;
  const kept = Number.isFinite(bits) ? Math.min(bits, largest) : largest;
  if (special === 'fnuz' && kept === 0) return 0;
  return isNegative ? kept | signBit : kept;
};

const nanBits = (special: SmallFloat['special'], signBit: number, top: number, fractionBits: number) => {
  if (special === 'none') return 0;
  if (special === 'fnuz') return signBit;
  return special === 'fn' ? top : top - (1 << fractionBits) + 1 + (1 << (fractionBits - 1));
};

/** The exponent of the leading bit, exact for every double. */
const exponentOf = (magnitude: number): number => {
  if (!Number.isFinite(magnitude)) return 1024;
  scratch.setFloat64(0, magnitude);
  const exponent = (scratch.getUint32(0) >>> 20) & 2047;
  return exponent === 0 ? -1074 : exponent - 1023;
};
const scratch = new DataView(new ArrayBuffer(8));

const roundToEven = (value: number): number => {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
};

const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
const nameOf = ({ name }: Tensor): string => (name ? `tensor "${name}"` : 'a tensor');
const isCount = (dim: number) => Number.isSafeInteger(dim) && dim >= 0;
const exactInt = (value: bigint): Int => {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
};

const integerRanges: Partial<Record<DataType, readonly [Int, Int]>> = {
  int2: [-2, 1],
  uint2: [0, 3],
  int4: [-8, 7],
  uint4: [0, 15],
  int8: [-128, 127],
  uint8: [0, 255],
  int16: [-32_768, 32_767],
  uint16: [0, 65_535],
  int32: [-(2 ** 31), 2 ** 31 - 1],
  uint32: [0, 2 ** 32 - 1],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
  uint64: [0n, 2n ** 64n - 1n],
  bool: [0, 1],
};
const isWithin = (value: Int, [least, most]: readonly [Int, Int]): boolean =>
  (typeof value === 'bigint' || Number.isInteger(value)) && value >= least && value <= most;

/** Types of less than a byte: the first element in the lowest bits. */
const packed = (bits: number, decode: (raw: number) => number, encode: (value: Int) => number): Codec => {
  const perByte = 8 / bits;
  const mask = (1 << bits) - 1;
  return {
    read: (view, i) => decode((view.getUint8(Math.floor(i / perByte)) >> ((i % perByte) * bits)) & mask),
    write: (view, i, value) => {
      const at = Math.floor(i / perByte);
      view.setUint8(at, view.getUint8(at) | ((encode(value) & mask) << ((i % perByte) * bits)));
    },
  };
};
const plain = (raw: number) => raw;
const signedOf = (bits: number) => (raw: number) => (raw >= 1 << (bits - 1) ? raw - (1 << bits) : raw);

const smallFloat = (dtype: SmallFloatType): Codec =>
  bitsPerElement[dtype] === 16
    ? {
        read: (view, i) => numberOfBits(dtype, view.getUint16(2 * i, true)),
        write: (view, i, value) => view.setUint16(2 * i, bitsOfNumber(dtype, Number(value)), true),
      }
    : {
        read: (view, i) => numberOfBits(dtype, view.getUint8(i)),
        write: (view, i, value) => view.setUint8(i, bitsOfNumber(dtype, Number(value))),
      };

/** A power of two, from 2^-127; 255 is NaN. */
const powerOfTwo: Codec = {
  read: (view, i) => (view.getUint8(i) === 255 ? Number.NaN : 2 ** (view.getUint8(i) - 127)),
  write: (view, i, value) => {
    const number = Number(value);
    const bits = number > 0 ? Math.min(254, Math.max(0, Math.round(Math.log2(number)) + 127)) : 255;
    view.setUint8(i, bits);
  },
};

/** Types that are no numbers are left out. */
const codecs: Partial<Record<DataType, Codec>> = {
  float32: {
    read: (v, i) => v.getFloat32(4 * i, true),
    write: (v, i, n) => v.setFloat32(4 * i, Number(n), true),
  },
  float64: {
    read: (v, i) => v.getFloat64(8 * i, true),
    write: (v, i, n) => v.setFloat64(8 * i, Number(n), true),
  },
  int8: { read: (v, i) => v.getInt8(i), write: (v, i, n) => v.setInt8(i, Number(n)) },
  uint8: { read: (v, i) => v.getUint8(i), write: (v, i, n) => v.setUint8(i, Number(n)) },
  bool: { read: (v, i) => (v.getUint8(i) === 0 ? 0 : 1), write: (v, i, n) => v.setUint8(i, Number(n)) },
  int16: { read: (v, i) => v.getInt16(2 * i, true), write: (v, i, n) => v.setInt16(2 * i, Number(n), true) },
  uint16: {
    read: (v, i) => v.getUint16(2 * i, true),
    write: (v, i, n) => v.setUint16(2 * i, Number(n), true),
  },
  int32: { read: (v, i) => v.getInt32(4 * i, true), write: (v, i, n) => v.setInt32(4 * i, Number(n), true) },
  uint32: {
    read: (v, i) => v.getUint32(4 * i, true),
    write: (v, i, n) => v.setUint32(4 * i, Number(n), true),
  },
  int64: {
    read: (v, i) => exactInt(v.getBigInt64(8 * i, true)),
    write: (v, i, n) => v.setBigInt64(8 * i, BigInt(n), true),
  },
  uint64: {
    read: (v, i) => exactInt(v.getBigUint64(8 * i, true)),
    write: (v, i, n) => v.setBigUint64(8 * i, BigInt(n), true),
  },
  float16: smallFloat('float16'),
  bfloat16: smallFloat('bfloat16'),
  float8e4m3fn: smallFloat('float8e4m3fn'),
  float8e4m3fnuz: smallFloat('float8e4m3fnuz'),
  float8e5m2: smallFloat('float8e5m2'),
  float8e5m2fnuz: smallFloat('float8e5m2fnuz'),
  float8e8m0: powerOfTwo,
  float4e2m1: packed(
    4,
    (raw) => numberOfBits('float4e2m1', raw),
    (value) => bitsOfNumber('float4e2m1', Number(value)),
  ),
  int4: packed(4, signedOf(4), Number),
  uint4: packed(4, plain, Number),
  int2: packed(2, signedOf(2), Number),
  uint2: packed(2, plain, Number),
};
