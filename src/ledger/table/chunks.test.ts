import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toHex } from '../../core/bytes.ts';
import { type CborValue, decodeCbor, encodeCbor } from '../../core/codec.ts';
import { sha256Bytes } from '../../core/hash.ts';
import { unwrap } from '../../core/result.ts';
import {
  defaultChunkBytes,
  emptyTable,
  type HashTree,
  isTable,
  tableFromEntries,
  treeFromChunks,
  treeRoot,
  treeToChunks,
} from './index.ts';

const seed = 20_260_105;

const leaf: fc.Arbitrary<CborValue> = fc.oneof(
  fc.constantFrom<CborValue>(null, true, '', []),
  fc.maxSafeInteger(),
  fc.string({ maxLength: 6 }),
  fc.uint8Array({ maxLength: 9 }).map((bytes) => new Uint8Array(bytes)),
  fc.array(fc.nat(), { maxLength: 4 }),
  fc.constantFrom<CborValue>([{ nested: { as: 'a leaf' } }], 'long'.repeat(40)),
);
const tableKey = fc.string({ minLength: 1, maxLength: 9 });
const table = fc
  .array(fc.tuple(tableKey, fc.oneof(leaf, fc.record({ balance: fc.nat() }))), { maxLength: 12 })
  .map((entries): HashTree => tableFromEntries<CborValue>(entries));
const { tree: anyTree } = fc.letrec<{ tree: HashTree }>((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small' },
    leaf,
    table,
    fc.dictionary(fc.oneof(fc.string({ maxLength: 5 }), fc.constant('__proto__')), tie('tree'), {
      maxKeys: 4,
      noNullPrototype: true,
    }),
  ),
}));

const rootHex = (tree: HashTree): string => toHex(treeRoot(tree));
const accounts = tableFromEntries(
  Array.from({ length: 200 }, (_, n) => [`account ${n}`, { balance: n, key: new Uint8Array(8).fill(n) }]),
);
const state: HashTree = { accounts, params: { rate: 10, list: [1, 2] }, names: emptyTable() };
const pieces = unwrap(treeToChunks(state, 512));

const chunk = (records: CborValue, index = 0, count = 1) =>
  encodeCbor({ format: 'vc1.snapshot', index, count, records });
const refusalOf = (...chunks: readonly Uint8Array[]): string => {
  const read = treeFromChunks(chunks);
  return read.ok ? 'accepted' : read.error.message;
};

describe('the root of a state', () => {
  it('is that of its members by their names, whatever their order', () => {
    expect(rootHex({ b: 1, a: accounts })).toBe(rootHex({ a: accounts, b: 1 }));
    expect(rootHex({ a: 1, b: undefined })).toBe(rootHex({ a: 1 }));
  });

  it('is hashed as documented', () => {
    const hash = (...bytes: readonly number[]) => sha256Bytes(Uint8Array.from(bytes));
    expect(treeRoot(emptyTable())).toEqual(hash(0x13, ...emptyTable().root()));
    expect(treeRoot(1)).toEqual(hash(0x15, 0x01));
    expect(treeRoot({ a: 1 })).toEqual(hash(0x14, ...encodeCbor({ a: hash(0x15, 0x01) })));
  });

  it('tells apart what looks alike', () => {
    const alike: HashTree[] = [
      {},
      [],
      null,
      '',
      emptyTable(),
      emptyTable().root(),
      { a: 1 },
      emptyTable().set('a', 1),
      [{ a: 1 }],
      { a: treeRoot(1) },
      { a: { a: 1 } },
      encodeCbor({ a: 1 }),
    ];
    expect(new Set(alike.map(rootHex)).size).toBe(alike.length);
  });

  it('changes with every entry', () => {
    expect(
      rootHex({ ...state, accounts: accounts.set('account 7', { balance: 8, key: new Uint8Array() }) }),
    ).not.toBe(rootHex(state));
  });

  it('is refused of what has no encoding', () => {
    const nested = (depth: number): HashTree => (depth === 0 ? 1 : { deeper: nested(depth - 1) });
    expect(() => treeRoot(new Map() as unknown as HashTree)).toThrow('not Map');
    expect(() => treeRoot(nested(25))).toThrow('deeper than 24');
    expect(() => treeToChunks(nested(25))).toThrow('deeper than 24');
    expect(rootHex(unwrap(treeFromChunks(unwrap(treeToChunks(nested(24))))))).toBe(rootHex(nested(24)));
  });
});

describe('a state in chunks', () => {
  it('comes back with the same root, from chunks no longer than allowed', () => {
    fc.assert(
      fc.property(anyTree, fc.integer({ min: 300, max: 600 }), (tree, maxBytes) => {
        const chunks = unwrap(treeToChunks(tree, maxBytes));
        for (const { byteLength } of chunks) expect(byteLength).toBeLessThanOrEqual(maxBytes);
        expect(rootHex(unwrap(treeFromChunks(chunks, maxBytes)))).toBe(rootHex(tree));
      }),
      { seed, numRuns: 300 },
    );
  });

  it('is the same list of bytes for the same state', () => {
    const backwards = { names: emptyTable(), params: { list: [1, 2], rate: 10 }, accounts };
    expect(unwrap(treeToChunks(backwards, 512)).map(toHex)).toEqual(pieces.map(toHex));
    for (const { byteLength } of pieces) expect(byteLength).toBeLessThanOrEqual(512);
  });

  it('comes back as tables that can be read and changed', () => {
    const read = unwrap(treeFromChunks(pieces, 512)) as { accounts: HashTree };
    if (!isTable(read.accounts)) throw new Error('no table');
    expect(read.accounts.get('account 7')).toEqual({ balance: 7, key: new Uint8Array(8).fill(7) });
    expect(rootHex({ ...read, accounts: read.accounts.delete('account 7') })).toBe(
      rootHex({ ...state, accounts: accounts.delete('account 7') }),
    );
  });

  it('keeps nothing of the bytes it was read from', () => {
    const given = pieces.map((piece) => piece.slice());
    const read = unwrap(treeFromChunks(given, 512));
    for (const piece of given) piece.fill(0);
    expect(rootHex(read)).toBe(rootHex(state));
  });

  it('is refused with a chunk missing, repeated, moved or too long', () => {
    expect(pieces.length).toBeGreaterThan(10);
    expect(refusalOf()).toContain('no chunk');
    expect(refusalOf(...pieces.slice(0, -1))).toContain('give all chunks');
    expect(refusalOf(...pieces.toSpliced(3, 1))).toContain('give all chunks');
    expect(refusalOf(...pieces.toSpliced(3, 0, pieces[3]!))).toContain('give all chunks');
    expect(refusalOf(...pieces.with(3, pieces[4]!))).toContain('stands in place 3');
    expect(refusalOf(new Uint8Array(defaultChunkBytes + 1))).toContain('at most 262144');
  });

  it.each<[string, CborValue, string]>([
    ['nothing', [], 'no chunk that tells anything'],
    ['no list', 5, 'no list'],
    ['a record that is no list', [5], 'a record is no list'],
    ['an unknown kind', [[4, []]], 'no known kind'],
    ['a record too long', [[0, [], 1]], 'has 3 members'],
    ['a record too short', [[1, []]], 'has 2 members'],
    ['an empty record', [[]], 'has 0 members'],
    [
      'two roots',
      [
        [0, []],
        [0, []],
      ],
      'the root is told twice',
    ],
    [
      'a member twice',
      [
        [0, []],
        [1, ['a'], 1],
        [1, ['a'], 1],
      ],
      'a member is told twice',
    ],
    ['a member of nothing', [[1, ['a'], 1]], 'before its object'],
    [
      'a member of a value',
      [
        [1, [], 1],
        [1, ['a'], 1],
      ],
      'before its object',
    ],
    [
      'a member of a prototype',
      [
        [0, []],
        [1, ['__proto__', 'a'], 1],
      ],
      'before its object',
    ],
    ['an object as a value', [[1, [], { a: 1 }]], 'an object is told as a value'],
    [
      'a path of numbers',
      [
        [0, []],
        [1, [1], 1],
      ],
      'a path is no list',
    ],
    ['a path too long', [[0, Array(25).fill('a')]], 'at most 24 names'],
    [
      'an entry without table',
      [
        [0, []],
        [3, 'a', 1],
      ],
      'does not follow its table',
    ],
    [
      'an entry after another node',
      [
        [0, []],
        [2, ['t']],
        [1, ['v'], 1],
        [3, 'a', 1],
      ],
      'does not follow',
    ],
    [
      'an entry twice',
      [
        [2, []],
        [3, 'a', 1],
        [3, 'a', 1],
      ],
      'the key a comes twice',
    ],
    [
      'an empty key',
      [
        [2, []],
        [3, '', 1],
      ],
      'no valid key',
    ],
    [
      'a key that is no text',
      [
        [2, []],
        [3, 7, 1],
      ],
      'no valid key',
    ],
  ])('is refused with %s', (_, records, words) => {
    expect(refusalOf(chunk(records))).toContain(words);
  });

  it('is refused in another format', () => {
    expect(refusalOf(encodeCbor({ format: 'vc2', index: 0, count: 1, records: [[0, []]] }))).toContain(
      'format',
    );
    expect(refusalOf(encodeCbor(5))).toContain('chunk 0 of 1');
    expect(refusalOf(chunk([[0, []]], -1))).toContain('index');
  });

  it('is read or refused, never more, whatever one byte becomes', () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(), fc.integer({ min: 1, max: 255 }), (which, at, flip) => {
        const index = which % pieces.length;
        const bent = pieces[index]!.slice();
        bent[at % bent.length] = (bent[at % bent.length] ?? 0) ^ flip;
        const read = treeFromChunks(pieces.with(index, bent), 512);
        if (read.ok) expect(rootHex(read.value)).not.toBe(rootHex(state));
        else expect(read.error.message).not.toBe('');
      }),
      { seed, numRuns: 200 },
    );
  });

  it('is refused when its root would nest too deep to be hashed', () => {
    const records = Array.from({ length: 26 }, (_, depth) => [0, Array(depth).fill('a')]);
    expect(refusalOf(chunk(records))).toContain('at most 24 names');
  });

  it('is not made of a value too long for a chunk', () => {
    const made = treeToChunks({ long: 'x'.repeat(500) }, 512);
    expect(made).toMatchObject({
      ok: false,
      error: { message: expect.stringContaining('has room for 440') },
    });
  });

  it('holds values as deep as messages may be', () => {
    let deep: CborValue = 1;
    for (let i = 0; i < 24; i++) deep = [deep];
    expect(decodeCbor(encodeCbor(deep)).ok).toBe(true);
    const tree = { t: tableFromEntries([['a', deep]]) };
    expect(rootHex(unwrap(treeFromChunks(unwrap(treeToChunks(tree)))))).toBe(rootHex(tree));
  });
});
