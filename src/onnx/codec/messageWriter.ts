import { utf8 } from '../../core/bytes.ts';
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
  /** By number; unknown ones last. */
  rest: readonly RestField[];
};

export const beginMessage = <Name extends MessageName>(
  name: Name,
  rest: Rest | undefined,
): MessageWriter<Name> => ({
  name,
  sink: createSink(),
  rest: rest ? readRest(name, rest) : [],
});

export const finishMessage = <Name extends MessageName>(writer: MessageWriter<Name>): Encoded => {
  for (const { bytes } of writer.rest) putBytes(writer.sink, bytes);
  writer.rest = [];
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

/** Removes the rest's fields of these names and returns what was in those that have a length. */
export const takeRest = <Name extends MessageName>(
  writer: MessageWriter<Name>,
  ...fields: readonly FieldName<Name>[]
): Uint8Array[] => {
  if (writer.rest.length === 0) return [];
  const numbers = fields.map((field) => fieldOf(writer.name, field).number);
  const taken = writer.rest.filter(({ number }) => numbers.includes(number));
  writer.rest = writer.rest.filter(({ number }) => !numbers.includes(number));
  return taken.map(({ payload }) => payload);
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
export const joinEncoded = ({ length, pieces }: Encoded): Uint8Array => {
  const joined = new Uint8Array(length);
  let offset = 0;
  for (const piece of pieces) {
    if (!(piece instanceof Uint8Array)) throw new Error('a slice has no bytes in memory');
    joined.set(piece, offset);
    offset += piece.byteLength;
  }
  return joined;
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

const putRestBefore = <Name extends MessageName>(writer: MessageWriter<Name>, field: Field): void => {
  const later = writer.rest.findIndex(({ known, number }) => !known || number >= field.number);
  const due = later < 0 ? writer.rest.length : later;
  for (const { bytes } of writer.rest.slice(0, due)) putBytes(writer.sink, bytes);
  writer.rest = writer.rest
    .slice(due)
    .filter(({ known, number }) => !known || field.repeated || number !== field.number);
};

const readRest = (name: MessageName, rest: Rest): RestField[] => {
  const known = knownFields(name);
  const place = ({ known, number }: RestField) => (known ? number : Number.POSITIVE_INFINITY);
  return listFields(rest, 0, rest.byteLength)
    .map(({ number, start, at, end }) => ({
      number,
      known: known.get(number),
      bytes: rest.subarray(start, end),
      payload: rest.subarray(at, end),
    }))
    .sort((a, b) => (place(a) === place(b) ? 0 : place(a) - place(b)));
};
