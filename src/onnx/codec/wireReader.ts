import type { Int } from '../ir/types.ts';
import { codecLimits } from './limits.ts';
import { refuse } from './refusal.ts';

/** https://protobuf.dev/programming-guides/encoding: how a field's payload is laid out. */
export const wire = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

/** A field as it stands in the bytes. Its payload is from `at` to `end`, its tag from `start`. */
export type RawField = {
  readonly number: number;
  readonly wire: number;
  readonly start: number;
  readonly at: number;
  readonly end: number;
  /** Somebody has read it: it is not left over. */
  taken: boolean;
};

/** A place in bytes. `low` and `high` are the halves of the varint that was read last, 32 bits each, unsigned. */
export type Cursor = { readonly bytes: Uint8Array; offset: number; low: number; high: number };

export const cursorOf = (bytes: Uint8Array, offset = 0): Cursor => ({ bytes, offset, low: 0, high: 0 });

/** The fields of the message that is `bytes` from `start` to `end`, without looking into them. Throws `Refusal`. */
export const listFields = (bytes: Uint8Array, start: number, end: number): RawField[] => {
  const fields: RawField[] = [];
  const cursor = cursorOf(bytes, start);
  while (cursor.offset < end) {
    if (fields.length >= codecLimits.fieldsPerMessage)
      throw refuse('too-large', `a message has more than ${codecLimits.fieldsPerMessage} fields`);
    fields.push(readField(cursor, end));
  }
  return fields;
};

/** The number of a field, times 8, and its wire type. */
export const readTag = (cursor: Cursor, end: number): number => {
  readVarint(cursor, end);
  if (cursor.high === 0 && cursor.low > 7) return cursor.low;
  throw refuse('malformed', `there is no field number where one must be, at byte ${cursor.offset}`);
};

/** Moves the cursor past a varint of at most 10 bytes and leaves its halves there. */
export const readVarint = (cursor: Cursor, end: number): void => {
  const { bytes } = cursor;
  cursor.low = 0;
  cursor.high = 0;
  for (let shift = 0; shift < 70; shift += 7) {
    const byte = cursor.offset < end ? bytes[cursor.offset++] : undefined;
    if (byte === undefined) throw endsEarly(cursor.offset);
    const bits = byte & 127;
    if (shift < 28) cursor.low |= bits << shift;
    else if (shift === 28) {
      cursor.low |= bits << 28;
      cursor.high = bits >>> 4;
    } else if (shift < 63) cursor.high |= bits << (shift - 32);
    else if (bits > 1) break;
    else cursor.high |= bits << 31;
    if (byte < 128) {
      cursor.low >>>= 0;
      cursor.high >>>= 0;
      return;
    }
  }
  throw refuse('malformed', `a number has more than 64 bits, before byte ${cursor.offset}`);
};

/** What was read last, as an int64. */
export const signedOf = ({ low, high }: Cursor): Int => {
  const top = high | 0;
  const value = top * 2 ** 32 + low;
  return Number.isSafeInteger(value) ? value : (BigInt(top) << 32n) + BigInt(low);
};

/** What was read last, as a length or an offset. */
export const lengthOf = ({ low, high, offset }: Cursor): number => {
  const value = high * 2 ** 32 + low;
  if (Number.isSafeInteger(value)) return value;
  throw refuse('malformed', `a length before byte ${offset} is beyond exact integers`);
};

export const endsEarly = (offset: number) =>
  refuse('malformed', `it ends too early: a field reaches past its message near byte ${offset}`);

const readField = (cursor: Cursor, end: number): RawField => {
  const start = cursor.offset;
  const tag = readTag(cursor, end);
  const number = tag >>> 3;
  const wireType = tag & 7;
  let at = cursor.offset;
  switch (wireType) {
    case wire.varint:
      readVarint(cursor, end);
      break;
    case wire.fixed64:
      cursor.offset += 8;
      break;
    case wire.fixed32:
      cursor.offset += 4;
      break;
    case wire.bytes: {
      readVarint(cursor, end);
      const length = lengthOf(cursor);
      at = cursor.offset;
      cursor.offset += length;
      break;
    }
    default:
      throw refuse('malformed', `field ${number} at byte ${start} has wire type ${wireType}, ONNX has none`);
  }
  if (cursor.offset > end) throw endsEarly(start);
  return { number, wire: wireType, start, at, end: cursor.offset, taken: false };
};
