import { encode } from 'cborg';
import type { Bytes } from './bytes.ts';
import type { CborValue, DecodeLimits } from './codec.ts';

/** What stops the reading of a message: its text says what is wrong. Never leaves `codec.ts`. */
export class Malformed extends Error {}

type Reader = { readonly bytes: Uint8Array; readonly maxDepth: number; offset: number };

/** RFC 8949 §3.1. */
const major = { uint: 0, nint: 1, bytes: 2, text: 3, array: 4, map: 5, tag: 6 } as const;

/**
 * Reads one value in the one form that `encodeCbor` writes, and refuses every other form where it stands, so that nobody
 * has to encode again and compare. Byte strings are views of the message. Recursion is bounded by `maxDepth`, memory by
 * the length of the message: every member that is announced takes a byte at least. Throws `Malformed`.
 */
export const readCanonical = (bytes: Uint8Array, { maxDepth }: DecodeLimits): CborValue => {
  const reader: Reader = { bytes, maxDepth, offset: 0 };
  const value = read(reader, 0);
  if (reader.offset < bytes.byteLength) throw new Malformed('there are bytes after its end');
  return value;
};

const read = (reader: Reader, depth: number): CborValue => {
  const head = nextByte(reader);
  const info = head & 31;
  switch (head >> 5) {
    case major.uint:
      return readArgument(reader, info);
    case major.nint:
      return exactInteger(-1 - readArgument(reader, info));
    case major.bytes:
      return take(reader, readArgument(reader, info));
    case major.text:
      return readText(reader, readArgument(reader, info));
    case major.array:
      return readArray(reader, readArgument(reader, info), depth);
    case major.map:
      return readMap(reader, readArgument(reader, info), depth);
    case major.tag:
      throw new Malformed('tags have no meaning here');
    default:
      return readSimple(reader, info);
  }
};

const readArray = (reader: Reader, length: number, depth: number): CborValue[] => {
  const inside = enter(reader, length, depth);
  const items: CborValue[] = [];
  for (let i = 0; i < length; i++) items.push(read(reader, inside));
  return items;
};

const readMap = (reader: Reader, length: number, depth: number): Record<string, CborValue> => {
  const inside = enter(reader, length, depth);
  const members: Record<string, CborValue> = {};
  let previous = 0;
  let previousSize = -1;
  for (let i = 0; i < length; i++) {
    const head = nextByte(reader);
    if (head >> 5 !== major.text) throw new Malformed('a key is no text');
    const size = readArgument(reader, head & 31);
    const start = reader.offset;
    const key = readText(reader, size);
    if (size < previousSize || (size === previousSize && !isBefore(reader.bytes, previous, start, size)))
      throw notCanonical('keys are not in order, each once');
    previous = start;
    previousSize = size;
    setMember(members, key, read(reader, inside));
  }
  return members;
};

const readSimple = (reader: Reader, info: number): CborValue => {
  switch (info) {
    case 20:
      return false;
    case 21:
      return true;
    case 22:
      return null;
    case 25:
      return readFloat(reader, 2);
    case 26:
      return readFloat(reader, 4);
    case 27:
      return readFloat(reader, 8);
    default:
      throw new Malformed(`simple value ${info} has no meaning here`);
  }
};

/** Few messages carry any: what `encodeCbor` would write decides. */
const readFloat = (reader: Reader, size: 2 | 4 | 8): number => {
  const start = reader.offset - 1;
  const part = take(reader, size);
  const view = new DataView(part.buffer, part.byteOffset, size);
  const value = size === 8 ? view.getFloat64(0) : size === 4 ? view.getFloat32(0) : halfOf(view.getUint16(0));
  if (!Number.isFinite(value)) throw new Malformed('a number is not finite');
  const shortest = encode(value);
  if (shortest.byteLength !== size + 1 || shortest.some((byte, i) => byte !== reader.bytes[start + i]))
    throw notCanonical('a float is longer than needed');
  return value;
};

/** The number that goes with a head: in the head itself or in the 1, 2, 4 or 8 bytes after it, whichever is shortest. */
const readArgument = (reader: Reader, info: number): number => {
  if (info < 24) return info;
  if (info > 27) throw new Malformed('its length is not told');
  const size = 1 << (info - 24);
  let argument = 0;
  for (let i = 0; i < size; i++) argument = argument * 256 + nextByte(reader);
  if (argument < (leastBySize[size] ?? 0)) throw notCanonical('a number is longer than needed');
  return exactInteger(argument);
};

/** Short texts are keys and ids, mostly ASCII: for these a loop is faster than a call to the decoder. */
const shortText = 48;
const textDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

const readText = (reader: Reader, length: number): string => {
  const short = length <= shortText ? readAscii(reader, length) : undefined;
  if (short !== undefined) return short;
  const part = take(reader, length);
  try {
    return textDecoder.decode(part);
  } catch {
    throw new Malformed('a text is not UTF-8');
  }
};

const asciiCharacters: readonly string[] = Array.from({ length: 128 }, (_, code) =>
  String.fromCharCode(code),
);

const readAscii = (reader: Reader, length: number): string | undefined => {
  let text = '';
  for (let i = 0; i < length; i++) {
    const character = asciiCharacters[reader.bytes[reader.offset + i] ?? 128];
    if (character === undefined) return undefined;
    text += character;
  }
  reader.offset += length;
  return text;
};

const take = (reader: Reader, length: number): Bytes => {
  const { bytes, offset } = reader;
  if (length > bytes.byteLength - offset) throw endsEarly();
  reader.offset += length;
  return new Uint8Array(bytes.buffer as ArrayBuffer, bytes.byteOffset + offset, length);
};

const nextByte = (reader: Reader): number => {
  const byte = reader.bytes[reader.offset++];
  if (byte === undefined) throw endsEarly();
  return byte;
};

/** The depth of the members; empty containers hold nothing, so they add no level. */
const enter = ({ bytes, offset, maxDepth }: Reader, members: number, depth: number): number => {
  if (members === 0) return depth;
  if (depth >= maxDepth) throw new Malformed(`it nests deeper than ${maxDepth} levels`);
  if (members > bytes.byteLength - offset) throw endsEarly();
  return depth + 1;
};

const endsEarly = () => new Malformed('it ends too early');
const notCanonical = (what: string) => new Malformed(`it is not in canonical form: ${what}`);

/** The least number that needs so many bytes after its head. */
const leastBySize: Readonly<Record<number, number>> = { 1: 24, 2: 2 ** 8, 4: 2 ** 16, 8: 2 ** 32 };

const exactInteger = (value: number): number => {
  if (!Number.isSafeInteger(value)) throw new Malformed('a number is beyond exact integers');
  return value;
};

/**
 * The order of RFC 8949 §4.2.1 for two texts of one length, which both stand in the message. Equal is not before. (A
 * shorter text is before a longer one, because heads tell the length first.)
 */
const isBefore = (bytes: Uint8Array, one: number, other: number, size: number): boolean => {
  for (let i = 0; i < size; i++) {
    const difference = (bytes[one + i] ?? 0) - (bytes[other + i] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
};

/** A stranger may call a key "__proto__": set like any other it would replace the object's prototype. */
const setMember = (members: Record<string, CborValue>, key: string, value: CborValue): void => {
  if (key === '__proto__')
    Object.defineProperty(members, key, { value, enumerable: true, configurable: true, writable: true });
  else members[key] = value;
};

/** IEEE 754 binary16 (RFC 8949, appendix D). */
const halfOf = (half: number): number => {
  const exponent = (half >> 10) & 31;
  const fraction = half & 1023;
  const sign = half & 0x8000 ? -1 : 1;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
};
