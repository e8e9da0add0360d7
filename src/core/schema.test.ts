import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { encodeCbor } from './codec.ts';
import { bytesSchema, countSchema, decodeWith, finiteSchema, parseWith } from './schema.ts';

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
