import { type Bytes, concatBytes, utf8 } from '../../core/bytes.ts';
import { sha256Bytes } from '../../core/hash.ts';

/**
 * The first byte of whatever is hashed here says what it is, so that no node can be passed off as another kind (as
 * RFC 6962 §2.1 does with 0x00 and 0x01, which merkle.ts uses).
 */
export const hashDomain = {
  tableLeaf: 0x10,
  tableInner: 0x11,
  emptyTable: 0x12,
  treeTable: 0x13,
  treeObject: 0x14,
  treeValue: 0x15,
} as const;

export type HashDomain = (typeof hashDomain)[keyof typeof hashDomain];

export const hashSize = 32;

export const hashIn = (domain: HashDomain, ...parts: readonly Uint8Array[]): Bytes =>
  sha256Bytes(concatBytes(Uint8Array.of(domain), ...parts));

/** Length of the key, key, hash of the encoded value: so that a proof of absence need not carry somebody's value. */
export const leafHash = (key: string, valueHash: Uint8Array): Bytes => {
  const keyBytes = utf8(key);
  return hashIn(hashDomain.tableLeaf, Uint8Array.of(keyBytes.byteLength), keyBytes, valueHash);
};

/** Depth, bit set of the digits that have children, their hashes by ascending digit. */
export const innerHash = (depth: number, present: number, childHashes: readonly Uint8Array[]): Bytes => {
  const message = new Uint8Array(4 + childHashes.length * hashSize);
  message.set([hashDomain.tableInner, depth, present >> 8, present & 255]);
  let offset = 4;
  for (const hash of childHashes) {
    message.set(hash, offset);
    offset += hashSize;
  }
  return sha256Bytes(message);
};

export const emptyTableRoot: Bytes = hashIn(hashDomain.emptyTable);

/** How many of 16 bits are set. */
export const countBits = (bits: number): number => {
  let count = bits - ((bits >> 1) & 0x5555);
  count = (count & 0x3333) + ((count >> 2) & 0x3333);
  count = (count + (count >> 4)) & 0x0f0f;
  return (count + (count >> 8)) & 31;
};
