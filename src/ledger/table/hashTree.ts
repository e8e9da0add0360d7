import type { Bytes } from '../../core/bytes.ts';
import { type CborValue, encodeCbor } from '../../core/codec.ts';
import { hashDomain, hashIn } from './hashing.ts';
import { isTable } from './table.ts';
import type { Table } from './types.ts';

/** A state: plain objects in one another whose leaves are tables, or CBOR values that are no plain objects. */
export type HashTree = Table | CborValue | { readonly [name: string]: HashTree | undefined };

/** How many objects may be around a leaf. */
export const maxTreeDepth = 24;

/**
 * One hash of a whole state, 32 bytes: of a table its root, of an object the CBOR of { name: child's root }, of any other
 * value its encoding, each in a domain of its own. Members that are undefined count as absent. Tables keep their roots,
 * everything else is hashed on each call. Throws on what is no such tree: the state is ours, so that would be a bug.
 */
export const treeRoot = (tree: HashTree): Bytes => rootAt(tree, 0);

const rootAt = (tree: HashTree, depth: number): Bytes => {
  if (depth > maxTreeDepth) throw new RangeError(`a state nests deeper than ${maxTreeDepth} objects`);
  if (isTable(tree)) return hashIn(hashDomain.treeTable, tree.root());
  if (!isObject(tree)) return hashIn(hashDomain.treeValue, encodeCbor(tree));
  const roots = membersOf(tree).map(([name, member]) => [name, rootAt(member, depth + 1)] as const);
  return hashIn(hashDomain.treeObject, encodeCbor(Object.fromEntries(roots)));
};

/** Not of a table, which `isTable` knows. Throws on Map, Set and other objects that have no encoding. */
export const isObject = (
  tree: Exclude<HashTree, Table>,
): tree is { readonly [name: string]: HashTree | undefined } => {
  if (tree === null || typeof tree !== 'object' || Array.isArray(tree) || tree instanceof Uint8Array)
    return false;
  const prototype: unknown = Object.getPrototypeOf(tree);
  if (prototype !== Object.prototype && prototype !== null)
    throw new TypeError(`a state holds plain objects and tables, not ${tree.constructor?.name}`);
  return true;
};

/** In the order of their names' UTF-16 units, so that one state has one list. */
export const membersOf = (tree: {
  readonly [name: string]: HashTree | undefined;
}): readonly (readonly [string, HashTree])[] =>
  Object.entries(tree)
    .filter((entry): entry is [string, HashTree] => entry[1] !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
