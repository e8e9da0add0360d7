import { describe, expect, it } from 'vitest';
import { encodeCbor } from '../core/codec.ts';
import { unwrap } from '../core/result.ts';
import { initialState } from './genesis.ts';
import { operationBytes, readOperation } from './operation.ts';
import { createPerson, createTestGenesis, operationOf } from './testDoubles.ts';
import type { Operation } from './types.ts';

const ada = createPerson('ada');
const bob = createPerson('bob');
const state = initialState(createTestGenesis({}));
const whole = operationOf(state, ada.device, {
  account: ada.id,
  kind: 'transfer',
  body: { to: bob.id, amount: 12, memo: 'tea' },
});

describe('an operation', () => {
  it('is read back as it was signed', () => {
    const { bytes, signature } = whole;
    expect(unwrap(readOperation({ bytes, signature }))).toEqual(whole);
  });

  it('has an id that its signature is no part of', () => {
    const other = unwrap(readOperation({ bytes: whole.bytes, signature: new Uint8Array(64) }));
    expect(other.id).toBe(whole.id);
  });

  it.each([
    ['zero', 0],
    ['negative', -5],
    ['a fraction', 1.5],
    ['2^53', 2 ** 53],
    ['a text', '12'],
    ['a text of another country', '1.000,5'],
    ['nothing', null],
  ])('with an amount that is %s is refused in words', (_, amount) => {
    const operation = { ...whole.operation, body: { to: bob.id, amount } } as unknown as Operation;
    const read = readOperation({ bytes: operationBytes(operation), signature: whole.signature });
    expect(read).toMatchObject({ ok: false, error: { code: 'operation' } });
  });

  it('with 2^63 as its amount is refused while it is read', () => {
    const bytes = operationBytes(whole.operation);
    const at = bytes.findIndex((byte, i) => byte === 12 && bytes[i - 1] === 't'.charCodeAt(0));
    const huge = new Uint8Array([
      ...bytes.slice(0, at),
      0x1b,
      0x80,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      ...bytes.slice(at + 1),
    ]);
    expect(readOperation({ bytes: huge, signature: whole.signature })).toMatchObject({ ok: false });
  });

  it('of an unknown kind, with more than it should have, or with bytes after its end is refused', () => {
    const refused = (bytes: Uint8Array) =>
      readOperation({ bytes: new Uint8Array(bytes), signature: whole.signature }).ok === false;
    const { body, ...rest } = whole.operation;
    expect(refused(encodeCbor({ ...rest, kind: 'steal', body: {} }))).toBe(true);
    expect(refused(encodeCbor({ ...rest, body: { to: bob.id, amount: 1, more: 1 } }))).toBe(true);
    expect(refused(encodeCbor({ ...rest, body: { ...(body as object) }, x: 1 }))).toBe(true);
    expect(refused(new Uint8Array([...whole.bytes, 0]))).toBe(true);
    expect(refused(new Uint8Array(60_000))).toBe(true);
  });
});
