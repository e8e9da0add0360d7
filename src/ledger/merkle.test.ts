import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concatBytes, toHex } from '../core/bytes.ts';
import { merklePath, merkleRoot, verifyMerklePath } from './merkle.ts';

const seed = 20_260_102;
const bytesOf = (hex: string) => Uint8Array.from(Buffer.from(hex, 'hex'));

// The test tree of the Certificate Transparency reference implementation (RFC 6962).
const published = [
  '',
  '00',
  '10',
  '2021',
  '3031',
  '40414243',
  '5051525354555657',
  '606162636465666768696a6b6c6d6e6f',
].map(bytesOf);
const publishedRoots = [
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];

const leafLists = fc.array(
  fc.uint8Array({ maxLength: 5 }).map((bytes) => new Uint8Array(bytes)),
  { minLength: 1, maxLength: 40 },
);

describe('a Merkle tree', () => {
  it.each([...publishedRoots.entries()])('of the first %d published leaves has root %s', (size, root) => {
    expect(toHex(merkleRoot(published.slice(0, size)))).toBe(root);
  });

  it.each([
    [0, 1, []],
    [
      0,
      8,
      [
        '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7',
        '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
        '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4',
      ],
    ],
    [
      5,
      8,
      [
        'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
        'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
        'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
      ],
    ],
    [2, 3, ['fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125']],
    [
      1,
      5,
      [
        '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
        '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
        'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
      ],
    ],
  ])('has the published path of leaf %d of %d', (index, size, path) => {
    expect(merklePath(published.slice(0, size), index).map(toHex)).toEqual(path);
  });

  it('proves each leaf in its place and in no other', () => {
    fc.assert(
      fc.property(leafLists, fc.nat(), fc.nat(), (leaves, one, other) => {
        const size = leaves.length;
        const [index, elsewhere] = [one % size, other % size];
        const root = merkleRoot(leaves);
        const path = merklePath(leaves, index);
        const leaf = leaves[index]!;
        expect(verifyMerklePath(root, leaf, index, size, path)).toBe(true);
        if (elsewhere !== index)
          expect(verifyMerklePath(root, leaf, elsewhere, size, path)).toBe(
            toHex(concatBytes(...merklePath(leaves, elsewhere), leaves[elsewhere]!)) ===
              toHex(concatBytes(...path, leaf)),
          );
        expect(verifyMerklePath(root, concatBytes(leaf, Uint8Array.of(0)), index, size, path)).toBe(false);
        expect(verifyMerklePath(root, leaf, index, size, [...path, root])).toBe(false);
        if (path.length > 0) expect(verifyMerklePath(root, leaf, index, size, path.slice(1))).toBe(false);
      }),
      { seed, numRuns: 300 },
    );
  });

  it('does not take a node for a leaf', () => {
    const [left, right] = [published.slice(0, 4), published.slice(4, 8)].map(merkleRoot);
    const node = concatBytes(left!, right!);
    expect(verifyMerklePath(merkleRoot(published), node, 0, 1, [])).toBe(false);
    expect(toHex(merkleRoot([node]))).not.toBe(publishedRoots[8]);
  });

  it.each([
    [-1, 8],
    [8, 8],
    [0, 0],
    [0.5, 8],
    [0, Number.NaN],
    [0, Number.POSITIVE_INFINITY],
    [0, 2 ** 53],
  ])('proves nothing of leaf %d of %d', (index, size) => {
    const path = merklePath(published, 0);
    expect(verifyMerklePath(merkleRoot(published), published[0]!, index, size, path)).toBe(false);
  });

  it('takes no hashes of another length', () => {
    const path = merklePath(published, 0).map((hash) => concatBytes(hash, Uint8Array.of(0)));
    expect(verifyMerklePath(merkleRoot(published), published[0]!, 0, 8, path)).toBe(false);
  });

  it('has no path of a leaf that it lacks', () => {
    expect(() => merklePath(published, 8)).toThrow(RangeError);
  });
});
