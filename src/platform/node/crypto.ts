import { webcrypto } from 'node:crypto';
import type { Bytes } from '../../core/bytes.ts';
import type { CryptoPort, SigningKey } from '../../core/ports/crypto.ts';
import { createImportedKeys } from '../importedKeys.ts';

const { subtle } = webcrypto;

/** DER of an Ed25519 PKCS #8 key up to its 32-byte seed (RFC 8410 §7). */
const pkcs8Prefix = Uint8Array.from([48, 46, 2, 1, 0, 48, 5, 6, 3, 43, 101, 112, 4, 34, 4, 32]);

const signingKeyFrom = (privateKey: webcrypto.CryptoKey, publicKey: Bytes): SigningKey => ({
  publicKey,
  sign: async (message) => new Uint8Array(await subtle.sign('Ed25519', privateKey, message)),
});

/** WebCrypto as the browser has it, by the same rules: private halves stay unreadable, strangers' input never throws. */
export const createNodeCrypto = (): CryptoPort => {
  const imported = createImportedKeys((raw) => subtle.importKey('raw', raw, 'Ed25519', false, ['verify']));
  return {
    async generateSigningKey() {
      const pair = (await subtle.generateKey('Ed25519', false, [
        'sign',
        'verify',
      ])) as webcrypto.CryptoKeyPair;
      return signingKeyFrom(pair.privateKey, new Uint8Array(await subtle.exportKey('raw', pair.publicKey)));
    },
    async signingKeyFromSeed(seed) {
      const pkcs8 = new Uint8Array([...pkcs8Prefix, ...seed]);
      // WebCrypto derives the public key only through an export, so this handle alone is readable, and short-lived.
      const readable = await subtle.importKey('pkcs8', pkcs8, 'Ed25519', true, ['sign']);
      const { x } = await subtle.exportKey('jwk', readable);
      const publicKey = new Uint8Array(Buffer.from(x ?? '', 'base64url'));
      return signingKeyFrom(await subtle.importKey('pkcs8', pkcs8, 'Ed25519', false, ['sign']), publicKey);
    },
    async verify(publicKey, message, signature) {
      try {
        return await subtle.verify('Ed25519', await imported(publicKey), signature, message);
      } catch {
        return false; // not a point on the curve: a stranger's key, not our bug
      }
    },
    digest: async (bytes) => new Uint8Array(await subtle.digest('SHA-256', bytes)),
  };
};
