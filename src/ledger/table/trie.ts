import type { Bytes } from '../../core/bytes.ts';
import { type CborValue, encodeCbor } from '../../core/codec.ts';
import { sha256Bytes } from '../../core/hash.ts';
import { countBits, innerHash, leafHash } from './hashing.ts';
import { digitAt, firstDifference, type Place, placeDigits } from './place.ts';

/**
 * A path-compressed trie with 16 branches over the digits of places: an inner node stands only where two keys part, so
 * that the set of keys alone decides its shape. Nodes are never changed, but for the hash that is kept in them.
 */
export type Node<V extends CborValue> = Leaf<V> | Inner<V>;

export type Leaf<V extends CborValue> = {
  readonly kind: 'leaf';
  readonly place: Place;
  readonly key: string;
  readonly value: V;
  hash: Bytes | undefined;
};

export type Inner<V extends CborValue> = {
  readonly kind: 'inner';
  /** Some place below it, maybe of a key that is gone: all places below share its digits before `depth`. */
  readonly place: Place;
  /** The digit it branches on. */
  readonly depth: number;
  /** Bit d: there is a child for digit d. At least two. */
  readonly present: number;
  /** By ascending digit. */
  readonly children: readonly Node<V>[];
  hash: Bytes | undefined;
};

export const createLeaf = <V extends CborValue>(place: Place, key: string, value: V): Leaf<V> => ({
  kind: 'leaf',
  place,
  key,
  value,
  hash: undefined,
});

export const findLeaf = <V extends CborValue>(
  top: Node<V> | undefined,
  place: Place,
  key: string,
): Leaf<V> | undefined => {
  let node = top;
  while (node?.kind === 'inner') node = childAt(node, digitAt(place, node.depth));
  return node?.key === key ? node : undefined;
};

/** The child for a digit. */
export const childAt = <V extends CborValue>(node: Inner<V>, digit: number): Node<V> | undefined =>
  node.present & (1 << digit) ? node.children[indexOf(node, digit)] : undefined;

/** `from`: the first digit that the nodes above have not looked at. */
export const withLeaf = <V extends CborValue>(node: Node<V>, leaf: Leaf<V>, from = 0): Node<V> => {
  if (node.kind === 'leaf' && node.key === leaf.key) return leaf;
  const end = node.kind === 'leaf' ? placeDigits : node.depth;
  const depth = firstDifference(node.place, leaf.place, from, end);
  if (depth < end) return forkOf(node, leaf, depth);
  if (node.kind === 'leaf') throw new Error(`SHA-256 collision of the keys ${node.key} and ${leaf.key}`);
  const digit = digitAt(leaf.place, node.depth);
  const index = indexOf(node, digit);
  const child = childAt(node, digit);
  if (child) return innerOf(node, node.children.with(index, withLeaf(child, leaf, node.depth + 1)));
  return innerOf(node, node.children.toSpliced(index, 0, leaf), node.present | (1 << digit));
};

/** Only for a leaf that is there. A node with one child left gives way to it. */
export const withoutLeaf = <V extends CborValue>(node: Node<V>, leaf: Leaf<V>): Node<V> | undefined => {
  if (node.kind === 'leaf') return undefined;
  const digit = digitAt(leaf.place, node.depth);
  const index = indexOf(node, digit);
  const child = childAt(node, digit);
  const rest = child && withoutLeaf(child, leaf);
  if (rest) return innerOf(node, node.children.with(index, rest));
  const children = node.children.toSpliced(index, 1);
  return children.length === 1 ? children[0] : innerOf(node, children, node.present & ~(1 << digit));
};

/** By ascending place. Keeps its own stack of at most 15 nodes per level. */
export function* leavesOf<V extends CborValue>(top: Node<V> | undefined): Generator<Leaf<V>, void> {
  const waiting = top ? [top] : [];
  for (let node = waiting.pop(); node; node = waiting.pop()) {
    if (node.kind === 'leaf') yield node;
    else waiting.push(...node.children.toReversed());
  }
}

export const hashOf = <V extends CborValue>(node: Node<V>): Bytes => {
  node.hash ??=
    node.kind === 'leaf'
      ? leafHash(node.key, valueHashOf(node))
      : innerHash(node.depth, node.present, node.children.map(hashOf));
  return node.hash;
};

export const valueHashOf = ({ value }: Leaf<CborValue>): Bytes => sha256Bytes(encodeCbor(value));

/** Where the child for a digit stands among the children, or would stand. */
const indexOf = ({ present }: Inner<CborValue>, digit: number): number =>
  countBits(present & ((1 << digit) - 1));

const innerOf = <V extends CborValue>(
  { place, depth, present: before }: Inner<V>,
  children: readonly Node<V>[],
  present = before,
): Inner<V> => ({ kind: 'inner', place, depth, present, children, hash: undefined });

const forkOf = <V extends CborValue>(node: Node<V>, leaf: Leaf<V>, depth: number): Inner<V> => {
  const nodeDigit = digitAt(node.place, depth);
  const leafDigit = digitAt(leaf.place, depth);
  return {
    kind: 'inner',
    place: leaf.place,
    depth,
    present: (1 << nodeDigit) | (1 << leafDigit),
    children: nodeDigit < leafDigit ? [node, leaf] : [leaf, node],
    hash: undefined,
  };
};
