import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { utf8 } from '../../../src/core/bytes.ts';
import { sha256Bytes } from '../../../src/core/hash.ts';
import type { CryptoPort } from '../../../src/core/ports/crypto.ts';
import type { KeeperSigner } from '../../../src/ledger/keeper/types.ts';
import { createTestSigner } from '../../../src/ledger/testDoubles.ts';

/** How a history signs. Synchronous either way: an answer from a thread pool would come at a moment that no seed decides. */
export interface Scheme {
  signer(name: string): KeeperSigner;
  verify(key: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean;
  readonly port: Pick<CryptoPort, 'verify'>;
}

/**
 * A short hash over the key and the message: nobody in a simulation looks for two messages of one hash, nor computes it for a
 * key that isn't theirs.
 */
export const keyedHashScheme = (): Scheme =>
  schemeOf(
    (name) => {
      const { publicKey } = createTestSigner(name);
      return { publicKey, sign: (message) => signatureOf(keyedHash(publicKey, message)) };
    },
    (key, message, signature) => isSignatureOf(signature, keyedHash(key, message)),
  );

type Words = readonly [number, number];

/** Two lanes of FNV-1a with different primes, mixed at the end (MurmurHash3's finalizer). */
const keyedHash = (key: Uint8Array, message: Uint8Array): Words => {
  let [one, other] = [0x811c9dc5, 0x9e3779b9];
  for (let i = 0; i < key.length; i++) {
    const byte = key[i] ?? 0;
    one = Math.imul(one ^ byte, 0x01000193);
    other = Math.imul(other ^ byte, 0x85ebca6b);
  }
  for (let i = 0; i < message.length; i++) {
    const byte = message[i] ?? 0;
    one = Math.imul(one ^ byte, 0x01000193);
    other = Math.imul(other ^ byte ^ (one >>> 24), 0x85ebca6b);
  }
  return [mixed(one), mixed(other ^ message.length)];
};

const mixed = (word: number): number => {
  const half = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
  const most = Math.imul(half ^ (half >>> 13), 0xc2b2ae35);
  return (most ^ (most >>> 16)) >>> 0;
};

const signatureOf = ([one, other]: Words): Uint8Array<ArrayBuffer> => {
  const words = new Uint32Array(16);
  for (let i = 0; i < 16; i += 2) words.set([one, other], i);
  return new Uint8Array(words.buffer);
};

const isSignatureOf = (signature: Uint8Array, [one, other]: Words): boolean => {
  if (signature.length !== 64) return false;
  for (let i = 0; i < 64; i++)
    if (signature[i] !== (((i & 4 ? other : one) >>> (8 * (i & 3))) & 255)) return false;
  return true;
};

const pkcs8Prefix = Buffer.from('302e020100300506032b657004220420', 'hex');
const spkiPrefix = Buffer.from('302a300506032b6570032100', 'hex');

export const ed25519Scheme = (): Scheme => {
  const known = new Map<string, KeyObject>();
  const publicKeyOf = (key: Uint8Array): KeyObject => {
    const name = Buffer.from(key).toString('hex');
    const found =
      known.get(name) ??
      createPublicKey({ key: Buffer.concat([spkiPrefix, key]), format: 'der', type: 'spki' });
    known.set(name, found);
    return found;
  };
  const signer = (name: string): KeeperSigner => {
    const der = Buffer.concat([pkcs8Prefix, sha256Bytes(utf8(`seed of ${name}`))]);
    const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
    const spki = createPublicKey(key).export({ format: 'der', type: 'spki' });
    return {
      publicKey: new Uint8Array(spki.subarray(spkiPrefix.length)),
      sign: (message) => new Uint8Array(sign(null, message, key)),
    };
  };
  return schemeOf(signer, (key, message, signature) => verify(null, message, publicKeyOf(key), signature));
};

const schemeOf = (create: Scheme['signer'], verifies: Scheme['verify']): Scheme => {
  const signers = new Map<string, KeeperSigner>();
  return {
    signer(name) {
      const signer = signers.get(name) ?? create(name);
      signers.set(name, signer);
      return signer;
    },
    verify: verifies,
    port: { verify: async (key, message, signature) => verifies(key, message, signature) },
  };
};
