import { decode, encode } from 'cborg';
import { type Bytes, equalBytes } from './bytes.ts';
import { err, type Fault, fault, ok, type Result } from './result.ts';

/**
 * Deterministic CBOR (RFC 8949 §4.2.1): one value, one byte string. Decoding accepts bytes from strangers: size
 * and depth are checked before anything is allocated, duplicate keys and every non-canonical form are refused
 * by encoding again and comparing.
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
export const encodeCbor = (value: CborValue): Bytes => new Uint8Array(encode(toEncodable(value)));

export const decodeCbor = (
  bytes: Uint8Array,
  limits: DecodeLimits = defaultDecodeLimits,
): Result<CborValue, Fault<'cbor'>> => {
  if (bytes.byteLength > limits.maxBytes) {
    return err(
      fault('cbor', `message has ${bytes.byteLength} bytes, at most ${limits.maxBytes} are accepted`),
    );
  }
  if (nestingDepth(bytes, limits.maxDepth) > limits.maxDepth) {
    return err(fault('cbor', `message nests deeper than ${limits.maxDepth} levels`));
  }
  try {
    const value = decode(bytes, {
      strict: true,
      allowIndefinite: false,
      allowUndefined: false,
      allowNaN: false,
      allowInfinity: false,
      allowBigInt: false,
      rejectDuplicateMapKeys: true,
    }) as CborValue;
    if (!equalBytes(encode(value), bytes)) return err(fault('cbor', 'message is not in canonical form'));
    return ok(value);
  } catch (cause) {
    return err(
      fault('cbor', `not a CBOR message: ${cause instanceof Error ? cause.message : String(cause)}`),
    );
  }
};

const toEncodable = (value: CborValue): unknown => {
  if (typeof value === 'number' && !Number.isFinite(value)) {
    throw new TypeError(`CBOR messages carry finite numbers, not ${value}`);
  }
  if (value === null || typeof value !== 'object' || value instanceof Uint8Array) return value;
  if (Array.isArray(value)) return value.map(toEncodable);
  return Object.fromEntries(
    Object.entries(value as Record<string, CborValue | undefined>)
      .filter((entry): entry is [string, CborValue] => entry[1] !== undefined)
      .map(([key, member]) => [key, toEncodable(member)]),
  );
};

/** Walks the item heads only (cborg recurses, so a deep message would overflow its stack). Stops past `limit`. */
const nestingDepth = (bytes: Uint8Array, limit: number): number => {
  const remaining: number[] = [];
  let deepest = 0;
  let offset = 0;
  while (offset < bytes.byteLength) {
    const head = bytes[offset] ?? 0;
    const major = head >> 5;
    const info = head & 31;
    const extra = info < 24 ? 0 : info === 24 ? 1 : info === 25 ? 2 : info === 26 ? 4 : info === 27 ? 8 : -1;
    if (extra < 0) return deepest; // indefinite or reserved: cborg refuses it with a better message
    let argument = info < 24 ? info : 0;
    for (let i = 0; i < extra; i++) argument = argument * 256 + (bytes[offset + 1 + i] ?? 0);
    offset += 1 + extra;
    if (major === 2 || major === 3) offset += argument;
    const children = major === 4 ? argument : major === 5 ? argument * 2 : major === 6 ? 1 : 0;
    if (children > 0) {
      remaining.push(children);
      deepest = Math.max(deepest, remaining.length);
      if (deepest > limit) return deepest;
      continue;
    }
    while (remaining.length > 0) {
      const left = (remaining.pop() ?? 0) - 1;
      if (left > 0) {
        remaining.push(left);
        break;
      }
    }
  }
  return deepest;
};
