import { decode, encode } from 'cborg';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toHex } from './bytes.ts';
import { type CborValue, decodeCbor, encodeCbor } from './codec.ts';
import { unwrap } from './result.ts';

const { value: anyValue } = fc.letrec<{ value: CborValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom<CborValue>(null, true, false, ''),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => (Object.is(number, -0) ? 0 : number)),
    fc.maxSafeInteger(),
    fc.string({ unit: 'grapheme', maxLength: 12 }),
    fc.uint8Array({ maxLength: 40 }).map((bytes) => new Uint8Array(bytes)),
    fc.array(tie('value'), { maxLength: 5 }),
    fc.dictionary(fc.string({ unit: 'grapheme', maxLength: 8 }), tie('value'), {
      maxKeys: 5,
      noNullPrototype: true,
    }),
  ),
}));

const bytesOf = (hex: string) => Uint8Array.from(Buffer.from(hex.replace(/\s/g, ''), 'hex'));
const refusal = (hex: string, limits?: Parameters<typeof decodeCbor>[1]): string => {
  const decoded = decodeCbor(bytesOf(hex), limits);
  return decoded.ok ? `accepted ${JSON.stringify(decoded.value)}` : decoded.error.message;
};

describe('deterministic CBOR', () => {
  it('gives back every value', () => {
    fc.assert(
      fc.property(anyValue, (value) => {
        expect(unwrap(decodeCbor(encodeCbor(value)))).toEqual(value);
      }),
    );
  });

  it('has one byte string per value, however its members were ordered', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.integer(), { noNullPrototype: true }), (value) => {
        const backwards = Object.fromEntries(Object.entries(value).reverse());
        expect(toHex(encodeCbor(backwards))).toBe(toHex(encodeCbor(value)));
      }),
    );
  });

  it('accepts only what it would have written itself, whatever bytes come', () => {
    const bent = fc.tuple(anyValue, fc.nat(), fc.nat(255)).map(([value, at, byte]) => {
      const bytes = encodeCbor(value);
      bytes[at % bytes.length] = byte;
      return bytes;
    });
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 60 }), bent), (bytes) => {
        const decoded = decodeCbor(bytes);
        if (decoded.ok) expect(toHex(encodeCbor(decoded.value))).toBe(toHex(bytes));
        else expect(decoded.error.message).not.toBe('');
      }),
      { numRuns: 1_000 },
    );
  });

  it('writes and reads as another hand does, byte for byte', () => {
    const reference = (bytes: Uint8Array): CborValue | undefined => {
      try {
        const value = decode(bytes, {
          strict: true,
          allowIndefinite: false,
          allowUndefined: false,
          allowBigInt: false,
        });
        return toHex(encode(value)) === toHex(bytes) ? (value as CborValue) : undefined;
      } catch {
        return undefined;
      }
    };
    const bent = fc.tuple(anyValue, fc.nat(), fc.nat(255), fc.boolean()).map(([value, at, byte, bend]) => {
      const bytes = encodeCbor(value);
      expect(toHex(bytes)).toBe(toHex(encode(value)));
      if (bend) bytes[at % bytes.length] = byte;
      return bytes;
    });
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 12 }), bent), (bytes) => {
        const read = decodeCbor(bytes);
        expect(read.ok ? read.value : undefined).toEqual(reference(bytes));
      }),
      { numRuns: 3_000 },
    );
  });

  // RFC 8949 appendix A.
  it.each<[CborValue, string]>([
    [0, '00'],
    [24, '1818'],
    [1_000_000, '1a000f4240'],
    [Number.MAX_SAFE_INTEGER, '1b001fffffffffffff'],
    [-1, '20'],
    [1.5, 'f93e00'],
    [100_000.5, 'fa47c35040'],
    [1.1, 'fb3ff199999999999a'],
    ['ü', '62c3bc'],
    [new Uint8Array([1, 2, 3, 4]), '4401020304'],
    [[1, [2, 3], [4, 5]], '8301820203820405'],
    [{ a: 1, b: [2, 3] }, 'a26161016162820203'],
  ])('writes %j as the RFC does', (value, hex) => {
    expect(toHex(encodeCbor(value))).toBe(hex);
  });

  it('orders keys by their encoded bytes: shorter ones first', () => {
    expect(toHex(encodeCbor({ b: 1, aa: 2, a: 3 }))).toBe('a3 6161 03 6162 01 626161 02'.replace(/\s/g, ''));
  });

  it('leaves out absent members', () => {
    expect(encodeCbor({ a: 1, b: undefined })).toEqual(encodeCbor({ a: 1 }));
  });

  it.each([
    ['NaN', Number.NaN],
    ['infinity', Number.POSITIVE_INFINITY],
    ['an infinity deep inside', { a: [{ b: Number.NEGATIVE_INFINITY }] }],
  ])('does not write %s, which nobody would accept', (_what, value) => {
    expect(() => encodeCbor(value)).toThrow(/finite/);
  });

  it('does not let a key named __proto__ reach an object’s prototype', () => {
    const hostile = encodeCbor(JSON.parse('{"__proto__": {"admin": true}}'));
    const decoded = decodeCbor(hostile);
    if (decoded.ok) {
      expect((decoded.value as { admin?: boolean }).admin).toBeUndefined();
      expect(Object.getPrototypeOf(decoded.value)).toBe(Object.prototype);
    }
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
  });
});

describe('CBOR from strangers', () => {
  it.each([
    ['a number longer than needed', '1801'],
    ['a number as a float', 'f94500'],
    ['a float wider than needed', 'fb3ff8000000000000'],
    ['minus zero', 'f98000'],
    ['keys out of order', 'a2 6162 01 6161 02'],
    ['a key twice', 'a2 6161 01 6161 02'],
    ['an indefinite length', '9f 01 ff'],
    ['undefined', 'f7'],
    ['NaN', 'f97e00'],
    ['infinity', 'f97c00'],
    ['a number beyond exact integers', '1b ffffffffffffffff'],
    ['a tag', 'c0 60'],
    ['text that is not UTF-8', '61 ff'],
    ['a key that is no text', 'a1 01 02'],
    ['bytes after the end', '00 00'],
    ['a missing end', '82 01'],
    ['nothing at all', ''],
    ['an array of four thousand million members that are not there', '9a ffffffff'],
    ['a text of nine quadrillion bytes that are not there', '7b 001fffffffffffff'],
  ])('is refused: %s', (_what, hex) => {
    expect(refusal(hex)).not.toContain('accepted');
  });

  it('is refused for its size before it is read', () => {
    expect(refusal('83010203', { maxBytes: 3, maxDepth: 8 })).toBe(
      'message has 4 bytes, at most 3 are accepted',
    );
  });

  it('may nest as deep as allowed and no deeper', () => {
    const nested = (depth: number) => `${'81'.repeat(depth)}00`;
    expect(refusal(nested(5), { maxBytes: 100, maxDepth: 5 })).toContain('accepted');
    expect(refusal(nested(6), { maxBytes: 100, maxDepth: 5 })).toContain('deeper than 5');
    expect(refusal('a1 6161 a1 6161 00', { maxBytes: 100, maxDepth: 1 })).toContain('deeper than 1');
  });

  it('nested a million times is refused, not a stack overflow', () => {
    expect(refusal('81'.repeat(1_000_000))).toContain('deeper');
    expect(refusal('a16161'.repeat(1_000_000))).toContain('deeper');
    expect(refusal('c1'.repeat(1_000_000))).toContain('tags');
  });

  it('measures depth past siblings, texts and byte strings that look like heads', () => {
    fc.assert(
      fc.property(anyValue, (value) => {
        const depth = depthOf(value);
        const bytes = encodeCbor(value);
        expect(decodeCbor(bytes, { maxBytes: 1e6, maxDepth: depth }).ok).toBe(true);
        if (depth > 0) expect(decodeCbor(bytes, { maxBytes: 1e6, maxDepth: depth - 1 }).ok).toBe(false);
      }),
    );
  });
});

/** Empty containers hold nothing, so they add no level. */
const depthOf = (value: CborValue | undefined): number => {
  if (value === null || typeof value !== 'object' || value instanceof Uint8Array) return 0;
  const members = Object.values(value) as CborValue[];
  return members.length === 0 ? 0 : 1 + Math.max(...members.map(depthOf));
};
