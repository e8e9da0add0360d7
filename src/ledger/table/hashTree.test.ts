import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toHex } from '../../core/bytes.ts';
import { type HashTree, isTable, type Table, tableFromEntries, treeRoot } from './index.ts';

const seed = 20_260_207;

const names = ['a', 'b', 'c', '__proto__', 'toString'];
const leaf: fc.Arbitrary<HashTree> = fc.oneof(
  fc.integer(),
  fc.string({ maxLength: 5 }),
  fc.constant(null),
  fc.uint8Array({ maxLength: 4 }),
  fc.array(fc.record({ n: fc.nat(9) }), { maxLength: 3 }),
  fc.array(fc.tuple(fc.constantFrom('k', 'l', 'm'), fc.nat(9)), { maxLength: 3 }).map(tableFromEntries),
);
const { tree } = fc.letrec<{ tree: HashTree }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    leaf,
    fc.array(fc.tuple(fc.constantFrom(...names), tie('tree')), { maxLength: 4 }).map(Object.fromEntries),
  ),
}));
type Members = { readonly [name: string]: HashTree | undefined };

const isMembers = (value: HashTree): value is Members =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  !(value instanceof Uint8Array) &&
  !isTable(value);

/** Puts something where a path of names leads, and shares all else with the tree before. */
const changed = (before: HashTree, [name, ...rest]: readonly string[], value: HashTree): HashTree => {
  if (name === undefined) return value;
  const members = isMembers(before) ? before : {};
  const inside = changed(Object.hasOwn(members, name) ? (members[name] ?? null) : null, rest, value);
  return Object.fromEntries([...Object.entries(members), [name, inside]]);
};

/** Equal, and of new objects all through, so that no root is known of any. */
const copyOf = (value: HashTree): HashTree => {
  if (isTable(value)) return tableFromEntries([...value.entries()].map(([key, one]) => [key, one])) as Table;
  if (isMembers(value))
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, copyOf(one ?? null)]));
  return structuredClone(value) as HashTree;
};

const rootHex = (value: HashTree): string => toHex(treeRoot(value));

describe('the root of a state', () => {
  it('that is partly known from states before is the one it has when computed anew', () => {
    const change = fc.tuple(fc.array(fc.constantFrom(...names), { maxLength: 5 }), tree);
    fc.assert(
      fc.property(tree, fc.array(change, { maxLength: 12 }), (first, changes) => {
        let state = first;
        for (const [path, value] of changes) {
          expect(rootHex(state)).toBe(rootHex(copyOf(state)));
          state = changed(state, path, value);
        }
        expect(rootHex(state)).toBe(rootHex(copyOf(state)));
      }),
      { seed, numRuns: 300 },
    );
  });

  it('is given away as a copy', () => {
    const state = { a: { b: 1 } };
    const before = rootHex(state);
    treeRoot(state).fill(0);
    treeRoot(state.a).fill(0);
    expect(rootHex(state)).toBe(before);
  });

  it('counts objects in one another, whether their root was known or not', () => {
    let inner: HashTree = 1;
    for (let depth = 0; depth < 24; depth++) inner = { inner };
    expect(treeRoot(inner)).toHaveLength(32);
    expect(() => treeRoot({ inner })).toThrow('deeper than 24');
    expect(() => treeRoot({ inner })).toThrow('deeper than 24');
  });
});
