import type { Bytes } from '../../core/bytes.ts';
import type { CborValue } from '../../core/codec.ts';
import { emptyTableRoot } from './hashing.ts';
import { digestLength, maxKeyBytes, placeOf } from './place.ts';
import { proofOf } from './proof.ts';
import {
  createLeaf,
  findLeaf,
  hashOf,
  type Leaf,
  leavesOf,
  type Node,
  withLeaf,
  withoutLeaf,
} from './trie.ts';
import type { Table, TableProof } from './types.ts';

export const emptyTable = <V extends CborValue>(): Table<V> => new TrieTable<V>(undefined, 0);

/** The last value counts of a key that comes twice. Throws RangeError on a key that `isTableKey` refuses. */
export const tableFromEntries = <V extends CborValue>(entries: Iterable<readonly [string, V]>): Table<V> => {
  let table = emptyTable<V>();
  for (const [key, value] of entries) table = table.set(key, value);
  return table;
};

/** Whether a value is one of the tables made here. */
export const isTable = (value: unknown): value is Table => value instanceof TrieTable;

class TrieTable<V extends CborValue> implements Table<V> {
  readonly size: number;
  readonly #top: Node<V> | undefined;

  constructor(top: Node<V> | undefined, size: number) {
    this.#top = top;
    this.size = size;
  }

  get(key: string): V | undefined {
    return this.#find(key)?.value;
  }

  has(key: string): boolean {
    return this.#find(key) !== undefined;
  }

  set(key: string, value: V): Table<V> {
    const place = placeOfOwn(key);
    const before = findLeaf(this.#top, place, key);
    if (before && Object.is(before.value, value)) return this;
    const leaf = createLeaf(place, key, value);
    const top = this.#top ? withLeaf(this.#top, leaf) : leaf;
    return new TrieTable(top, before ? this.size : this.size + 1);
  }

  delete(key: string): Table<V> {
    const leaf = this.#find(key);
    if (!leaf || !this.#top) return this;
    return new TrieTable(withoutLeaf(this.#top, leaf), this.size - 1);
  }

  *entries(): Generator<readonly [string, V], void> {
    for (const { key, value } of leavesOf(this.#top)) yield [key, value];
  }

  *keys(): Generator<string, void> {
    for (const { key } of leavesOf(this.#top)) yield key;
  }

  root(): Bytes {
    return this.#top ? hashOf(this.#top).slice() : emptyTableRoot.slice();
  }

  prove(key: string): TableProof {
    return proofOf(this.#top, placeOfOwn(key), key);
  }

  #find(key: string): Leaf<V> | undefined {
    // Nearly every key that is there is found so, and spares the check of what its text is.
    const leaf = key.length === digestLength ? findLeaf(this.#top, key, key) : undefined;
    if (leaf) return leaf;
    const place = placeOf(key);
    return place === undefined ? undefined : findLeaf(this.#top, place, key);
  }
}

const placeOfOwn = (key: string): string => {
  const place = placeOf(key);
  if (place === undefined)
    throw new RangeError(
      `a table's key has 1 to ${maxKeyBytes} bytes of well-formed text, not ${JSON.stringify(key.slice(0, 40))} (${key.length} characters)`,
    );
  return place;
};
