import { concatBytes } from '../../core/bytes.ts';
import type { Int, Rest } from '../ir/types.ts';
import { codecLimits } from './limits.ts';
import { type FieldName, fieldOf, type MessageName } from './messages.ts';
import { refuse } from './refusal.ts';
import { cursorOf, listFields, type RawField, readVarint, signedOf, wire } from './wireReader.ts';
import type { SlicePiece } from './wireWriter.ts';

/** What reading one file shares. */
export type Reading = {
  readonly bytes: Uint8Array;
  /** Payloads that were left in the file, by the place in `bytes` where they would be. */
  readonly holes: ReadonlyMap<number, SlicePiece>;
  fieldsLeft: number;
};

export const startReading = (
  bytes: Uint8Array,
  holes: ReadonlyMap<number, SlicePiece> = new Map(),
): Reading => ({
  bytes,
  holes,
  fieldsLeft: codecLimits.fields,
});

/** The bytes of a message, and how deep it stands in others. */
export type Part = { readonly start: number; readonly end: number; readonly depth: number };

/**
 * A message whose fields are asked for by name. What nobody took is its rest: fields of a wire type that isn't theirs, and
 * unknown ones, are never found by a name and so belong to it.
 */
export type Message<Name extends MessageName> = {
  readonly name: Name;
  readonly reading: Reading;
  readonly depth: number;
  readonly fields: readonly RawField[];
};

export const openMessage = <Name extends MessageName>(
  reading: Reading,
  name: Name,
  { start, end, depth }: Part,
): Message<Name> => {
  if (depth > codecLimits.depth)
    throw refuse('too-large', `its messages nest deeper than ${codecLimits.depth} levels`);
  const fields = listFields(reading.bytes, start, end);
  reading.fieldsLeft -= fields.length;
  if (reading.fieldsLeft < 0) throw refuse('too-large', `it has more than ${codecLimits.fields} fields`);
  return { name, reading, depth, fields };
};

/** Fields of this name and of that wire type, as they stand. Takes none of them. */
export const findFields = <Name extends MessageName>(
  message: Message<Name>,
  field: FieldName<Name>,
  wireType: number,
): RawField[] => {
  const { number } = fieldOf(message.name, field);
  return message.fields.filter((one) => one.number === number && one.wire === wireType);
};

export const take = (fields: readonly RawField[]): void => {
  for (const field of fields) field.taken = true;
};

/** Undefined if it isn't there or is no UTF-8; that stays in the rest. */
export const takeText = <Name extends MessageName>(
  message: Message<Name>,
  field: FieldName<Name>,
): string | undefined => {
  const found = findFields(message, field, wire.bytes);
  const last = found.at(-1);
  const text = last && textOf(message.reading, last);
  if (text !== undefined) take(found);
  return text;
};

/**
 * For a text that the representation always has: '' if it isn't there. One that is there and empty stays in the rest, which
 * is how the file gets it back.
 */
export const takeName = <Name extends MessageName>(
  message: Message<Name>,
  field: FieldName<Name>,
): string => {
  const found = findFields(message, field, wire.bytes);
  const last = found.at(-1);
  if (!last || last.at === last.end) return '';
  take(found);
  return exactText(message, field, last);
};

export const takeNames = <Name extends MessageName>(
  message: Message<Name>,
  field: FieldName<Name>,
): string[] => {
  const found = findFields(message, field, wire.bytes);
  take(found);
  return found.map((one) => exactText(message, field, one));
};

/** The last one counts, as in protobuf. Takes it. */
export const takeInt = <Name extends MessageName>(
  message: Message<Name>,
  field: FieldName<Name>,
): Int | undefined => {
  take(findFields(message, field, wire.varint));
  return peekInt(message, field);
};

/** For a number that the representation always has: a 0 that is there stays in the rest, like an empty name. */
export const takeNumber = <Name extends MessageName>(message: Message<Name>, field: FieldName<Name>): Int =>
  (peekInt(message, field) ?? 0) === 0 ? 0 : (takeInt(message, field) ?? 0);

export const peekInt = <Name extends MessageName>(
  message: Message<Name>,
  field: FieldName<Name>,
): Int | undefined => {
  const last = findFields(message, field, wire.varint).at(-1);
  return last && intOf(message.reading, last);
};

/** Each by itself, or in runs. */
export const takeInts = <Name extends MessageName>(message: Message<Name>, field: FieldName<Name>): Int[] => {
  const { number } = fieldOf(message.name, field);
  const found = message.fields.filter(
    (one) => one.number === number && (one.wire === wire.varint || one.wire === wire.bytes),
  );
  take(found);
  const values: Int[] = [];
  for (const one of found) {
    const cursor = cursorOf(message.reading.bytes, one.at);
    while (cursor.offset < one.end) {
      readVarint(cursor, one.end);
      values.push(signedOf(cursor));
    }
  }
  return values;
};

/** Elements of `size` bytes, each by itself or in runs, put together as they stand: little-endian. */
export const takeFixed = <Name extends MessageName>(
  message: Message<Name>,
  field: FieldName<Name>,
  size: 4 | 8,
): Uint8Array => {
  const { number } = fieldOf(message.name, field);
  const single = size === 4 ? wire.fixed32 : wire.fixed64;
  const found = message.fields.filter(
    (one) => one.number === number && (one.wire === single || one.wire === wire.bytes),
  );
  const ragged = found.find(({ at, end }) => (end - at) % size !== 0);
  if (ragged)
    throw refuse('malformed', `${field} has ${ragged.end - ragged.at} bytes, no multiple of ${size}`);
  take(found);
  const [first, second] = found;
  if (first && !second) return payloadOf(message.reading, first);
  return concatBytes(...chunked(found.map((one) => payloadOf(message.reading, one))));
};

export const takeBytes = <Name extends MessageName>(
  message: Message<Name>,
  field: FieldName<Name>,
): Uint8Array[] => {
  const found = findFields(message, field, wire.bytes);
  take(found);
  return found.map((one) => payloadOf(message.reading, one));
};

export const takeParts = <Name extends MessageName>(
  message: Message<Name>,
  field: FieldName<Name>,
): Part[] => {
  const found = findFields(message, field, wire.bytes);
  take(found);
  return found.map(({ at, end }) => ({ start: at, end, depth: message.depth + 1 }));
};

/** Protobuf would merge two; nobody writes such files. */
export const takePart = <Name extends MessageName>(
  message: Message<Name>,
  field: FieldName<Name>,
): Part | undefined => {
  const [part, other] = takeParts(message, field);
  if (other) throw refuse('unsupported', `${message.name} has its ${field} in several parts`);
  return part;
};

/** What nobody took, as it stands; undefined if there is nothing. */
export const restOf = <Name extends MessageName>({ fields, reading }: Message<Name>): Rest | undefined => {
  const left = fields.filter(({ taken }) => !taken);
  if (left.length === 0) return undefined;
  return concatBytes(...chunked(left.map(({ start, end }) => reading.bytes.subarray(start, end))));
};

export const withRest = <Name extends MessageName>(message: Message<Name>): { readonly rest?: Rest } => {
  const rest = restOf(message);
  return rest ? { rest } : {};
};

export const payloadOf = ({ bytes }: Reading, { at, end }: RawField): Uint8Array => bytes.subarray(at, end);

export const intOf = ({ bytes }: Reading, { at, end }: RawField): Int => {
  const cursor = cursorOf(bytes, at);
  readVarint(cursor, end);
  return signedOf(cursor);
};

/** Undefined if it is no UTF-8. */
export const textOf = (reading: Reading, field: RawField): string | undefined => {
  if (field.end - field.at > codecLimits.textBytes)
    throw refuse(
      'too-large',
      `a text has ${field.end - field.at} bytes, at most ${codecLimits.textBytes} are read`,
    );
  return decodeText(payloadOf(reading, field));
};

export const decodeText = (bytes: Uint8Array): string | undefined => {
  const short = bytes.byteLength <= shortText ? decodeAscii(bytes) : undefined;
  if (short !== undefined) return short;
  try {
    return textDecoder.decode(bytes);
  } catch {
    return undefined;
  }
};

/** Names are short and ASCII, and a model has a million: for these a loop is faster than a call to the decoder. */
const shortText = 64;

const decodeAscii = (bytes: Uint8Array): string | undefined => {
  let text = '';
  for (const byte of bytes) {
    if (byte > 127) return undefined;
    text += String.fromCharCode(byte);
  }
  return text;
};

const textDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

const exactText = <Name extends MessageName>(
  { reading, name }: Message<Name>,
  field: FieldName<Name>,
  raw: RawField,
): string => {
  const text = textOf(reading, raw);
  if (text === undefined) throw refuse('malformed', `${field} of ${name} at byte ${raw.start} is no UTF-8`);
  return text;
};

/** A call takes some ten thousand arguments; a message may have millions of fields. */
const chunked = (parts: readonly Uint8Array[]): Uint8Array[] => {
  const perCall = 4_096;
  if (parts.length <= perCall) return [...parts];
  const joined: Uint8Array[] = [];
  for (let at = 0; at < parts.length; at += perCall)
    joined.push(concatBytes(...parts.slice(at, at + perCall)));
  return chunked(joined);
};
