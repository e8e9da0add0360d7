import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { createBoundedMap } from '../../src/core/boundedMap.ts';
import { type Bytes, concatBytes, toBase64url } from '../../src/core/bytes.ts';
import type { KeeperSigner } from '../../src/ledger/keeper/types.ts';

/** DER of an Ed25519 PKCS #8 key up to its 32-byte seed (RFC 8410 §7). */
const pkcs8Prefix = Uint8Array.from([48, 46, 2, 1, 0, 48, 5, 6, 3, 43, 101, 112, 4, 34, 4, 32]);

/** Synchronous Ed25519 (RFC 8032) of a 32-byte seed: what a keeper signs is decided in one step with what it stores. */
export const createSeedSigner = (seed: Uint8Array): KeeperSigner => {
  const der = Buffer.from(concatBytes(pkcs8Prefix, seed));
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  const { x } = createPublicKey(key).export({ format: 'jwk' });
  return {
    publicKey: new Uint8Array(Buffer.from(x ?? '', 'base64url')),
    sign: (message) => new Uint8Array(sign(null, message, key)),
  };
};

export type VerifyNow = (key: Uint8Array, message: Uint8Array, signature: Uint8Array) => boolean;

/**
 * Synchronous verification for the few keys of keepers, some 100 µs each: votes of one connection stay in their order without
 * waiting for each other. Everything else is verified on Node's threads.
 */
export const createVerifyNow = (): VerifyNow => {
  const keys = createBoundedMap<string, KeyObject>(256);
  const keyOf = (raw: Uint8Array): KeyObject => {
    const x = toBase64url(raw);
    const known = keys.get(x);
    if (known) return known;
    const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
    keys.set(x, key);
    return key;
  };
  return (key, message, signature) => {
    try {
      return verify(null, message, keyOf(key), signature);
    } catch {
      return false; // not a point on the curve
    }
  };
};

type Verify = (key: Uint8Array, message: Uint8Array, signature: Uint8Array) => Promise<boolean>;

/**
 * Remembers signatures that held: an operation is checked when it comes, and stands in a block a moment later. Keeps at most
 * `most` of them, some 400 bytes each.
 */
export const rememberVerified = (verifyAnew: Verify, most = 20_000): Verify => {
  const held = createBoundedMap<string, { readonly key: Bytes; readonly message: Bytes }>(most);
  return async (key, message, signature) => {
    const name = Buffer.from(signature).toString('latin1');
    const known = held.get(name);
    if (known && same(known.key, key) && same(known.message, message)) return true;
    const holds = await verifyAnew(key, message, signature);
    if (holds) held.set(name, { key: new Uint8Array(key), message: new Uint8Array(message) });
    return holds;
  };
};

const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;
