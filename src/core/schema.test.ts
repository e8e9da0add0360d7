import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { encodeCbor } from './codec.ts';
import { bytesSchema, countSchema, decodeWith, finiteSchema, parseWith, recordSchema } from './schema.ts';

const message = v.object({ name: v.pipe(v.string(), v.maxLength(5)), points: v.array(countSchema(10)) });

describe('schema', () => {
  it('gives what fits', () => {
    const value = { name: 'page', points: [1, 2] };
    expect(parseWith(message, value)).toEqual({ ok: true, value });
    expect(decodeWith(message, encodeCbor(value))).toEqual({ ok: true, value });
  });

  it('names the place where it does not fit', () => {
    const parsed = parseWith(message, { name: 'page', points: [1, 11] });
    expect(parsed.ok ? '' : parsed.error.message).toMatch(/^points\.1: /);
  });

  it('names bytes that are no message as such', () => {
    expect(decodeWith(message, new Uint8Array([0xff]))).toMatchObject({ error: { code: 'cbor' } });
    expect(decodeWith(message, encodeCbor({}))).toMatchObject({ error: { code: 'schema' } });
  });

  it('does not repeat a stranger’s megabyte in its answer', () => {
    const parsed = parseWith(v.literal('hello'), 'x'.repeat(1_000_000));
    expect(parsed.ok ? 0 : parsed.error.message.length).toBeLessThan(300);
  });

  it.each([
    ['a fraction', countSchema(10), 1.5],
    ['a negative count', countSchema(10), -1],
    ['too many', countSchema(10), 11],
    ['NaN', finiteSchema, Number.NaN],
    ['infinity', finiteSchema, Number.POSITIVE_INFINITY],
    ['too many bytes', bytesSchema(2), new Uint8Array(3)],
    ['an array that is no byte string', bytesSchema(2), [1, 2]],
  ])('refuses %s', (_what, schema, input) => {
    expect(parseWith(schema, input).ok).toBe(false);
  });
});

describe('an object with keys of strangers’ choosing', () => {
  const speeds = recordSchema(v.pipe(v.string(), v.maxLength(16)), finiteSchema);
  /** As `decodeCbor` gives it: a member of its own, whatever it is called. */
  const withKey = (key: string, value: unknown = 1) =>
    Object.defineProperty({ read: 2 }, key, { value, enumerable: true, configurable: true, writable: true });

  it.each(['read', 'toString', 'hasOwnProperty', 'valueOf'])('keeps a member called %s', (key) => {
    const value = withKey(key);
    const bytes = encodeCbor(value);
    const read = decodeWith(speeds, bytes);
    expect(read.ok && Object.hasOwn(read.value, key)).toBe(true);
    expect(read.ok && encodeCbor(read.value)).toEqual(bytes);
  });

  it.each(['__proto__', 'prototype', 'constructor'])(
    'is refused with one called %s, not read without it',
    (key) => {
      expect(decodeWith(speeds, encodeCbor(withKey(key)))).toMatchObject({ error: { code: 'schema' } });
      expect(parseWith(speeds, withKey(key, { polluted: true }))).toMatchObject({
        error: { code: 'schema' },
      });
      expect('polluted' in {}).toBe(false);
    },
  );

  it.each([undefined, null, 1, 'text', [], new Uint8Array()])('is no %j', (input) => {
    expect(parseWith(speeds, input).ok).toBe(false);
  });
});
