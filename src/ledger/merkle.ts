import { type Bytes, concatBytes, equalBytes } from '../core/bytes.ts';
import { sha256Bytes } from '../core/hash.ts';

/**
 * The Merkle tree of RFC 6962 §2.1 over a list of byte strings, for lists that fit in memory. A leaf's hash begins with
 * 0x00 and a node's with 0x01, so that neither passes for the other.
 */
export const merkleRoot = (leaves: readonly Uint8Array[]): Bytes =>
  levelsOf(leaves).at(-1)?.[0] ?? emptyRoot();

/** The hashes beside the way from a leaf up to the root, lowest first (§2.1.1). Throws RangeError if there is no such leaf. */
export const merklePath = (leaves: readonly Uint8Array[], index: number): readonly Bytes[] => {
  if (!isIndexIn(index, leaves.length))
    throw new RangeError(`there is no leaf ${index} among ${leaves.length}`);
  const path: Bytes[] = [];
  let at = index;
  for (const level of levelsOf(leaves)) {
    const beside = level[at ^ 1];
    if (beside) path.push(beside);
    at >>>= 1;
  }
  return path;
};

/**
 * Whether the leaf is number `index` of the `size` leaves with this root (RFC 9162 §2.1.3.2). Accepts anything from
 * strangers; `size` itself is not proven, so it must come with the root from where the root comes from.
 */
export const verifyMerklePath = (
  root: Uint8Array,
  leaf: Uint8Array,
  index: number,
  size: number,
  path: readonly Uint8Array[],
): boolean => {
  if (!isIndexIn(index, size)) return false;
  let hash = leafHash(leaf);
  let at = index;
  let last = size - 1;
  let used = 0;
  for (; last > 0; at >>>= 1, last >>>= 1) {
    // The last of an odd number of nodes goes up as it is.
    if (at === last && at % 2 === 0) continue;
    const beside = path[used++];
    if (beside?.byteLength !== hash.byteLength) return false;
    hash = at % 2 === 0 ? nodeHash(hash, beside) : nodeHash(beside, hash);
  }
  return used === path.length && equalBytes(hash, root);
};

/** More leaves than any list can have, and what bit shifts can count. */
const maxLeaves = 2 ** 31;

const isIndexIn = (index: number, size: number): boolean =>
  Number.isInteger(index) && Number.isInteger(size) && 0 <= index && index < size && size <= maxLeaves;

/**
 * From the leaves up to the root. Pairing neighbours and taking a single last one up as it is gives the tree of the RFC,
 * which parts a list at the largest power of two below its length.
 */
const levelsOf = (leaves: readonly Uint8Array[]): readonly (readonly Bytes[])[] => {
  const levels: (readonly Bytes[])[] = [];
  for (let level: readonly Bytes[] = leaves.map(leafHash); level.length > 0; level = levelAbove(level)) {
    levels.push(level);
    if (level.length === 1) break;
  }
  return levels;
};

const levelAbove = (level: readonly Bytes[]): readonly Bytes[] => {
  const above: Bytes[] = [];
  for (const [i, left] of level.entries()) {
    if (i % 2 === 1) continue;
    const right = level[i + 1];
    above.push(right ? nodeHash(left, right) : left);
  }
  return above;
};

const emptyRoot = (): Bytes => sha256Bytes(new Uint8Array());
const leafHash = (leaf: Uint8Array): Bytes => sha256Bytes(concatBytes(Uint8Array.of(0x00), leaf));
const nodeHash = (left: Uint8Array, right: Uint8Array): Bytes =>
  sha256Bytes(concatBytes(Uint8Array.of(0x01), left, right));
