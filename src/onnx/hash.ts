import type { Sha256 } from '../core/brand.ts';
import { type Bytes, toHex, utf8 } from '../core/bytes.ts';
import type { CryptoPort } from '../core/ports/crypto.ts';
import { err, ok, type Result } from '../core/result.ts';
import { canonicalParts, type HashOptions } from './canonicalForm.ts';
import { type OnnxFault, onnxFault } from './fault.ts';
import { bitsPerElement, byteLengthOf, countOf } from './ir/dataTypes.ts';
import type { Model, Tensor, TensorData } from './ir/types.ts';

/**
 * A model's name by its content: the SHA-256 of a canonical text, in which every tensor stands as the SHA-256 of its bytes.
 *
 * The text follows the outputs back: nodes in the order of a depth-first walk from the first output, each after what it
 * needs, values numbered as they appear, symbolic dimensions too, attributes by name. So it doesn't depend on the order of
 * initializers, nor of nodes beyond what the data says, nor on names of nodes and values, doc strings, `value_info`,
 * producer, metadata or what no output needs. It depends on opsets (all that are imported), operators, attributes as
 * written (a default that is spelled out differs from one that is not), types of inputs and outputs, functions that are
 * called, tensors' types, shapes and bytes, and whether two uses share one tensor. Names of the model's inputs and outputs
 * count, because callers bind by them, unless `interface` is 'positional'. Fields that the representation has no word for
 * count where they can change what is computed.
 */
export type HashDeps = {
  /** SHA-256. */
  readonly digest: CryptoPort['digest'];
  /** Bytes beside the model's file; what it rejects with becomes a fault. Without it, such tensors are a fault. */
  readonly readExternal?: (data: Extract<TensorData, { kind: 'external' }>) => Promise<Uint8Array>;
};

export type ContentHash = {
  readonly hash: Sha256;
  /** Of the main graph's initializers that an output needs, by name. */
  readonly tensors: ReadonlyMap<string, Sha256>;
};

/** One tensor in memory at a time. `invalid` if the graph has no such form: cyclic, undefined or doubly defined values. */
export const contentHash = async (
  model: Model,
  deps: HashDeps,
  options: HashOptions = {},
): Promise<Result<ContentHash, OnnxFault>> => {
  const parts = canonicalParts(model, options);
  if (!parts.ok) return parts;
  const hashes = new Map<Tensor, Sha256>();
  const pieces: string[] = [];
  for (const part of parts.value) {
    if (typeof part === 'string') {
      pieces.push(part);
      continue;
    }
    const known = hashes.get(part);
    const hash = known === undefined ? await hashTensor(part, deps) : ok(known);
    if (!hash.ok) return hash;
    hashes.set(part, hash.value);
    pieces.push(hash.value);
  }
  const named = [...model.graph.initializers].flatMap(([name, tensor]) => {
    const hash = hashes.get(tensor);
    return hash === undefined ? [] : [[name, hash] as const];
  });
  return ok({ hash: await sha256Of(deps, utf8(pieces.join(''))), tensors: new Map(named) });
};

/** Of every initializer of the main graph, by name: what a store or a manifest addresses it by. */
export const tensorHashes = async (
  model: Model,
  deps: HashDeps,
): Promise<Result<ReadonlyMap<string, Sha256>, OnnxFault>> => {
  const hashes = new Map<string, Sha256>();
  for (const [name, tensor] of model.graph.initializers) {
    const hash = await hashTensor({ ...tensor, name }, deps);
    if (!hash.ok) return hash;
    hashes.set(name, hash.value);
  }
  return ok(hashes);
};

/**
 * The SHA-256 of a tensor's `raw_data`, whichever way the file has it; type and shape are not part of it. Bits after the
 * last element of a packed type count as 0. Strings: each after its length, 8 bytes, little-endian.
 */
export const hashTensor = async (tensor: Tensor, deps: HashDeps): Promise<Result<Sha256, OnnxFault>> => {
  const bytes = await readBytes(tensor, deps);
  return bytes.ok ? ok(await sha256Of(deps, bytes.value)) : bytes;
};

const sha256Of = async ({ digest }: HashDeps, bytes: Uint8Array) => toHex(await digest(bytes)) as Sha256;

const readBytes = async (tensor: Tensor, deps: HashDeps): Promise<Result<Uint8Array, OnnxFault>> => {
  const { data, dtype, dims } = tensor;
  if (data.kind === 'strings') return ok(stringBytes(data.strings));
  const what = `tensor ${JSON.stringify(tensor.name ?? '')}`;
  const read = await rawBytes(what, data, deps);
  if (!read.ok) return read;
  const count = countOf(dims);
  const length = byteLengthOf(dtype, count);
  if (read.value.byteLength !== length)
    return err(
      onnxFault('invalid', `${what} has ${read.value.byteLength} bytes, and its type needs ${length}`),
    );
  return ok(withoutPadding(read.value, (count * bitsPerElement[dtype]) % 8));
};

const rawBytes = async (
  what: string,
  data: Exclude<TensorData, { kind: 'strings' }>,
  { readExternal }: HashDeps,
): Promise<Result<Uint8Array, OnnxFault>> => {
  if (data.kind === 'bytes') return ok(data.bytes);
  try {
    if (data.kind === 'slice') return ok(await data.source.read(data.offset, data.length));
    if (readExternal !== undefined) return ok(await readExternal(data));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return err(onnxFault('missing', `${what} can't be read: ${why}`));
  }
  return err(
    onnxFault('missing', `${what} is in ${JSON.stringify(data.location)}, and nothing was given to read it`),
  );
};

const withoutPadding = (bytes: Uint8Array, usedBits: number): Uint8Array => {
  const last = bytes.at(-1);
  if (usedBits === 0 || last === undefined || last >> usedBits === 0) return bytes;
  const copy = bytes.slice();
  copy[copy.byteLength - 1] = last & ((1 << usedBits) - 1);
  return copy;
};

const stringBytes = (strings: readonly Uint8Array[]): Bytes => {
  const bytes = new Uint8Array(strings.reduce((sum, text) => sum + 8 + text.byteLength, 0));
  const view = new DataView(bytes.buffer);
  let offset = 0;
  for (const text of strings) {
    view.setBigUint64(offset, BigInt(text.byteLength), true);
    bytes.set(text, offset + 8);
    offset += 8 + text.byteLength;
  }
  return bytes;
};
