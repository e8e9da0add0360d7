import { encode } from 'cborg';
import type { Bytes } from './bytes.ts';
import { Malformed, readCanonical } from './cborReader.ts';
import { err, type Fault, fault, ok, type Result } from './result.ts';

/**
 * Deterministic CBOR (RFC 8949 §4.2.1): one value, one byte string. Decoding accepts bytes from strangers: size
 * and depth are checked before anything is allocated, duplicate keys and every non-canonical form are refused as they are
 * read (cborReader.ts).
 *
 * Values: null, boolean, finite number, string, Uint8Array, array, plain object with string keys.
 */
export type CborValue =
  | null
  | boolean
  | number
  | string
  | Uint8Array
  | readonly CborValue[]
  | { readonly [key: string]: CborValue | undefined };

export type DecodeLimits = { readonly maxBytes: number; readonly maxDepth: number };
export const defaultDecodeLimits: DecodeLimits = { maxBytes: 64 * 1024 * 1024, maxDepth: 24 };

/**
 * `undefined` members are left out, so that optional fields have one encoding. Throws on NaN and infinities: no reader
 * accepts them, so they are the writer's bug.
 */
export const encodeCbor = (value: CborValue): Bytes =>
  new Uint8Array(encode(isEncodable(value) ? value : toEncodable(value)));

export const decodeCbor = (
  bytes: Uint8Array,
  limits: DecodeLimits = defaultDecodeLimits,
): Result<CborValue, Fault<'cbor'>> => {
  if (bytes.byteLength > limits.maxBytes) {
    return err(
      fault('cbor', `message has ${bytes.byteLength} bytes, at most ${limits.maxBytes} are accepted`),
    );
  }
  try {
    return ok(readCanonical(bytes, limits));
  } catch (cause) {
    if (!(cause instanceof Malformed)) throw cause;
    return err(fault('cbor', `not a CBOR message of ours: ${cause.message}`));
  }
};

/** Whether nothing in it is to be left out, as in most messages: then it needs no copy. */
const isEncodable = (value: CborValue | undefined): boolean => {
  if (value === undefined) return false;
  if (typeof value === 'number' && !Number.isFinite(value)) {
    throw new TypeError(`CBOR messages carry finite numbers, not ${value}`);
  }
  if (value === null || typeof value !== 'object' || value instanceof Uint8Array) return true;
  const members = Array.isArray(value) ? value : Object.values(value);
  return members.every(isEncodable);
};

const toEncodable = (value: CborValue): unknown => {
  if (value === null || typeof value !== 'object' || value instanceof Uint8Array) return value;
  if (Array.isArray(value)) return value.map(toEncodable);
  return Object.fromEntries(
    Object.entries(value as Record<string, CborValue | undefined>)
      .filter((entry): entry is [string, CborValue] => entry[1] !== undefined)
      .map(([key, member]) => [key, toEncodable(member)]),
  );
};
