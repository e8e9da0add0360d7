import { utf8 } from '../../core/bytes.ts';
import { sha256Base64url } from '../../core/hash.ts';

/**
 * Where a key stands in the trie: 65 digits of four bits, as base64url text of which each digit is read when it is needed.
 * The 256 bits of a key that is the base64url of 32 bytes are its own; those of any other key are its SHA-256, and a bit
 * after them tells the two kinds apart.
 *
 * Why not always SHA-256: nearly all keys are digests already, and hashing them again would be most of a look-up. Why not
 * the key's own bytes: whoever writes 200 bytes freely could grow a branch of 400 nodes. So a branch has at most 65
 * nodes. Somebody who makes up digests can grow a branch so far, above another's key too, at the price of an entry per
 * node; as such nodes have two children each, all 65 are hashed in about the time of 15 full ones.
 */
export type Place = string;

export const placeDigits = 65;
export const maxKeyBytes = 200;
/** Characters of the base64url of 32 bytes. */
export const digestLength = 43;

/** 1 to 200 bytes of well-formed UTF-8: a lone surrogate would be written like any other one. */
export const isTableKey = (key: string): boolean => isDigestText(key) || isOtherKey(key);

/** Undefined for what is no key. */
export const placeOf = (key: string): Place | undefined => {
  if (isDigestText(key)) return key;
  return isOtherKey(key) ? sha256Base64url(utf8(key)) + otherKeyMark : undefined;
};

/** `depth` counts digits from 0. */
export const digitAt = (place: Place, depth: number): number => {
  const at = ((2 * depth) / 3) | 0;
  const first = bitsAt(place, at);
  switch (depth % 3) {
    case 0:
      return first >> 2;
    case 1:
      return ((first & 3) << 2) | (bitsAt(place, at + 1) >> 4);
    default:
      return first & 15;
  }
};

/** The first digit, from `from` and before `end`, in which two places differ; `end` if there is none. */
export const firstDifference = (one: Place, other: Place, from: number, end: number): number => {
  let depth = from;
  while (depth < end && digitAt(one, depth) === digitAt(other, depth)) depth++;
  return depth;
};

/** The six bits 010000: the upper four are the digit 1, after the two zero bits that end the base64url of 32 bytes. */
const otherKeyMark = 'Q';

const digestText = /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/;
const isDigestText = (key: string): boolean => key.length === digestLength && digestText.test(key);

const isOtherKey = (key: string): boolean =>
  key.length > 0 &&
  key.length <= maxKeyBytes &&
  !/\p{Surrogate}/u.test(key) &&
  utf8(key).byteLength <= maxKeyBytes;

/** By character code. Past the end of a digest's place all bits are 0. */
const bitsAt = (place: Place, at: number): number => bitsByCode[place.charCodeAt(at)] ?? 0;

const bitsByCode = new Uint8Array(128);
for (const [bits, char] of [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'].entries())
  bitsByCode[char.charCodeAt(0)] = bits;
