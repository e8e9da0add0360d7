import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { equalBytes, utf8 } from '../../../src/core/bytes.ts';
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
 * A hash over the key and the message, by the fastest hash at hand: nobody in a simulation computes it for a key that isn't
 * theirs.
 */
export const keyedHashScheme = (): Scheme =>
  schemeOf(
    (name) => {
      const { publicKey } = createTestSigner(name);
      return { publicKey, sign: (message) => keyedHash(publicKey, message) };
    },
    (key, message, signature) => equalBytes(keyedHash(key, message), signature),
  );

const keyedHash = (key: Uint8Array, message: Uint8Array) =>
  new Uint8Array(createHash('sha512').update(key).update(message).digest());

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

const schemeOf = (signer: Scheme['signer'], verifies: Scheme['verify']): Scheme => ({
  signer,
  verify: verifies,
  port: { verify: async (key, message, signature) => verifies(key, message, signature) },
});
