import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { createBoundedMap } from '../../src/core/boundedMap.ts';
import { type Bytes, concatBytes } from '../../src/core/bytes.ts';
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

/** DER of an Ed25519 public key up to its 32 bytes (RFC 8410 §4). */
const spkiPrefix = Uint8Array.from([48, 42, 48, 5, 6, 3, 43, 101, 112, 3, 33, 0]);

/**
 * Synchronous verification, some 100 µs each, for what comes one by one: votes and operations. They stay in their order without
 * waiting for each other. Blocks of others are verified on Node's threads.
 */
export const createVerifyNow = (): VerifyNow => {
  const keys = createBoundedMap<string, KeyObject>(10_000);
  const keyOf = (raw: Uint8Array): KeyObject => {
    const name = Buffer.from(raw).toString('latin1');
    const known = keys.get(name);
    if (known) return known;
    const der = Buffer.from(concatBytes(spkiPrefix, raw));
    const key = createPublicKey({ key: der, format: 'der', type: 'spki' });
    keys.set(name, key);
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

export type Remembering = {
  readonly verify: Verify;
  /** One that was found to hold elsewhere. */
  remember(key: Uint8Array, message: Uint8Array, signature: Uint8Array): void;
};

/**
 * Remembers signatures that held: an operation is checked when it comes, and stands in a block a moment later. Keeps at most
 * `most` of them, some 400 bytes each.
 */
export const rememberVerified = (verifyAnew: Verify, most = 20_000): Remembering => {
  const held = createBoundedMap<string, { readonly key: Bytes; readonly message: Bytes }>(most);
  const nameOf = (signature: Uint8Array) => Buffer.from(signature).toString('latin1');
  const remember: Remembering['remember'] = (key, message, signature) =>
    held.set(nameOf(signature), { key: new Uint8Array(key), message: new Uint8Array(message) });
  return {
    remember,
    async verify(key, message, signature) {
      const known = held.get(nameOf(signature));
      if (known && same(known.key, key) && same(known.message, message)) return true;
      const holds = await verifyAnew(key, message, signature);
      if (holds) remember(key, message, signature);
      return holds;
    },
  };
};

const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;
