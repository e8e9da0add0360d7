import { ok, type Result } from '../../core/result.ts';
import type { OnnxFault } from '../fault.ts';
import { bytesOf, numberOfBits } from '../ir/tensor.ts';
import type { DataType, Tensor } from '../ir/types.ts';

/** Element types that weights are read of. */
export type WeightType = 'float32' | 'float16' | 'bfloat16';
export const isWeightType = (dtype: DataType): dtype is WeightType =>
  dtype === 'float32' || dtype === 'float16' || dtype === 'bfloat16';

/**
 * A matrix of weights by output channel: each has `length` numbers, those that a product sums over. Read a few channels at a
 * time, so that a weight of 16 bits is never whole in 32, nor one of 4 bits.
 */
export type Rows = {
  readonly channels: number;
  readonly length: number;
  /** [count, length], row-major, to be read only and until the next call. */
  read(from: number, count: number): Float32Array;
  /** The place in the tensor, row-major, of a channel's number. */
  indexOf(channel: number, position: number): number;
};

/** `channels`: a channel's numbers lie side by side, [channels, length]. `columns`: [length, channels], as `MatMul` has them. */
export type Order = 'channels' | 'columns';

export type MatrixShape = { readonly channels: number; readonly length: number };

/** Over a tensor whose bytes are in memory. */
export const floatRows = (
  tensor: Tensor & { readonly dtype: WeightType },
  { channels, length }: MatrixShape,
  order: Order,
): Result<Rows, OnnxFault> => {
  const bytes = bytesOf(tensor);
  if (!bytes.ok) return bytes;
  const numbers = numbersOf(tensor.dtype, bytes.value);
  return ok(
    order === 'channels'
      ? {
          channels,
          length,
          read: (from, count) => numbers.read(from * length, count * length),
          indexOf: (channel, position) => channel * length + position,
        }
      : {
          channels,
          length,
          read: turning(numbers, channels, length),
          indexOf: (channel, position) => position * channels + channel,
        },
  );
};

type Numbers = { read(from: number, count: number): Float32Array };

const turning = (numbers: Numbers, channels: number, length: number): Rows['read'] => {
  let turned = new Float32Array(0);
  return (from, count) => {
    if (turned.length !== count * length) turned = new Float32Array(count * length);
    for (let position = 0; position < length; position++) {
      const row = numbers.read(position * channels + from, count);
      for (let i = 0; i < count; i++) turned[i * length + position] = row[i] ?? 0;
    }
    return turned;
  };
};

const numbersOf = (dtype: WeightType, bytes: Uint8Array): Numbers => {
  if (dtype === 'float32' && bytes.byteOffset % 4 === 0 && isLittleEndian) {
    const whole = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
    return { read: (from, count) => whole.subarray(from, from + count) };
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const decode = decoderOf(dtype, view);
  let decoded = new Float32Array(0);
  return {
    read(from, count) {
      if (decoded.length !== count) decoded = new Float32Array(count);
      for (let i = 0; i < count; i++) decoded[i] = decode(from + i);
      return decoded;
    },
  };
};

const decoderOf = (dtype: WeightType, view: DataView): ((index: number) => number) => {
  if (dtype === 'float32') return (i) => view.getFloat32(4 * i, true);
  const table = tableOf(dtype);
  return (i) => table[view.getUint16(2 * i, true)] ?? 0;
};

/** What each of the 65 536 patterns of bits stands for. */
const tableOf = (dtype: 'float16' | 'bfloat16'): Float32Array =>
  Float32Array.from({ length: 65_536 }, (_, bits) => numberOfBits(dtype, bits));

const isLittleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;
