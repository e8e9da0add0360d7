import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromBase64url, toBase64url, toHex, utf8 } from '../../core/bytes.ts';
import { encodeCbor } from '../../core/codec.ts';
import { sha256Base64url, sha256Bytes } from '../../core/hash.ts';
import { emptyTable, isTable, isTableKey, type Table, tableFromEntries } from './index.ts';

const seed = 20_260_103;

const digestKey = fc.nat(60).map((n) => sha256Base64url(utf8(`account ${n}`)));
/** Digests that somebody made up so that they share long prefixes. */
const craftedKey = fc.tuple(fc.nat(31), fc.nat(255)).map(([at, byte]) => {
  const bytes = new Uint8Array(32);
  bytes[at] = byte;
  return toBase64url(bytes);
});
const otherKey = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }).filter(isTableKey);
/** A key and the digest that stands for it, which is a key too. */
const twinKey = fc.tuple(fc.nat(5), fc.boolean()).map(([n, digested]) => {
  const name = `twin ${n}`;
  return digested ? sha256Base64url(utf8(name)) : name;
});
const anyKey = fc.oneof(digestKey, craftedKey, otherKey, twinKey);

type Change = readonly [key: string, value: number | undefined];
const changes = fc.array(fc.tuple(anyKey, fc.option(fc.nat(9), { nil: undefined })), { maxLength: 80 });
const applied = (table: Table<number>, [key, value]: Change): Table<number> =>
  value === undefined ? table.delete(key) : table.set(key, value);
const rootHex = (table: Table): string => toHex(table.root());

describe('a table', () => {
  it('holds what a Map would hold, however it came to that, with the same root and order', () => {
    fc.assert(
      fc.property(changes, fc.infiniteStream(fc.nat()), (history, numbers) => {
        const map = new Map<string, number>();
        let table = emptyTable<number>();
        for (const change of history) {
          table = applied(table, change);
          if (change[1] === undefined) map.delete(change[0]);
          else map.set(change[0], change[1]);
          if (map.size % 3 === 0) table.root(); // a hash that is kept must not outlive its contents
        }
        expect(table.size).toBe(map.size);
        expect(new Map(table.entries())).toEqual(map);
        for (const [key] of history) {
          expect(table.get(key)).toBe(map.get(key));
          expect(table.has(key)).toBe(map.has(key));
        }
        const shuffled = [...map]
          .map((entry) => ({ entry, at: numbers.next().value ?? 0 }))
          .sort((a, b) => a.at - b.at)
          .map(({ entry }) => entry);
        const fresh = tableFromEntries(shuffled);
        expect(rootHex(fresh)).toBe(rootHex(table));
        expect([...fresh.entries()]).toEqual([...table.entries()]);
        expect([...fresh.keys()]).toEqual([...table.entries()].map(([key]) => key));
      }),
      { seed, numRuns: 300 },
    );
  });

  it('stays as it was when another is made of it', () => {
    fc.assert(
      fc.property(changes, changes, (before, after) => {
        const table = before.reduce(applied, emptyTable<number>());
        const entries = [...table.entries()];
        const root = rootHex(table);
        after.reduce(applied, table);
        expect([...table.entries()]).toEqual(entries);
        expect(rootHex(table)).toBe(root);
        expect(rootHex(tableFromEntries(entries))).toBe(root);
      }),
      { seed, numRuns: 200 },
    );
  });

  it('has another root for other contents', () => {
    const roots = new Map<string, string>();
    fc.assert(
      fc.property(changes, (history) => {
        const table = history.reduce(applied, emptyTable<number>());
        const contents = JSON.stringify([...table.entries()]);
        const known = roots.get(rootHex(table));
        if (known !== undefined) expect(known).toBe(contents);
        roots.set(rootHex(table), contents);
      }),
      { seed, numRuns: 200 },
    );
    expect(new Set(roots.values()).size).toBe(roots.size);
  });

  it('lists digests by their bytes', () => {
    const keys = Array.from({ length: 300 }, (_, n) => sha256Base64url(utf8(`key ${n}`)));
    const byBytes = keys.toSorted((a, b) => Buffer.compare(fromBase64url(a)!, fromBase64url(b)!));
    expect([...tableFromEntries(keys.map((key) => [key, 1])).keys()]).toEqual(byBytes);
  });

  it('is the same object when nothing changes', () => {
    const table = emptyTable<number>().set('a', 1);
    expect(table.set('a', 1)).toBe(table);
    expect(table.delete('b')).toBe(table);
  });

  it('tells a key from the digest that stands for it', () => {
    const digest = sha256Base64url(utf8('name'));
    const both = emptyTable<number>().set('name', 1).set(digest, 2);
    expect([both.get('name'), both.get(digest), both.size]).toEqual([1, 2, 2]);
    expect([...both.keys()]).toEqual([digest, 'name']);
    expect(both.delete(digest).get('name')).toBe(1);
    expect(rootHex(both.delete(digest))).not.toBe(rootHex(emptyTable<number>().set(digest, 1)));
  });

  it('has roots that no change of code may change', () => {
    expect(rootHex(emptyTable())).toBe(toHex(sha256Bytes(Uint8Array.of(0x12))));
    const value = { balance: 5 };
    const leaf = Uint8Array.of(0x10, 1, 0x61, ...sha256Bytes(encodeCbor(value)));
    expect(rootHex(emptyTable().set('a', value))).toBe(toHex(sha256Bytes(leaf)));
    const many = tableFromEntries(Array.from({ length: 100 }, (_, n) => [`key ${n}`, n]));
    expect(rootHex(many)).toBe('623dcc81192812024b7638bc550af5fc93d776dee31deb84919deeed5e0d0a33');
  });

  it('gives its root away as a copy', () => {
    const table = emptyTable<number>().set('a', 1);
    table.root().fill(0);
    emptyTable().root().fill(0);
    expect(rootHex(table)).toBe(rootHex(emptyTable<number>().set('a', 1)));
    expect(rootHex(emptyTable())).toBe(toHex(sha256Bytes(Uint8Array.of(0x12))));
  });

  it('grows no deeper than 65 nodes, whatever digests somebody makes up', () => {
    const target = new Uint8Array(32).fill(0xa5);
    const name = toBase64url(target);
    let table = emptyTable<number>().set(name, 0);
    for (let digit = 0; digit < 64; digit++) {
      const beside = target.slice();
      beside[digit >> 1] = (beside[digit >> 1] ?? 0) ^ (digit % 2 === 0 ? 0x10 : 0x01);
      table = table.set(toBase64url(beside), digit);
    }
    expect(table.size).toBe(65);
    expect(table.prove(name).steps).toHaveLength(64);
    expect([...table.keys()]).toHaveLength(65);
    expect(rootHex([...table.keys()].reduce((rest, key) => rest.delete(key), table))).toBe(
      rootHex(emptyTable()),
    );
  });

  it('holds many entries', () => {
    const keys = Array.from({ length: 20_000 }, (_, n) => sha256Base64url(utf8(`many ${n}`)));
    const table = tableFromEntries(keys.map((key, n) => [key, n]));
    expect(table.size).toBe(keys.length);
    let sum = 0;
    for (const [, value] of table.entries()) sum += value;
    expect(sum).toBe((keys.length * (keys.length - 1)) / 2);
    expect(keys.reduce((rest, key) => rest.delete(key), table).size).toBe(0);
  });

  it.each([
    ['', false],
    ['a', true],
    ['a'.repeat(200), true],
    ['a'.repeat(201), false],
    ['é'.repeat(100), true],
    ['é'.repeat(101), false],
    ['\ud800', false],
    ['\ud83d\ude00', true],
    // 43 characters, but bits after the 32 bytes: a text like any other.
    [`${'A'.repeat(42)}B`, true],
  ])('takes the key "%.10s": %s', (key, valid) => {
    const table = emptyTable<number>();
    expect(isTableKey(key)).toBe(valid);
    expect(table.get(key)).toBeUndefined();
    expect(table.delete(key)).toBe(table);
    if (valid) expect(table.set(key, 1).get(key)).toBe(1);
    else expect(() => table.set(key, 1)).toThrow(RangeError);
    if (!valid) expect(() => table.prove(key)).toThrow(RangeError);
  });

  it('is told from what merely looks like one', () => {
    expect(isTable(emptyTable())).toBe(true);
    expect(isTable({ size: 0, root: () => new Uint8Array(32) })).toBe(false);
  });
});
