import { webcrypto } from 'node:crypto';
import { type Bytes, concatBytes, equalBytes, toHex, utf8 } from '../core/bytes.ts';
import { sha256Bytes } from '../core/hash.ts';
import type { CryptoPort, SigningKey } from '../core/ports/crypto.ts';
import type { SealingPort } from '../core/ports/sealing.ts';
import { silentTelemetry } from '../core/ports/telemetry.ts';
import type { IdentityDeps, IdentityStore, StoredIdentity } from './keeper.ts';

const { subtle } = webcrypto;
const pkcs8Prefix = Uint8Array.from([48, 46, 2, 1, 0, 48, 5, 6, 3, 43, 101, 112, 4, 34, 4, 32]);

const toSigningKey = async (privateKey: webcrypto.CryptoKey, publicKey: Bytes): Promise<SigningKey> => ({
  publicKey,
  sign: async (message) => new Uint8Array(await subtle.sign('Ed25519', privateKey, message)),
});

/** Real Ed25519 from Node, so that tests of signatures test signatures. */
export const createNodeCryptoForTests = (): CryptoPort => ({
  async generateSigningKey() {
    const pair = (await subtle.generateKey('Ed25519', true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair;
    return toSigningKey(pair.privateKey, new Uint8Array(await subtle.exportKey('raw', pair.publicKey)));
  },
  async signingKeyFromSeed(seed) {
    const pkcs8 = new Uint8Array([...pkcs8Prefix, ...seed]);
    const key = await subtle.importKey('pkcs8', pkcs8, 'Ed25519', true, ['sign']);
    const { x } = await subtle.exportKey('jwk', key);
    return toSigningKey(key, new Uint8Array(Buffer.from(x ?? '', 'base64url')));
  },
  async verify(publicKey, message, signature) {
    const key = await subtle.importKey('raw', publicKey, 'Ed25519', true, ['verify']);
    return subtle.verify('Ed25519', key, signature, message);
  },
  digest: async (bytes) => new Uint8Array(await subtle.digest('SHA-256', bytes)),
});

/** A device with a memory of its own and one queue for its locks. `full`: nothing can be written. */
export const createTestIdentityDeps = (
  crypto: CryptoPort,
  device: { readonly full?: boolean; readonly durable?: boolean; readonly kept?: StoredIdentity } = {},
): IdentityDeps => {
  let kept = device.kept;
  let queue: Promise<void> = Promise.resolve();
  const store: IdentityStore = {
    durable: device.durable ?? true,
    read: async () => kept,
    generateDeviceKey: () => crypto.generateSigningKey(),
    write: async (identity) => {
      if (device.full) throw new Error('no room left');
      kept = identity;
    },
  };
  return {
    store,
    crypto,
    telemetry: silentTelemetry,
    clock: { now: () => 1_000 as never, monotonic: () => 0 as never },
    random: { bytes: (n) => webcrypto.getRandomValues(new Uint8Array(n)), next: () => 0.5 },
    locks: {
      tryAcquire: async () => undefined,
      acquire() {
        let release = () => {};
        const held = new Promise<void>((resolve) => {
          release = resolve;
        });
        const granted = queue.then(() => release);
        queue = queue.then(() => held);
        return granted;
      },
    },
  };
};

/**
 * Signatures that hold only for their key and message, and that anybody could make: for tests with virtual time, where
 * real cryptography would come back from its threads at its own pace.
 */
export const createHashCrypto = (): CryptoPort => {
  const signatureOf = (publicKey: Uint8Array, message: Uint8Array): Bytes => {
    const half = sha256Bytes(concatBytes(publicKey, message));
    return concatBytes(half, sha256Bytes(half));
  };
  const keyOf = (seed: Uint8Array): SigningKey => {
    const publicKey = sha256Bytes(seed);
    return { publicKey, sign: async (message) => signatureOf(publicKey, message) };
  };
  return {
    generateSigningKey: async () => keyOf(webcrypto.getRandomValues(new Uint8Array(32))),
    signingKeyFromSeed: async (seed) => keyOf(seed),
    verify: async (publicKey, message, signature) => equalBytes(signatureOf(publicKey, message), signature),
    digest: async (bytes) => sha256Bytes(bytes),
  };
};

/** Sealing by the same rules and as little secret: opens only with the key, nonce and additional data of the sealing. */
export const createHashSealing = (): SealingPort => {
  const tagOf = (...parts: Uint8Array[]): Bytes => sha256Bytes(concatBytes(...parts)).slice(0, 16);
  return {
    sealingKey: async (key) => ({
      seal: async (nonce, plaintext, additional) =>
        concatBytes(plaintext, tagOf(key, nonce, additional, plaintext)),
      async open(nonce, sealed, additional) {
        const plaintext = sealed.slice(0, -16);
        const isWhole = equalBytes(tagOf(key, nonce, additional, plaintext), sealed.subarray(-16));
        return isWhole ? new Uint8Array(plaintext) : undefined;
      },
    }),
    async generateAgreementKey() {
      const publicKey = webcrypto.getRandomValues(new Uint8Array(32));
      const sorted = (theirs: Uint8Array) => [toHex(publicKey), toHex(theirs)].sort().join('');
      return {
        publicKey,
        agree: async (theirs) => (theirs.byteLength === 32 ? sha256Bytes(utf8(sorted(theirs))) : undefined),
      };
    },
  };
};
