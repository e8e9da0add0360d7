/** The union of an AttributeProto, both ways. Graphs are read and encoded by whoever calls. */
import type { Attribute, Graph } from '../ir/types.ts';
import {
  decodeText,
  findFields,
  type Message,
  type Part,
  payloadOf,
  peekInt,
  type Reading,
  take,
  takeBytes,
  takeFixed,
  takeInt,
  takeInts,
  takeName,
  takePart,
  takeParts,
} from './messageReader.ts';
import {
  type MessageWriter,
  writeBytes,
  writeEncoded,
  writeFloat,
  writeInt,
  writeText,
} from './messageWriter.ts';
import { refuse } from './refusal.ts';
import { encodeTensor, readTensor } from './tensors.ts';
import { encodeType, readType } from './valueTypes.ts';
import { wire } from './wireReader.ts';
import type { Encoded } from './wireWriter.ts';

/** `AttributeProto.AttributeType`. */
const numbers = {
  float: 1,
  int: 2,
  string: 3,
  bytes: 3,
  tensor: 4,
  graph: 5,
  floats: 6,
  ints: 7,
  strings: 8,
  tensors: 9,
  graphs: 10,
  type: 13,
} as const;

type AttributeMessage = Message<'AttributeProto'>;
type ReadGraph = (reading: Reading, part: Part) => Graph;

/** Takes the fields of the value and leaves those of other types where they are. */
export const readAttributeValue = (message: AttributeMessage, readGraph: ReadGraph): Attribute => {
  const to = takeName(message, 'ref_attr_name');
  const type = typeOf(message);
  if (to !== '') {
    if (type !== 0) take(findFields(message, 'type', wire.varint));
    return { type: 'reference', to, of: type };
  }
  const value = readByType(message, type, readGraph);
  if (value.type !== 'unknown') take(findFields(message, 'type', wire.varint));
  return value;
};

/** Everything but the name and the documentation, in the order of field numbers; `doc` is written in between. */
export const writeAttributeValue = (
  writer: MessageWriter<'AttributeProto'>,
  attribute: Attribute,
  encodeGraph: (graph: Graph) => Encoded,
): void => {
  writeValue(writer, attribute, encodeGraph);
  writeText(writer, 'doc_string', attribute.doc);
  if (attribute.type === 'type') writeEncoded(writer, 'tp', encodeType(attribute.value));
  // A reference without a type: the file had none, or one that is 0 and in the rest.
  const type = attribute.type === 'reference' ? attribute.of : numberOf(attribute);
  if (type !== 0) writeInt(writer, 'type', type);
  if (attribute.type === 'reference') writeText(writer, 'ref_attr_name', attribute.to);
};

/** Of one that is unknown the rest has the type. */
const numberOf = ({ type }: Exclude<Attribute, { readonly type: 'reference' }>): number =>
  type === 'unknown' ? 0 : numbers[type];

const readByType = (message: AttributeMessage, type: number, readGraph: ReadGraph): Attribute => {
  const { reading } = message;
  switch (type) {
    case numbers.float:
      return { type: 'float', value: takeFloat(message) };
    case numbers.floats:
      return { type: 'floats', value: floatsOf(takeFixed(message, 'floats', 4)) };
    case numbers.int:
      return { type: 'int', value: takeInt(message, 'i') ?? 0 };
    case numbers.ints:
      return { type: 'ints', value: takeInts(message, 'ints') };
    case numbers.string:
      return takeString(message);
    case numbers.strings:
      return takeStrings(message);
    case numbers.tensor:
      return { type: 'tensor', value: readTensor(reading, required(message, 't')) };
    case numbers.tensors:
      return {
        type: 'tensors',
        value: takeParts(message, 'tensors').map((part) => readTensor(reading, part)),
      };
    case numbers.graph:
      return { type: 'graph', value: readGraph(reading, required(message, 'g')) };
    case numbers.graphs:
      return { type: 'graphs', value: takeParts(message, 'graphs').map((part) => readGraph(reading, part)) };
    case numbers.type:
      return { type: 'type', value: readType(reading, required(message, 'tp')) };
    default:
      return { type: 'unknown' };
  }
};

const writeValue = (
  writer: MessageWriter<'AttributeProto'>,
  attribute: Attribute,
  encodeGraph: (graph: Graph) => Encoded,
): void => {
  switch (attribute.type) {
    case 'float':
      writeFloat(writer, 'f', attribute.value);
      break;
    case 'floats':
      for (const value of attribute.value) writeFloat(writer, 'floats', value);
      break;
    case 'int':
      writeInt(writer, 'i', attribute.value);
      break;
    case 'ints':
      for (const value of attribute.value) writeInt(writer, 'ints', value);
      break;
    case 'string':
      writeText(writer, 's', attribute.value);
      break;
    case 'bytes':
      writeBytes(writer, 's', attribute.value);
      break;
    case 'strings':
      for (const value of attribute.value) writeText(writer, 'strings', value);
      break;
    case 'tensor':
      writeEncoded(writer, 't', encodeTensor(attribute.value));
      break;
    case 'tensors':
      for (const value of attribute.value) writeEncoded(writer, 'tensors', encodeTensor(value));
      break;
    case 'graph':
      writeEncoded(writer, 'g', encodeGraph(attribute.value));
      break;
    case 'graphs':
      for (const value of attribute.value) writeEncoded(writer, 'graphs', encodeGraph(value));
      break;
    case 'type':
    case 'reference':
    case 'unknown':
      break;
    default:
      attribute satisfies never;
  }
};

/** Files of IR version 1 don't say: then it is the type of the only value. */
const typeOf = (message: AttributeMessage): number => {
  const stated = peekInt(message, 'type');
  if (stated !== undefined) return Number(stated);
  const { fields } = message;
  const present = fields.map(({ number }) => typeByField.get(number)).filter((type) => type !== undefined);
  return new Set(present).size === 1 ? (present[0] ?? 0) : 0;
};

/** Field numbers of `f`, `i`, `s`, `t`, `g`, `floats` and so on. */
const typeByField: ReadonlyMap<number, number> = new Map([
  [2, numbers.float],
  [3, numbers.int],
  [4, numbers.string],
  [5, numbers.tensor],
  [6, numbers.graph],
  [7, numbers.floats],
  [8, numbers.ints],
  [9, numbers.strings],
  [10, numbers.tensors],
  [11, numbers.graphs],
  [14, numbers.type],
]);

const takeString = (message: AttributeMessage): Attribute => {
  const bytes = takeBytes(message, 's').at(-1) ?? new Uint8Array(0);
  const text = decodeText(bytes);
  return text === undefined ? { type: 'bytes', value: bytes } : { type: 'string', value: text };
};

/** Unknown, and untouched, if one is no UTF-8. */
const takeStrings = (message: AttributeMessage): Attribute => {
  const found = findFields(message, 'strings', wire.bytes);
  const texts: string[] = [];
  for (const field of found) {
    const text = decodeText(payloadOf(message.reading, field));
    if (text === undefined) return { type: 'unknown' };
    texts.push(text);
  }
  take(found);
  return { type: 'strings', value: texts };
};

const takeFloat = (message: AttributeMessage): number => {
  const found = findFields(message, 'f', wire.fixed32);
  take(found);
  const last = found.at(-1);
  return last ? (floatsOf(payloadOf(message.reading, last))[0] ?? 0) : 0;
};

const floatsOf = (bytes: Uint8Array): number[] => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.byteLength / 4 }, (_, index) => view.getFloat32(4 * index, true));
};

const required = (message: AttributeMessage, field: 't' | 'g' | 'tp'): Part => {
  const part = takePart(message, field);
  if (part) return part;
  throw refuse('invalid', `an attribute has no ${field}, which is what its type promises`);
};
