import type { Bytes } from '../../core/bytes.ts';
import { type CborValue, encodeCbor } from '../../core/codec.ts';
import { hashDomain, hashIn } from './hashing.ts';
import { isTable } from './table.ts';
import type { Table } from './types.ts';

/**
 * A state: plain objects in one another whose leaves are tables, or CBOR values that are no plain objects. Nobody changes any
 * of it after its root was asked for: a new state shares what it has in common with the one before.
 */
export type HashTree = Table | CborValue | { readonly [name: string]: HashTree | undefined };

/** How many objects may be around a leaf. */
export const maxTreeDepth = 24;

/**
 * One hash of a whole state, 32 bytes: of a table its root, of an object the CBOR of { name: child's root }, of any other
 * value its encoding, each in a domain of its own. Members that are undefined count as absent. Tables, objects and lists keep
 * their roots, so what two states share is hashed once. Throws on what is no such tree: the state is ours, so that would be a
 * bug.
 */
export const treeRoot = (tree: HashTree): Bytes => rootAt(tree, 0).root.slice();

/** `depth`: of the objects below. */
type Rooted = { readonly root: Bytes; readonly depth: number };

/** By identity, which the rule that nobody changes a state allows: most of one is the same objects epoch after epoch. */
const known = new WeakMap<object, Rooted>();

const rootAt = (tree: HashTree, depth: number): Rooted => {
  if (isTable(tree)) return { root: hashIn(hashDomain.treeTable, tree.root()), depth: 0 };
  const keeps = tree !== null && typeof tree === 'object' && !(tree instanceof Uint8Array);
  const rooted = (keeps && known.get(tree)) || computeRoot(tree, depth);
  if (depth + rooted.depth > maxTreeDepth)
    throw new RangeError(`a state nests deeper than ${maxTreeDepth} objects`);
  if (keeps) known.set(tree, rooted);
  return rooted;
};

const computeRoot = (tree: Exclude<HashTree, Table>, depth: number): Rooted => {
  if (!isObject(tree)) return { root: hashIn(hashDomain.treeValue, encodeCbor(tree)), depth: 0 };
  const members = membersOf(tree).map(([name, member]) => [name, rootAt(member, depth + 1)] as const);
  const roots = Object.fromEntries(members.map(([name, { root }]) => [name, root]));
  return {
    root: hashIn(hashDomain.treeObject, encodeCbor(roots)),
    depth: members.reduce((most, [, below]) => Math.max(most, below.depth + 1), 0),
  };
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
