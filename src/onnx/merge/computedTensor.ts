import type { Result } from '../../core/result.ts';
import { float32Tensor, readFloat32 } from '../build/tensors.ts';
import { computedSource } from '../codec/computedSource.ts';
import { type OpenExternal, resolveTensor } from '../codec/external.ts';
import { attemptAsync, refuse } from '../codec/refusal.ts';
import type { OnnxFault } from '../fault.ts';
import { byteLengthOf, countOf } from '../ir/dataTypes.ts';
import { bytesOf, tensorOf } from '../ir/tensor.ts';
import type { DataType, Tensor } from '../ir/types.ts';

/** Tensors that a merge promises: worked out when they are written, one at a time. */

/** What weights are computed in float32 for, and written back to. */
export const weightTypes: ReadonlySet<DataType> = new Set(['float32', 'float16', 'bfloat16']);

/** A tensor of `like`'s type and shape whose bytes `compute` gives. Not for strings. */
export const computedTensor = (like: Tensor, compute: () => Promise<Uint8Array>): Tensor => {
  const { typed: _, ...kept } = like;
  const length = byteLengthOf(like.dtype, countOf(like.dims)) ?? 0;
  if (length === 0) return { ...kept, data: { kind: 'bytes', bytes: new Uint8Array() } };
  return { ...kept, data: { kind: 'slice', source: computedSource(length, compute), offset: 0, length } };
};

/**
 * Reads every tensor that isn't in memory and forgets it. What a merge refuses for its numbers comes from here before a file
 * is begun; from `writeModel` and `writeSafetensors` in the middle of it. Costs the whole computation once.
 */
export const tryTensors = (tensors: Iterable<Tensor>): Promise<Result<void, OnnxFault>> =>
  attemptAsync(async () => {
    for (const { data } of tensors)
      if (data.kind === 'slice') await data.source.read(data.offset, data.length);
  });

/** The bytes, wherever they are. Throws `Refusal`. */
export const readBytes = async (
  name: string,
  tensor: Tensor,
  open: OpenExternal | undefined,
): Promise<Uint8Array> => taken(await resolveTensor({ ...tensor, name }, open ?? nothingBeside));

/** `bytes` of `tensor`'s type and shape as numbers, not to be written to. Throws `Refusal`. */
export const weightsOf = (name: string, tensor: Tensor, bytes: Uint8Array): Float32Array =>
  taken(readFloat32({ ...tensor, data: { kind: 'bytes', bytes } }), name);

/** In the type of `like`. Throws `Refusal` for NaN, and for numbers that are too large for the type. */
export const weightBytes = (name: string, like: Tensor, values: Float32Array): Uint8Array => {
  const { dtype, dims } = like;
  const tensor =
    dtype === 'float32' ? float32Tensor(dims, values) : taken(tensorOf(dtype, dims, values), name);
  const bytes = taken(bytesOf(tensor), name);
  const rounded = weightsOf(name, tensor, bytes);
  const wrong = rounded.findIndex((value) => !Number.isFinite(value));
  if (wrong >= 0)
    throw refuse('invalid', `${name}: element ${wrong} is ${values[wrong]}, ${rounded[wrong]} as ${dtype}`);
  return bytes;
};

/** For code inside an `attempt`. Throws `Refusal`. */
export const taken = <T>(result: Result<T, OnnxFault>, name?: string): T => {
  if (result.ok) return result.value;
  const { code, message, node } = result.error;
  throw refuse(code, name === undefined ? message : `${name} ${message}`, node);
};

const nothingBeside: OpenExternal = async () => undefined;

/** Bytes in memory, or nothing. */
export const bytesInMemory = ({ data }: Tensor): Uint8Array | undefined =>
  data.kind === 'bytes' ? data.bytes : undefined;
