import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import type { CryptoPort, SigningKey } from '../../src/core/ports/crypto.ts';

const pkcs8Prefix = Buffer.from('302e020100300506032b657004220420', 'hex');
const spkiPrefix = Buffer.from('302a300506032b6570032100', 'hex');
const publicKeys = new Map<string, KeyObject>();

/** Real Ed25519 without threads: an answer from a thread pool would arrive at a moment that no seed decides. */
export const createSimulationCrypto = (randomBytes: (length: number) => Uint8Array): CryptoPort => {
  const fromSeed = async (seed: Uint8Array): Promise<SigningKey> => {
    const key = createPrivateKey({ key: Buffer.concat([pkcs8Prefix, seed]), format: 'der', type: 'pkcs8' });
    const spki = createPublicKey(key).export({ format: 'der', type: 'spki' });
    return {
      publicKey: new Uint8Array(spki.subarray(spkiPrefix.length)),
      sign: async (message) => new Uint8Array(sign(null, message, key)),
    };
  };
  return {
    generateSigningKey: () => fromSeed(randomBytes(32)),
    signingKeyFromSeed: fromSeed,
    async verify(publicKey, message, signature) {
      const name = Buffer.from(publicKey).toString('hex');
      const known = publicKeys.get(name);
      const key =
        known ??
        createPublicKey({ key: Buffer.concat([spkiPrefix, publicKey]), format: 'der', type: 'spki' });
      if (!known && publicKeys.size < 10_000) publicKeys.set(name, key);
      return verify(null, message, key, signature);
    },
    digest: async (bytes) => new Uint8Array(createHash('sha256').update(bytes).digest()),
  };
};
