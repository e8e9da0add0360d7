import { err, ok, type Result } from '../../core/result.ts';
import { type OnnxFault, onnxFault } from '../fault.ts';
import { bitsPerElement, byteLengthOf, countOf } from '../ir/dataTypes.ts';
import type { Tensor } from '../ir/types.ts';
import { isReal, isWide, type NdArray, type RealType, type WideType, wrapTo } from './ndArray.ts';
import { bitsOfFloat16, float16Of, roundToBfloat16 } from './rounding.ts';

/**
 * The numbers of a tensor whose bytes are in memory. Refuses types that are no plain numbers (strings, complex, floats of 8
 * and 4 bits), data that is not there, and bytes that are not as many as the dims say.
 */
export const tensorToNdArray = (tensor: Tensor): Result<NdArray, OnnxFault> => {
  const { dtype, dims, data } = tensor;
  const called = tensor.name ? `tensor ${tensor.name}` : 'a tensor';
  if (!isReal(dtype) && !isWide(dtype))
    return err(
      onnxFault('unsupported', `${called} is of ${dtype}, which the reference doesn't compute with`),
    );
  if (data.kind !== 'bytes')
    return err(
      onnxFault('missing', `${called}: its data is of kind ${data.kind}, not in memory; read it first`),
    );
  if (dims.some((dim) => !Number.isSafeInteger(dim) || dim < 0))
    return err(onnxFault('invalid', `${called}: [${dims}] is no shape`));
  const count = countOf(dims);
  const length = byteLengthOf(dtype, count);
  if (length !== data.bytes.byteLength)
    return err(
      onnxFault(
        'invalid',
        `${called}: ${dtype} [${dims}] takes ${length} bytes; it has ${data.bytes.byteLength}`,
      ),
    );
  return ok(isWide(dtype) ? readWide(dtype, dims, data.bytes) : readReal(dtype, dims, count, data.bytes));
};

/** The other way round: every value rounded or wrapped to what the type holds. */
export const ndArrayToTensor = (array: NdArray, name?: string): Tensor => {
  const { dtype, dims, values } = array;
  const bytes = new Uint8Array(byteLengthOf(dtype, values.length) ?? 0);
  const view = new DataView(bytes.buffer);
  if (dtype === 'int64' || dtype === 'uint64')
    for (const [i, value] of array.values.entries())
      view.setBigUint64(i * 8, BigInt.asUintN(64, BigInt(value)), true);
  else for (const [i, value] of array.values.entries()) writeReal(dtype, view, i, value);
  return { dtype, dims, data: { kind: 'bytes', bytes }, ...(name === undefined ? {} : { name }) };
};

const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

const readWide = (dtype: WideType, dims: readonly number[], bytes: Uint8Array): NdArray => {
  const view = viewOf(bytes);
  const count = bytes.byteLength / 8;
  if (dtype === 'int64') {
    const values = new BigInt64Array(count);
    for (let i = 0; i < count; i++) values[i] = view.getBigInt64(i * 8, true);
    return { dtype, dims, values };
  }
  const values = new BigUint64Array(count);
  for (let i = 0; i < count; i++) values[i] = view.getBigUint64(i * 8, true);
  return { dtype, dims, values };
};

const readReal = (dtype: RealType, dims: readonly number[], count: number, bytes: Uint8Array): NdArray => {
  const values = new Float64Array(count);
  const view = viewOf(bytes);
  for (let i = 0; i < count; i++) values[i] = readElement(dtype, view, i);
  return { dtype, dims, values };
};

const readElement = (dtype: RealType, view: DataView, i: number): number => {
  switch (dtype) {
    case 'float64':
      return view.getFloat64(i * 8, true);
    case 'float32':
      return view.getFloat32(i * 4, true);
    case 'float16':
      return float16Of(view.getUint16(i * 2, true));
    case 'bfloat16':
      return bfloat16Of(view.getUint16(i * 2, true));
    case 'int32':
      return view.getInt32(i * 4, true);
    case 'uint32':
      return view.getUint32(i * 4, true);
    case 'int16':
      return view.getInt16(i * 2, true);
    case 'uint16':
      return view.getUint16(i * 2, true);
    default: {
      // 8 bits and less: the first element is in the lowest bits.
      const bits = bitsPerElement[dtype];
      return wrapTo(dtype, view.getUint8((i * bits) >> 3) >> ((i * bits) & 7));
    }
  }
};

const writeReal = (dtype: RealType, view: DataView, i: number, value: number): void => {
  switch (dtype) {
    case 'float64':
      view.setFloat64(i * 8, value, true);
      return;
    case 'float32':
      view.setFloat32(i * 4, value, true);
      return;
    case 'float16':
      view.setUint16(i * 2, bitsOfFloat16(value), true);
      return;
    case 'bfloat16':
      view.setUint16(i * 2, bitsOfBfloat16(value), true);
      return;
    case 'int32':
    case 'uint32':
      view.setInt32(i * 4, value, true);
      return;
    case 'int16':
    case 'uint16':
      view.setInt16(i * 2, value, true);
      return;
    default: {
      const bits = bitsPerElement[dtype];
      const byte = (i * bits) >> 3;
      const kept = dtype === 'bool' ? wrapTo(dtype, value) : value & (2 ** bits - 1);
      view.setUint8(byte, view.getUint8(byte) | (kept << ((i * bits) & 7)));
    }
  }
};

const scratch = new DataView(new ArrayBuffer(4));

/** The upper half of a float32. */
const bfloat16Of = (bits: number): number => {
  scratch.setUint32(0, bits << 16);
  return scratch.getFloat32(0);
};

const bitsOfBfloat16 = (value: number): number => {
  scratch.setFloat32(0, roundToBfloat16(value));
  return scratch.getUint16(0);
};
