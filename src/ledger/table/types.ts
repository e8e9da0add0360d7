import type { Bytes } from '../../core/bytes.ts';
import type { CborValue } from '../../core/codec.ts';

/**
 * A persistent, authenticated map. Every change gives another table that shares all it can with the one before, which
 * stays as it was. Two tables with the same entries have the same root and the same order, whatever their histories.
 *
 * Keys are texts that `isTableKey` accepts. Values are plain CBOR values that nobody changes after they were set: they
 * are encoded only when a root or a proof is asked for, and an encoding that fails (NaN) throws then.
 */
export interface Table<V extends CborValue = CborValue> {
  readonly size: number;
  get(key: string): V | undefined;
  has(key: string): boolean;
  /** Throws RangeError on a key that `isTableKey` refuses: check strangers' keys where they come in. */
  set(key: string, value: V): Table<V>;
  /** The same table if there is no such key. */
  delete(key: string): Table<V>;
  /** Ascending by the 32 bytes that stand for a key (place.ts): an order that depends on the keys only. */
  entries(): Iterable<readonly [string, V]>;
  /** In the order of `entries`. */
  keys(): Iterable<string>;
  /** SHA-256, 32 bytes, kept once computed: after a change only the nodes on its path are hashed again. */
  root(): Bytes;
  /** That the key has its value, or that there is no such key: for `verifyTableProof`. */
  prove(key: string): TableProof;
}

/** What leads from the root to a key's place. Plain CBOR, at most 65 steps. */
export type TableProof = {
  /** From the root down. */
  readonly steps: readonly TableProofStep[];
  /** The one entry that is where an absent key would be, unless that place is empty. */
  readonly other?: { readonly key: string; readonly valueHash: Bytes };
};

export type TableProofStep = {
  /** Which digit of the key's path the node branches on. */
  readonly depth: number;
  /** Bit d: there is a child for digit d. */
  readonly present: number;
  /** The hashes of its children but the one on the path, 32 bytes each, by ascending digit. */
  readonly siblings: Bytes;
};
