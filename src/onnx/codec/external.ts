/** Tensors whose bytes are in another file beside the model's (ONNX's ExternalData.md): bringing them in, putting them out. */
import type { Result } from '../../core/result.ts';
import type { OnnxFault } from '../fault.ts';
import { byteLengthOf, countOf } from '../ir/dataTypes.ts';
import type { ByteSource, Model, Tensor } from '../ir/types.ts';
import type { External } from './externalEntries.ts';
import { mapInitializers } from './graphTensors.ts';
import { codecLimits } from './limits.ts';
import { attemptAsync, refuse } from './refusal.ts';
import { messageOf, readExactly, type Write, writePieces } from './sourceReading.ts';
import { lengthFault } from './tensors.ts';
import type { Piece, SlicePiece } from './wireWriter.ts';

/** The file of this name in the model's folder; undefined if there is none. The name has been checked: it stays inside. */
export type OpenExternal = (location: string) => Promise<ByteSource | undefined>;

/**
 * The bytes of a tensor, wherever they are; those in memory are not copied. `missing` if the file is not there, `invalid` if
 * the location leads out of the model's folder or the range doesn't fit the file or the tensor. Strings have no one array
 * of bytes and are `unsupported`.
 */
export const resolveTensor = (tensor: Tensor, open: OpenExternal): Promise<Result<Uint8Array, OnnxFault>> =>
  attemptAsync(async () => {
    const { data, dtype, dims } = tensor;
    if (data.kind === 'bytes') return data.bytes;
    if (data.kind === 'strings')
      throw refuse('unsupported', `${calledOf(tensor)} has strings, no array of bytes`);
    const { source, offset, length } = data.kind === 'slice' ? data : await locate(tensor, data, open);
    const problem = lengthFault(length, dtype, dims);
    if (problem) throw refuse('invalid', `${calledOf(tensor)} ${problem}`);
    if (length > codecLimits.resolvedBytes)
      throw refuse(
        'too-large',
        `${calledOf(tensor)} has ${length} bytes, at most ${codecLimits.resolvedBytes} are held`,
      );
    return readExactly(source, offset, length);
  });

/** Why a location must not be opened: it could lead out of the model's folder, as a path or as a URL. */
export const locationFault = (location: string): string | undefined => {
  const shown = `location '${location.slice(0, 80)}'`;
  if (location === '' || location.length > 1_024)
    return `${shown} has ${location.length} characters, allowed are 1 to 1024`;
  if (/^[/\\]/.test(location)) return `${shown} is absolute`;
  if (location.includes(':')) return `${shown} has a colon: a drive or a URL`;
  if (location.includes('\\')) return `${shown} has a backslash`;
  if (hasControls(location)) return `${shown} has control characters`;
  if (/%(2e|2f|5c)/i.test(location)) return `${shown} hides a dot or a slash`;
  if (location.split('/').includes('..')) return `${shown} leads out of the model's folder`;
  return undefined;
};

/** The model with all initializers of external files as slices of those. Throws `Refusal`. */
export const inlineExternal = async (model: Model, open: OpenExternal): Promise<Model> => {
  const slices = new Map<Tensor, Promise<SlicePiece>>();
  const sources = new Map<string, Promise<ByteSource | undefined>>();
  const openOnce = (location: string) => {
    const opened = sources.get(location) ?? open(location);
    sources.set(location, opened);
    return opened;
  };
  mapInitializers(model, (tensor) => {
    if (tensor.data.kind === 'external') slices.set(tensor, locate(tensor, tensor.data, openOnce));
    return tensor;
  });
  const found = new Map<Tensor, SlicePiece>();
  const settled = await Promise.allSettled(
    [...slices].map(async ([tensor, slice]) => found.set(tensor, await slice)),
  );
  const failure = settled.find((one) => one.status === 'rejected');
  if (failure) throw failure.reason;
  return mapInitializers(model, (tensor) => {
    const slice = found.get(tensor);
    return slice ? { ...tensor, data: { kind: 'slice', ...slice } } : tensor;
  });
};

export type SplitOptions = {
  readonly location: string;
  /** Initializers of more bytes are moved. */
  readonly above: number;
  /** Of each tensor's start in the file: 4096, a page, if it isn't given, so that the file can be mapped. */
  readonly align?: number;
};

export type SplitModel = {
  readonly model: Model;
  /** Of the external file, in bytes. */
  readonly size: number;
  /** Hands the external file to `write` in order, slices in blocks. */
  readonly writeData: (write: Write) => Promise<Result<void, OnnxFault>>;
};

/** Moves large initializers into one external file. Strings, and what is in other external files, stay where they are. */
export const splitExternal = (model: Model, { location, above, align = 4_096 }: SplitOptions): SplitModel => {
  const pieces: Piece[] = [];
  let size = 0;
  const move = (tensor: Tensor): Tensor => {
    const { data } = tensor;
    if (data.kind !== 'bytes' && data.kind !== 'slice') return tensor;
    const length = data.kind === 'bytes' ? data.bytes.byteLength : data.length;
    if (length <= above) return tensor;
    const offset = Math.ceil(size / align) * align;
    if (offset > size) pieces.push(new Uint8Array(offset - size));
    pieces.push(data.kind === 'bytes' ? data.bytes : data);
    size = offset + length;
    const { typed: _, ...kept } = tensor;
    return { ...kept, data: { kind: 'external', location, offset, length } };
  };
  const moved = mapInitializers(model, move);
  return { model: moved, size, writeData: (write) => attemptAsync(() => writePieces(pieces, write)) };
};

const locate = async (tensor: Tensor, external: External, open: OpenExternal): Promise<SlicePiece> => {
  const { location, offset } = external;
  const called = calledOf(tensor);
  const unsafe = locationFault(location);
  if (unsafe) throw refuse('invalid', `${called}: ${unsafe}`);
  if (tensor.dtype === 'string')
    throw refuse('unsupported', `${called} has strings, which no external file holds`);
  const source = await open(location).catch((cause: unknown) => {
    throw refuse('missing', `${called} is in ${location}, which can't be opened: ${messageOf(cause)}`);
  });
  if (!source) throw refuse('missing', `${called} is in ${location}, which isn't there`);
  const length = external.length ?? Math.max(0, source.size - offset);
  if (offset + length > source.size)
    throw refuse(
      'invalid',
      `${called} is ${length} bytes at ${offset} of ${location}, which has ${source.size}`,
    );
  const problem = lengthFault(length, tensor.dtype, tensor.dims);
  if (problem === undefined) return { source, offset, length };
  // "The rest of the file" may be more than the tensor: the first of several.
  const expected = byteLengthOf(tensor.dtype, countOf(tensor.dims)) ?? 0;
  if (external.length === undefined && expected < length) return { source, offset, length: expected };
  throw refuse('invalid', `${called} ${problem}`);
};

const calledOf = ({ name }: Tensor) => (name ? `tensor ${name}` : 'a tensor');

const hasControls = (text: string) => [...text].some((character) => (character.codePointAt(0) ?? 0) < 32);
