import { describe, expect, it } from 'vitest';
import { addressKey } from './address.ts';
import { createNetworkNames, createSharedNetworkNames } from './networks.ts';

const name = createNetworkNames(new Uint8Array(32));
const nameOf = (address: string) => name(addressKey(address));

describe('the name of a network', () => {
  it.each([
    ['203.0.113.9', '203.0.200.1'],
    ['2001:db8:1::1', '2001:db8:2::9'],
    ['::ffff:203.0.113.9', '203.0.1.1'],
  ])('is the same for %s and %s', (one, other) => {
    expect(nameOf(one)).toBe(nameOf(other));
    expect(nameOf(one)).toMatch(/^[A-Za-z0-9_-]{16}$/);
  });

  it.each([
    ['203.0.113.9', '203.1.113.9'],
    ['2001:db8::1', '2001:db9::1'],
    ['203.0.113.9', '2001:db8::1'],
  ])('differs for %s and %s', (one, other) => {
    expect(nameOf(one)).not.toBe(nameOf(other));
  });

  it.each([
    '127.0.0.1',
    '::1',
    '10.1.2.3',
    '172.20.0.1',
    '192.168.1.5',
    '169.254.0.1',
    '100.64.1.1',
    'fe80::1',
    'fd00::1',
    'unknown',
  ])('is not told of %s', (address) => expect(nameOf(address)).toBeUndefined());

  it('is the beginning of a keyed hash', () => {
    // printf 203.0 | openssl dgst -sha256 -mac HMAC -macopt hexkey:00…00 -binary | head -c 12 | base64
    expect(nameOf('203.0.113.9')).toBe('X4v88WfjjcFGP_Tp');
  });

  it('says nothing to whoever lacks the key', () => {
    expect(createNetworkNames()('203.0.113.9')).not.toBe(nameOf('203.0.113.9'));
  });
});

describe('names that processes share', () => {
  const keyOf = (born: number, byte: number) => ({ born, bytes: new Uint8Array(32).fill(byte) });

  it('are those of the eldest key, in whatever order keys are heard', () => {
    const keys = [keyOf(5, 1), keyOf(3, 9), keyOf(3, 2), keyOf(8, 0)];
    const processes = keys.map((own, i) => {
      const names = createSharedNetworkNames(own);
      for (const key of [...keys.slice(i), ...keys.slice(0, i)]) names.offer(key);
      return names;
    });
    for (const names of processes) {
      expect(names.key()).toEqual(keyOf(3, 2));
      expect(names.nameOf('203.0.113.9')).toBe(createNetworkNames(keyOf(3, 2).bytes)('203.0.113.9'));
    }
  });
});
