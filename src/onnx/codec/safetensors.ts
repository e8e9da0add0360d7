/**
 * The safetensors format (https://github.com/huggingface/safetensors): 8 bytes with the header's length, little-endian; a
 * header in JSON that gives every tensor's type, shape and place; and the tensors, one after the other without gaps.
 */
import { utf8 } from '../../core/bytes.ts';
import type { Result } from '../../core/result.ts';
import type { OnnxFault } from '../fault.ts';
import { byteLengthOf, countOf } from '../ir/dataTypes.ts';
import type { ByteSource, DataType, Metadata, Tensor } from '../ir/types.ts';
import { codecLimits } from './limits.ts';
import { decodeText } from './messageReader.ts';
import { attempt, attemptAsync, refuse } from './refusal.ts';
import { readExactly, type Write, writePieces } from './sourceReading.ts';
import { lengthFault } from './tensors.ts';
import type { Piece } from './wireWriter.ts';

export type Safetensors = {
  /** By name, in the order in which they stand in the file. */
  readonly tensors: ReadonlyMap<string, Tensor>;
  /** Undefined if the file has none, which is not the same as an empty one. */
  readonly metadata: Metadata | undefined;
};

/**
 * Reads the header; the tensors are slices of `source`. `malformed` if the header is none or its places leave the file,
 * overlap or have gaps; `invalid` if a tensor's place is longer or shorter than its type and shape; `unsupported` for element
 * types that ONNX has no word for (6-bit floats).
 */
export const readSafetensors = (source: ByteSource): Promise<Result<Safetensors, OnnxFault>> =>
  attemptAsync(async () => {
    if (source.size < prefixBytes)
      throw refuse('malformed', `the file has ${source.size} bytes, its head has 8`);
    const prefix = await readExactly(source, 0, prefixBytes);
    const length = new DataView(prefix.buffer).getBigUint64(0, true);
    const limit = codecLimits.safetensorsHeaderBytes;
    if (length > BigInt(limit))
      throw refuse('too-large', `the header has ${length} bytes, at most ${limit} are read`);
    const dataStart = prefixBytes + Number(length);
    if (dataStart > source.size)
      throw refuse('malformed', `the header has ${length} bytes, the file ${source.size} in all`);
    const header = parseHeader(await readExactly(source, prefixBytes, Number(length)));
    return placeTensors(source, dataStart, header);
  });

/** One file, in the order of `tensors`, to `write` in pieces: slices in blocks. Refuses strings and external tensors. */
export const writeSafetensors = (
  tensors: ReadonlyMap<string, Tensor>,
  metadata: Metadata | undefined,
  write: Write,
): Promise<Result<void, OnnxFault>> =>
  attemptAsync(() => writePieces(encodeSafetensors(tensors, metadata), write));

/** As the reference orders them: the largest elements first, so that all are aligned, and then by name. */
export const inReferenceOrder = (
  tensors: ReadonlyMap<string, Tensor>,
): Result<ReadonlyMap<string, Tensor>, OnnxFault> =>
  attempt(() => {
    const ranked = [...tensors].map(([name, tensor]) => ({ name, tensor, rank: rankOf(name, tensor.dtype) }));
    ranked.sort((a, b) => b.rank - a.rank || compareBytes(utf8(a.name), utf8(b.name)));
    return new Map(ranked.map(({ name, tensor }) => [name, tensor]));
  });

/** The reference's names, in the order of its enumeration, by which it sorts. */
const dataTypes: readonly (readonly [string, DataType])[] = [
  ['BOOL', 'bool'],
  ['F4', 'float4e2m1'],
  ['U8', 'uint8'],
  ['I8', 'int8'],
  ['F8_E5M2', 'float8e5m2'],
  ['F8_E4M3', 'float8e4m3fn'],
  ['F8_E8M0', 'float8e8m0'],
  ['F8_E4M3FNUZ', 'float8e4m3fnuz'],
  ['F8_E5M2FNUZ', 'float8e5m2fnuz'],
  ['I16', 'int16'],
  ['U16', 'uint16'],
  ['F16', 'float16'],
  ['BF16', 'bfloat16'],
  ['I32', 'int32'],
  ['U32', 'uint32'],
  ['F32', 'float32'],
  ['C64', 'complex64'],
  ['F64', 'float64'],
  ['I64', 'int64'],
  ['U64', 'uint64'],
];
const typesByName = new Map(dataTypes);
const ranks = new Map(dataTypes.map(([name, dtype], rank) => [dtype, { name, rank }]));

const prefixBytes = 8;
const metadataKey = '__metadata__';
/** Spaces fill the header up to this, so that tensors start aligned. */
const headerAlignment = 8;

type Place = {
  readonly name: string;
  readonly dtype: DataType;
  readonly dims: readonly number[];
  readonly begin: number;
  readonly end: number;
};
type Header = { readonly places: readonly Place[]; readonly metadata: Metadata | undefined };

const parseHeader = (bytes: Uint8Array): Header => {
  const parsed = parseJson(bytes);
  if (!isRecord(parsed)) throw refuse('malformed', 'the header is no JSON object');
  const places: Place[] = [];
  let metadata: Metadata | undefined;
  for (const [name, entry] of Object.entries(parsed))
    if (name === metadataKey) metadata = parseMetadata(entry);
    else places.push(parsePlace(name, entry));
  return { places, metadata };
};

const parseJson = (bytes: Uint8Array): unknown => {
  const text = decodeText(bytes);
  if (text === undefined || !text.startsWith('{'))
    throw refuse('malformed', 'the header is no JSON object in UTF-8');
  try {
    return JSON.parse(text);
  } catch {
    throw refuse('malformed', 'the header is no JSON');
  }
};

const parseMetadata = (entry: unknown): Metadata => {
  if (!isRecord(entry)) throw refuse('malformed', `${metadataKey} is no object`);
  const texts: [string, string][] = [];
  for (const [key, value] of Object.entries(entry)) {
    if (typeof value !== 'string') throw refuse('malformed', `metadata '${shorten(key)}' is no text`);
    texts.push([key, value]);
  }
  return Object.fromEntries(texts);
};

const parsePlace = (name: string, entry: unknown): Place => {
  const called = `tensor '${shorten(name)}'`;
  if (!isRecord(entry)) throw refuse('malformed', `${called} is no object`);
  const { dtype: typeName, shape, data_offsets: offsets } = entry;
  if (typeof typeName !== 'string' || !isCounts(shape) || !isCounts(offsets))
    throw refuse('malformed', `${called} needs a dtype, a shape and data_offsets, which are lists of counts`);
  const dtype = typesByName.get(typeName);
  if (!dtype) throw refuse('unsupported', `${called} has elements of type '${shorten(typeName)}'`);
  if (shape.length > codecLimits.dims)
    throw refuse(
      'too-large',
      `${called} has ${shape.length} dimensions, at most ${codecLimits.dims} are read`,
    );
  if (!Number.isSafeInteger(countOf(shape)))
    throw refuse('too-large', `${called} has more elements than can be counted`);
  const [begin, end, more] = offsets;
  if (begin === undefined || end === undefined || more !== undefined || end < begin)
    throw refuse(
      'malformed',
      `${called} has data_offsets [${offsets.slice(0, 4).join(', ')}], no begin and end`,
    );
  const problem = lengthFault(end - begin, dtype, shape);
  if (problem) throw refuse('invalid', `${called} ${problem}`);
  return { name, dtype, dims: shape, begin, end };
};

/** JSON keys that look like numbers have lost their order; the offsets still know it. */
const placeTensors = (source: ByteSource, dataStart: number, { places, metadata }: Header): Safetensors => {
  const tensors = new Map<string, Tensor>();
  let next = 0;
  for (const { name, dtype, dims, begin, end } of [...places].sort(
    (a, b) => a.begin - b.begin || a.end - b.end,
  )) {
    if (begin !== next)
      throw refuse(
        'malformed',
        `tensor '${shorten(name)}' begins at ${begin} of the data, where ${next} is ${begin < next ? 'not yet over' : 'next'}`,
      );
    const data = { kind: 'slice', source, offset: dataStart + begin, length: end - begin } as const;
    tensors.set(name, { dtype, dims, data, name });
    next = end;
  }
  if (dataStart + next !== source.size)
    throw refuse('malformed', `the tensors end at ${dataStart + next}, the file at ${source.size}`);
  return { tensors, metadata };
};

const encodeSafetensors = (tensors: ReadonlyMap<string, Tensor>, metadata: Metadata | undefined): Piece[] => {
  const entries: [string, unknown][] = metadata ? [[metadataKey, metadata]] : [];
  const pieces: Piece[] = [];
  let begin = 0;
  for (const [name, { dtype, dims, data }] of tensors) {
    const known = ranks.get(dtype);
    const piece = data.kind === 'bytes' ? data.bytes : data.kind === 'slice' ? data : undefined;
    if (name === metadataKey || !known || !piece)
      throw refuse(
        'unsupported',
        `tensor '${shorten(name)}' of ${dtype} (${data.kind}) has no place in safetensors`,
      );
    const length = byteLengthOf(dtype, countOf(dims)) ?? 0;
    const problem = lengthFault(piece instanceof Uint8Array ? piece.byteLength : piece.length, dtype, dims);
    if (problem) throw refuse('invalid', `tensor '${shorten(name)}' ${problem}`);
    entries.push([name, { dtype: known.name, shape: dims, data_offsets: [begin, begin + length] }]);
    pieces.push(piece);
    begin += length;
  }
  return [...encodeHeader(entries), ...pieces];
};

/** Put together by hand: an object would sort keys that look like numbers. */
const encodeHeader = (entries: readonly (readonly [string, unknown])[]): Piece[] => {
  const members = entries.map(([name, entry]) => `${JSON.stringify(name)}:${JSON.stringify(entry)}`);
  const json = utf8(`{${members.join(',')}}`);
  const length = Math.ceil(json.byteLength / headerAlignment) * headerAlignment;
  if (length > codecLimits.safetensorsHeaderBytes)
    throw refuse(
      'too-large',
      `the header has ${length} bytes, at most ${codecLimits.safetensorsHeaderBytes} are read`,
    );
  const prefix = new Uint8Array(prefixBytes);
  new DataView(prefix.buffer).setBigUint64(0, BigInt(length), true);
  return [prefix, json, new Uint8Array(length - json.byteLength).fill(0x20)];
};

const rankOf = (name: string, dtype: DataType): number => {
  const known = ranks.get(dtype);
  if (known) return known.rank;
  throw refuse('unsupported', `tensor '${shorten(name)}' of ${dtype} has no place in safetensors`);
};

const compareBytes = (a: Uint8Array, b: Uint8Array): number => {
  const shared = Math.min(a.byteLength, b.byteLength);
  for (let at = 0; at < shared; at++) {
    const difference = (a[at] ?? 0) - (b[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.byteLength - b.byteLength;
};

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isCounts = (value: unknown): value is readonly number[] =>
  Array.isArray(value) && value.every((one) => Number.isSafeInteger(one) && one >= 0);

const shorten = (text: string) => (text.length > 80 ? `${text.slice(0, 80)}…` : text);
