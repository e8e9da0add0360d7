import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toHex } from '../../core/bytes.ts';
import { messages } from './messages.ts';
import { joinEncoded } from './messageWriter.ts';
import { attempt } from './refusal.ts';
import { cursorOf, listFields, readVarint, signedOf } from './wireReader.ts';
import { closeSink, createSink, putBytes, putFloat32, putVarint } from './wireWriter.ts';

const encodeInt = (value: number | bigint) => {
  const sink = createSink();
  putVarint(sink, value);
  return joinEncoded(closeSink(sink));
};
const decodeInt = (bytes: Uint8Array) => {
  const cursor = cursorOf(bytes);
  readVarint(cursor, bytes.byteLength);
  return signedOf(cursor);
};
const hex = (text: string) => Uint8Array.from(Buffer.from(text, 'hex'));
const faultOf = (work: () => unknown) => {
  const result = attempt(work);
  return result.ok ? 'none' : result.error.message;
};

describe('integers on the wire', () => {
  it('are what protobuf’s documentation shows', () => {
    expect(toHex(encodeInt(150))).toBe('9601');
    expect(toHex(encodeInt(-2))).toBe('feffffffffffffffff01');
    expect(toHex(encodeInt(2n ** 63n - 1n))).toBe('ffffffffffffffff7f');
    expect(toHex(encodeInt(2 ** 32))).toBe('8080808010');
  });

  it('come back exactly, as numbers where they are safe', () => {
    fc.assert(
      fc.property(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n), fc.integer({ min: 0, max: 63 }), (wide, shift) => {
        const value = wide >> BigInt(shift);
        const back = decodeInt(encodeInt(value));
        expect(BigInt(back)).toBe(value);
        const isSafe = value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER;
        expect(typeof back).toBe(isSafe ? 'number' : 'bigint');
        if (isSafe) expect(encodeInt(Number(value))).toEqual(encodeInt(value));
      }),
      { seed: 1, numRuns: 300 },
    );
  });

  it('of more than 64 bits are refused', () => {
    expect(faultOf(() => decodeInt(hex('ffffffffffffffffff02')))).toContain('more than 64 bits');
    expect(faultOf(() => decodeInt(hex('8080808080808080808001')))).toContain('more than 64 bits');
    expect(faultOf(() => decodeInt(hex('ff')))).toContain('ends too early');
  });
});

describe('the fields of a message', () => {
  const list = (text: string) => listFields(hex(text), 0, text.length / 2);

  it('are found with their places', () => {
    expect(list('089601120161')).toMatchObject([
      { number: 1, wire: 0, start: 0, at: 1, end: 3 },
      { number: 2, wire: 2, start: 3, at: 5, end: 6 },
    ]);
  });

  it.each([
    ['120261', 'ends too early'],
    ['0d000000', 'ends too early'],
    ['12ffffffffffffffff7f', 'beyond exact integers'],
    ['12ffffffffffff07', 'ends too early'],
    ['0b0c', 'wire type 3'],
    ['00', 'no field number'],
    ['80808080800100', 'no field number'],
  ])('in %s are refused: %s', (text, message) => {
    expect(faultOf(() => list(text))).toContain(message);
  });
});

describe('the sink', () => {
  it('copies what is small and keeps what is large', () => {
    const large = new Uint8Array(10_000).fill(7);
    const sink = createSink();
    putVarint(sink, 1);
    putBytes(sink, large);
    putFloat32(sink, 1.5);
    const { length, pieces } = closeSink(sink);
    expect(length).toBe(10_005);
    expect(pieces[1]).toBe(large);
    expect(pieces.map((piece) => (piece instanceof Uint8Array ? piece.byteLength : 0))).toEqual([
      1, 10_000, 4,
    ]);
  });
});

describe('the table of messages', () => {
  const scalars = ['int32', 'int64', 'uint64', 'enum', 'float', 'double', 'string', 'bytes'];

  it('names only messages that it has', () => {
    for (const fields of Object.values(messages))
      for (const { type } of Object.values(fields))
        expect([...scalars, ...Object.keys(messages)]).toContain(type);
  });

  it('has every number once', () => {
    for (const [name, fields] of Object.entries(messages)) {
      const numbers = Object.values(fields).map(({ number }) => number);
      expect(new Set(numbers).size, name).toBe(numbers.length);
    }
  });
});
