/** TensorProto, both ways. */
import { byteLengthOf, countOf, dataTypeNumbers, dataTypeOf } from '../ir/dataTypes.ts';
import type { DataType, Tensor, TensorData } from '../ir/types.ts';
import { encodeExternal, sameExternal, takeExternal } from './externalEntries.ts';
import { codecLimits } from './limits.ts';
import {
  findFields,
  type Message,
  openMessage,
  type Part,
  payloadOf,
  peekInt,
  type Reading,
  take,
  takeBytes,
  takeInt,
  takeInts,
  takeText,
  withRest,
} from './messageReader.ts';
import {
  beginMessage,
  dropRest,
  finishMessage,
  type MessageWriter,
  takeLeft,
  writeBytes,
  writeEncoded,
  writeInt,
  writeText,
} from './messageWriter.ts';
import { refuse } from './refusal.ts';
import { encodeTyped, takeTyped, typedFieldOf } from './typedData.ts';
import { wire } from './wireReader.ts';
import { type Encoded, encodedOf } from './wireWriter.ts';

/** `TensorProto.DataLocation`. */
const externalLocation = 1;

/** Its data is as long as its type and dimensions say, or it is refused; except if it is external: nobody has looked. */
export const readTensor = (reading: Reading, part: Part): Tensor => {
  const message = openMessage(reading, 'TensorProto', part);
  const name = takeText(message, 'name');
  const doc = takeText(message, 'doc_string');
  const called = name === undefined ? 'a tensor' : `tensor ${name}`;
  if (findFields(message, 'segment', wire.bytes).length > 0)
    throw refuse('unsupported', `${called} is one segment of a tensor`);
  const dtype = takeElementType(message, called);
  const dims = takeDims(message, called);
  const { data, typed } = takeData(message, dtype, called);
  checkLength(data, dtype, dims, called);
  checkHoles(message, called);
  return {
    dtype,
    dims,
    data,
    ...(name === undefined ? {} : { name }),
    ...(doc === undefined ? {} : { doc }),
    ...(typed ? { typed: true } : {}),
    ...withRest(message),
  };
};

/** `name` is the one under which a graph has it. */
export const encodeTensor = (tensor: Tensor, name = tensor.name): Encoded => {
  const { dtype, dims, data } = tensor;
  const writer = beginMessage('TensorProto', tensor.rest);
  for (const dim of dims) writeInt(writer, 'dims', dim);
  writeInt(writer, 'data_type', dataTypeNumbers[dtype]);
  const typedField = tensor.typed && data.kind === 'bytes' ? typedFieldOf(dtype) : undefined;
  const typed = typedField && data.kind === 'bytes' ? encodeTyped(dtype, typedField, data.bytes) : undefined;
  const writeTyped = (...fields: readonly string[]) => {
    if (typedField && typed && typed.length > 0 && fields.includes(typedField))
      writeEncoded(writer, typedField, typed);
  };
  writeTyped('float_data', 'int32_data');
  if (data.kind === 'strings') for (const text of data.strings) writeBytes(writer, 'string_data', text);
  writeTyped('int64_data');
  if (name !== undefined && (name !== '' || tensor.name !== undefined)) writeText(writer, 'name', name);
  if (!typedField) writeRaw(writer, data);
  writeTyped('double_data', 'uint64_data');
  writeText(writer, 'doc_string', tensor.doc);
  if (data.kind === 'external') {
    writeExternal(writer, data);
    writeInt(writer, 'data_location', externalLocation);
  } else dropRest(writer, 'external_data');
  return finishMessage(writer);
};

/** Says what does not fit: bytes for this many elements of this type. */
export const lengthFault = (length: number, dtype: DataType, dims: readonly number[]): string | undefined => {
  const expected = byteLengthOf(dtype, countOf(dims));
  if (expected === length) return undefined;
  return `has ${length} bytes of data, ${dtype} of [${dims.join(', ')}] has ${expected}`;
};

const takeElementType = (message: Message<'TensorProto'>, called: string): DataType => {
  const number = takeInt(message, 'data_type') ?? 0;
  const dtype = typeof number === 'number' ? dataTypeOf(number) : undefined;
  if (dtype) return dtype;
  throw refuse(
    'unsupported',
    `${called} has elements of type ${number}, known are 1 to ${dataTypeNumbers.int2}`,
  );
};

const takeDims = (message: Message<'TensorProto'>, called: string): number[] => {
  const dims: number[] = [];
  const found = takeInts(message, 'dims');
  if (found.length > codecLimits.dims)
    throw refuse(
      'too-large',
      `${called} has ${found.length} dimensions, at most ${codecLimits.dims} are read`,
    );
  for (const dim of found) {
    if (typeof dim !== 'number' || dim < 0) throw refuse('invalid', `${called} has a dimension of ${dim}`);
    dims.push(dim);
  }
  if (!Number.isSafeInteger(countOf(dims)))
    throw refuse('too-large', `${called} has more elements than can be counted: [${dims.join(', ')}]`);
  return dims;
};

type Taken = { readonly data: TensorData; readonly typed: boolean };

const takeData = (message: Message<'TensorProto'>, dtype: DataType, called: string): Taken => {
  if (peekInt(message, 'data_location') === externalLocation) {
    take(findFields(message, 'data_location', wire.varint));
    return { data: takeExternal(message, called), typed: false };
  }
  if (dtype === 'string')
    return { data: { kind: 'strings', strings: takeBytes(message, 'string_data') }, typed: false };
  return takeRaw(message, dtype) ?? takeElements(message, dtype);
};

/** Undefined if it has none, or an empty one beside elements that are typed. */
const takeRaw = (message: Message<'TensorProto'>, dtype: DataType): Taken | undefined => {
  const found = findFields(message, 'raw_data', wire.bytes);
  const raw = found.at(-1);
  if (!raw) return undefined;
  const hole = message.reading.holes.get(raw.at);
  const typedField = typedFieldOf(dtype);
  const hasTyped = typedField && message.fields.some((field) => field.number === numberOfTyped[typedField]);
  if (!hole && raw.at === raw.end && hasTyped) return undefined;
  take(found);
  if (hole) return { data: { kind: 'slice', ...hole }, typed: false };
  return { data: { kind: 'bytes', bytes: payloadOf(message.reading, raw) }, typed: false };
};

const numberOfTyped = {
  float_data: 4,
  int32_data: 5,
  int64_data: 7,
  double_data: 10,
  uint64_data: 11,
} as const;

const takeElements = (message: Message<'TensorProto'>, dtype: DataType): Taken => {
  const field = typedFieldOf(dtype);
  const bytes = field ? takeTyped(message, dtype, field) : new Uint8Array(0);
  return { data: { kind: 'bytes', bytes }, typed: true };
};

const checkLength = (data: TensorData, dtype: DataType, dims: readonly number[], called: string): void => {
  if (data.kind === 'external') return;
  if (data.kind === 'strings') {
    if (data.strings.length === countOf(dims)) return;
    throw refuse('invalid', `${called} has ${data.strings.length} strings for [${dims.join(', ')}]`);
  }
  const problem = lengthFault(data.kind === 'bytes' ? data.bytes.byteLength : data.length, dtype, dims);
  if (problem) throw refuse('invalid', `${called} ${problem}`);
};

/** Raw data that was left in the file can't be kept in a rest. */
const checkHoles = ({ fields, reading }: Message<'TensorProto'>, called: string): void => {
  if (reading.holes.size > 0 && fields.some(({ at, taken }) => !taken && reading.holes.has(at)))
    throw refuse('invalid', `${called} has raw data, which doesn't go with the rest of it`);
};

const writeRaw = (writer: MessageWriter<'TensorProto'>, data: TensorData): void => {
  if (data.kind === 'bytes') writeBytes(writer, 'raw_data', data.bytes);
  if (data.kind === 'slice') writeEncoded(writer, 'raw_data', encodedOf(data));
};

/** As the file had it, if it still says the same. */
const writeExternal = (
  writer: MessageWriter<'TensorProto'>,
  data: Extract<TensorData, { kind: 'external' }>,
): void => {
  const left = takeLeft(writer, 'external_data');
  const entries = sameExternal(left, data) ? left : encodeExternal(data);
  for (const entry of entries) writeBytes(writer, 'external_data', entry);
};
