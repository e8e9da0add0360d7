import type { Bytes } from '../../core/bytes.ts';
import type { CryptoPort, SigningKey } from '../../core/ports/crypto.ts';
import { createImportedKeys } from '../importedKeys.ts';

/** DER of an Ed25519 PKCS #8 key up to its 32-byte seed (RFC 8410 §7). */
const pkcs8Prefix = Uint8Array.from([48, 46, 2, 1, 0, 48, 5, 6, 3, 43, 101, 112, 4, 34, 4, 32]);

const asBuffer = (bytes: Uint8Array): Bytes =>
  bytes.buffer instanceof ArrayBuffer ? (bytes as Bytes) : new Uint8Array(bytes);

/** A signing key over a CryptoKey handle: IndexedDB can keep the handle, nobody can read the key. */
export const signingKeyFromHandle = (privateKey: CryptoKey, publicKey: Bytes): SigningKey => ({
  publicKey,
  sign: async (message) => new Uint8Array(await crypto.subtle.sign('Ed25519', privateKey, asBuffer(message))),
});

export type DeviceKeyHandle = { readonly privateKey: CryptoKey; readonly publicKey: Bytes };

export const generateDeviceKeyHandle = async (): Promise<DeviceKeyHandle> => {
  const pair = (await crypto.subtle.generateKey('Ed25519', false, ['sign', 'verify'])) as CryptoKeyPair;
  return {
    privateKey: pair.privateKey,
    publicKey: new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey)),
  };
};

/** Why this browser can't sign, or undefined if it can. */
export const whyNoEd25519 = async (): Promise<string | undefined> => {
  if (!globalThis.crypto?.subtle) {
    return 'This page was not opened over https (or on localhost), so the browser gives it no keys. Open the https link.';
  }
  try {
    await crypto.subtle.generateKey('Ed25519', false, ['sign', 'verify']);
    return undefined;
  } catch {
    return 'This browser can not sign with Ed25519. Chrome or Edge 137, Firefox 130 and Safari 17 can, and so can newer ones.';
  }
};

export const createBrowserCrypto = (): CryptoPort => {
  const imported = createImportedKeys((raw) =>
    crypto.subtle.importKey('raw', asBuffer(raw), 'Ed25519', false, ['verify']),
  );
  return {
    async generateSigningKey() {
      const { privateKey, publicKey } = await generateDeviceKeyHandle();
      return signingKeyFromHandle(privateKey, publicKey);
    },
    async signingKeyFromSeed(seed) {
      const pkcs8 = new Uint8Array([...pkcs8Prefix, ...seed]);
      // WebCrypto derives the public key only through an export, so this handle alone is readable, and short-lived.
      const readable = await crypto.subtle.importKey('pkcs8', pkcs8, 'Ed25519', true, ['sign']);
      const { x } = await crypto.subtle.exportKey('jwk', readable);
      const publicKey = Uint8Array.from(atob((x ?? '').replace(/-/g, '+').replace(/_/g, '/')), (c) =>
        c.charCodeAt(0),
      );
      const privateKey = await crypto.subtle.importKey('pkcs8', pkcs8, 'Ed25519', false, ['sign']);
      return signingKeyFromHandle(privateKey, publicKey);
    },
    async verify(publicKey, message, signature) {
      try {
        const key = await imported(publicKey);
        return await crypto.subtle.verify('Ed25519', key, asBuffer(signature), asBuffer(message));
      } catch {
        return false; // not a point on the curve: a stranger's key, not our bug
      }
    },
    digest: async (bytes) => new Uint8Array(await crypto.subtle.digest('SHA-256', asBuffer(bytes))),
  };
};
