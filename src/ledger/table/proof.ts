import * as v from 'valibot';
import { type Bytes, concatBytes, equalBytes } from '../../core/bytes.ts';
import type { CborValue } from '../../core/codec.ts';
import { sha256Bytes } from '../../core/hash.ts';
import { countBits, emptyTableRoot, hashSize, innerHash, leafHash } from './hashing.ts';
import { digitAt, isTableKey, maxKeyBytes, type Place, placeDigits, placeOf } from './place.ts';
import { childAt, hashOf, type Node, valueHashOf } from './trie.ts';
import type { TableProof, TableProofStep } from './types.ts';

/** What the steps from the root end at: the key's leaf, another key's leaf, or a digit without child. */
export const proofOf = <V extends CborValue>(
  top: Node<V> | undefined,
  place: Place,
  key: string,
): TableProof => {
  const steps: TableProofStep[] = [];
  let node = top;
  while (node?.kind === 'inner') {
    const { depth, present, children } = node;
    const child = childAt(node, digitAt(place, depth));
    const siblings = concatBytes(...children.filter((one) => one !== child).map(hashOf));
    steps.push({ depth, present, siblings });
    node = child;
  }
  if (!node || node.key === key) return { steps };
  return { steps, other: { key: node.key, valueHash: valueHashOf(node) } };
};

/**
 * Whether the table with this root holds the key with this value (its CBOR encoding), or, for `undefined`, does not hold
 * the key. For a root of a table as this code makes them: a certified one. In such a trie the digits of a key lead to
 * its leaf if there is one, so that whatever else they lead to proves that there is none. The proof may be anything that
 * `tableProofSchema` lets through.
 */
export const verifyTableProof = (
  root: Uint8Array,
  key: string,
  valueBytes: Uint8Array | undefined,
  { steps, other }: TableProof,
): boolean => {
  const place = placeOf(key);
  if (place === undefined || (other && (valueBytes || other.key === key || !isProofEnd(other)))) return false;
  let hash = valueBytes
    ? leafHash(key, sha256Bytes(valueBytes))
    : other && leafHash(other.key, other.valueHash);
  let below = placeDigits;
  for (const step of steps.toReversed()) {
    if (step.depth >= below) return false;
    hash = stepHash(step, digitAt(place, step.depth), hash);
    if (!hash) return false;
    below = step.depth;
  }
  return equalBytes(hash ?? emptyTableRoot, root);
};

const hashSchema = v.pipe(
  v.instance(Uint8Array),
  v.length(hashSize, `a hash has ${hashSize} bytes`),
) as v.GenericSchema<Bytes>;

/** The shape of a proof that came from a stranger, decoded; `verifyTableProof` checks the rest. */
export const tableProofSchema = v.object({
  steps: v.pipe(
    v.array(
      v.object({
        depth: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(placeDigits - 1)),
        present: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(0xffff)),
        siblings: v.pipe(v.instance(Uint8Array<ArrayBuffer>), v.maxLength(16 * hashSize)),
      }),
    ),
    v.maxLength(placeDigits),
  ),
  other: v.exactOptional(
    v.object({ key: v.pipe(v.string(), v.maxLength(maxKeyBytes)), valueHash: hashSchema }),
  ),
});

const isProofEnd = ({ key, valueHash }: NonNullable<TableProof['other']>): boolean =>
  isTableKey(key) && valueHash.byteLength === hashSize;

/** The node's hash, if it can be a node that has such a child at the digit, or none. */
const stepHash = (
  { depth, present, siblings }: TableProofStep,
  digit: number,
  child: Bytes | undefined,
): Bytes | undefined => {
  const children = countBits(present);
  const hasChild = (present & (1 << digit)) !== 0;
  const missing = hasChild ? 1 : 0;
  if (children < 2 || hasChild !== (child !== undefined)) return undefined;
  if (siblings.byteLength !== (children - missing) * hashSize) return undefined;
  const hashes: Uint8Array[] = [];
  for (let i = 0; i < children - missing; i++)
    hashes.push(siblings.subarray(i * hashSize, (i + 1) * hashSize));
  if (child) hashes.splice(countBits(present & ((1 << digit) - 1)), 0, child);
  return innerHash(depth, present, hashes);
};
