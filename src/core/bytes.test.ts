import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concatBytes, equalBytes, fromBase64url, toBase64url, toHex, utf8 } from './bytes.ts';
import { sha256Hex } from './hash.ts';

const anyBytes = fc.uint8Array({ maxLength: 100 });

describe('base64url', () => {
  it('gives back every byte string, and agrees with Node', () => {
    fc.assert(
      fc.property(anyBytes, (bytes) => {
        const text = toBase64url(bytes);
        expect(text).toBe(Buffer.from(bytes).toString('base64url'));
        expect(fromBase64url(text)).toEqual(new Uint8Array(bytes));
      }),
    );
  });

  it('has one text per byte string: whatever it reads, it would write the same', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 12 }), (text) => {
        const bytes = fromBase64url(text);
        if (bytes) expect(toBase64url(bytes)).toBe(text);
      }),
    );
  });

  it.each([
    ['a length that no bytes have', 'AAAAA'],
    ['padding', 'AA=='],
    ['the other alphabet', '+/+/'],
    ['spaces', 'AA AA'],
    ['bits beyond the last byte', 'AB'],
    ['letters outside ASCII', 'ÄÄÄÄ'],
  ])('refuses %s', (_what, text) => {
    expect(fromBase64url(text)).toBeUndefined();
  });
});

describe('bytes', () => {
  it('are equal when all of them are', () => {
    fc.assert(
      fc.property(anyBytes, anyBytes, (a, b) => {
        expect(equalBytes(a, b)).toBe(toHex(a) === toHex(b));
        expect(equalBytes(a, new Uint8Array(a))).toBe(true);
      }),
    );
  });

  it('join in order', () => {
    fc.assert(
      fc.property(fc.array(anyBytes), (parts) => {
        expect(toHex(concatBytes(...parts))).toBe(parts.map(toHex).join(''));
      }),
    );
  });
});

describe('SHA-256', () => {
  // FIPS 180-2, appendix B.1 and B.2.
  it.each([
    ['abc', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
    [
      'abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq',
      '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1',
    ],
  ])('of %j is the published one', (text, digest) => {
    expect(sha256Hex(utf8(text))).toBe(digest);
  });
});
