import { type Bytes, utf8 } from '../../core/bytes.ts';
import type { Int, Rest } from '../ir/types.ts';
import { type Field, type FieldName, fieldOf, knownFields, type MessageName } from './messages.ts';
import { listFields, wire } from './wireReader.ts';
import {
  closeSink,
  createSink,
  type Encoded,
  putBytes,
  putEncoded,
  putFloat32,
  putVarint,
  type Sink,
} from './wireWriter.ts';

type RestField = {
  readonly number: number;
  readonly wire: number;
  readonly known: Field | undefined;
  readonly bytes: Uint8Array;
  readonly payload: Uint8Array;
};

/**
 * One message that is written, its fields in the order of their numbers, which is what protobuf's own writers do. Fields of
 * the rest are put where they belong: known ones by number, unknown ones at the end in their order. A field that occurs once
 * and is written from the representation replaces the rest's.
 */
export type MessageWriter<Name extends MessageName> = {
  readonly name: Name;
  readonly sink: Sink;
  /** By number; unknown ones last. Those before `restAt` are written, or replaced. */
  rest: readonly RestField[];
  restAt: number;
};

export const beginMessage = <Name extends MessageName>(
  name: Name,
  rest: Rest | undefined,
): MessageWriter<Name> => ({
  name,
  sink: createSink(),
  rest: rest ? readRest(name, rest) : [],
  restAt: 0,
});

export const finishMessage = <Name extends MessageName>(writer: MessageWriter<Name>): Encoded => {
  for (; writer.restAt < writer.rest.length; writer.restAt++)
    putBytes(writer.sink, writer.rest[writer.restAt]?.bytes ?? new Uint8Array(0));
  return closeSink(writer.sink);
};

/** Not at all if it is undefined. */
export const writeText = <Name extends MessageName>(
  writer: MessageWriter<Name>,
  field: FieldName<Name>,
  text: string | undefined,
): void => {
  if (text !== undefined) writeBytes(writer, field, utf8(text));
};

/** Not at all if it is empty: the rest knows whether the file has it nevertheless. */
export const writeName = <Name extends MessageName>(
  writer: MessageWriter<Name>,
  field: FieldName<Name>,
  text: string,
): void => {
  if (text !== '') writeText(writer, field, text);
};

export const writeInt = <Name extends MessageName>(
  writer: MessageWriter<Name>,
  field: FieldName<Name>,
  value: Int | undefined,
): void => {
  if (value === undefined) return;
  putTag(writer, field, wire.varint);
  putVarint(writer.sink, value);
};

export const writeFloat = <Name extends MessageName>(
  writer: MessageWriter<Name>,
  field: FieldName<Name>,
  value: number,
): void => {
  putTag(writer, field, wire.fixed32);
  putFloat32(writer.sink, value);
};

export const writeBytes = <Name extends MessageName>(
  writer: MessageWriter<Name>,
  field: FieldName<Name>,
  bytes: Uint8Array,
): void => {
  putTag(writer, field, wire.bytes);
  putVarint(writer.sink, bytes.byteLength);
  putBytes(writer.sink, bytes);
};

/** A message, or a payload that is elsewhere. */
export const writeEncoded = <Name extends MessageName>(
  writer: MessageWriter<Name>,
  field: FieldName<Name>,
  encoded: Encoded,
): void => {
  putTag(writer, field, wire.bytes);
  putVarint(writer.sink, encoded.length);
  putEncoded(writer.sink, encoded);
};

/** Removes nested messages of this name from the rest and returns what is in each. */
export const takeLeft = <Name extends MessageName>(
  writer: MessageWriter<Name>,
  field: FieldName<Name>,
): Uint8Array[] => {
  const { number } = fieldOf(writer.name, field);
  const isLeft = (one: RestField) => one.number === number && one.wire === wire.bytes;
  const left = writer.rest.slice(writer.restAt).filter(isLeft);
  if (left.length > 0) keepRest(writer, (one) => !isLeft(one));
  return left.map(({ payload }) => payload);
};

/** Removes fields of these names from the rest: what they said is no longer so. */
export const dropRest = <Name extends MessageName>(
  writer: MessageWriter<Name>,
  ...fields: readonly FieldName<Name>[]
): void => {
  const numbers = fields.map((field) => fieldOf(writer.name, field).number);
  if (writer.rest.length > 0) keepRest(writer, ({ number }) => !numbers.includes(number));
};

/** What the rest of a message is when a nested message has a rest and no place for it. */
export const wrapRest = <Name extends MessageName>(
  name: Name,
  field: FieldName<Name>,
  bodies: readonly (Rest | undefined)[],
): Uint8Array | undefined => {
  if (bodies.every((body) => body === undefined || body.byteLength === 0)) return undefined;
  const sink = createSink();
  for (const body of bodies) {
    putVarint(sink, fieldOf(name, field).number * 8 + wire.bytes);
    putVarint(sink, body?.byteLength ?? 0);
    if (body) putBytes(sink, body);
  }
  return joinEncoded(closeSink(sink));
};

/** For what has no slices in it. */
export const joinEncoded = ({ length, pieces }: Encoded): Bytes => {
  const joined = new Uint8Array(length);
  let offset = 0;
  for (const piece of pieces) {
    if (!(piece instanceof Uint8Array)) throw new Error('a slice has no bytes in memory');
    joined.set(piece, offset);
    offset += piece.byteLength;
  }
  return joined;
};

const keepRest = <Name extends MessageName>(
  writer: MessageWriter<Name>,
  isKept: (field: RestField) => boolean,
): void => {
  writer.rest = writer.rest.slice(writer.restAt).filter(isKept);
  writer.restAt = 0;
};

const putTag = <Name extends MessageName>(
  writer: MessageWriter<Name>,
  name: FieldName<Name>,
  wireType: number,
): void => {
  const field = fieldOf(writer.name, name);
  if (writer.rest.length > 0) putRestBefore(writer, field);
  putVarint(writer.sink, field.number * 8 + wireType);
};

/** Constant work for each field that is written, however much rest there is. */
const putRestBefore = <Name extends MessageName>(writer: MessageWriter<Name>, field: Field): void => {
  for (let next = writer.rest[writer.restAt]; next?.known; next = writer.rest[++writer.restAt]) {
    if (next.number > field.number || (next.number === field.number && field.repeated)) return;
    if (next.number < field.number) putBytes(writer.sink, next.bytes);
  }
};

const readRest = (name: MessageName, rest: Rest): RestField[] => {
  const known = knownFields(name);
  const place = ({ known, number }: RestField) => (known ? number : Number.POSITIVE_INFINITY);
  return listFields(rest, 0, rest.byteLength)
    .map(({ number, wire, start, at, end }) => ({
      number,
      wire,
      known: known.get(number),
      bytes: rest.subarray(start, end),
      payload: rest.subarray(at, end),
    }))
    .sort((a, b) => (place(a) === place(b) ? 0 : place(a) - place(b)));
};
