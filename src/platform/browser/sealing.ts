import type { Bytes } from '../../core/bytes.ts';
import type { SealingPort } from '../../core/ports/sealing.ts';

const asBuffer = (bytes: Uint8Array): Bytes =>
  bytes.buffer instanceof ArrayBuffer ? (bytes as Bytes) : new Uint8Array(bytes);

/** WebCrypto, which Node has under the same name. */
export const createSealing = (): SealingPort => ({
  async sealingKey(bytes) {
    const key = await crypto.subtle.importKey('raw', asBuffer(bytes), 'AES-GCM', false, [
      'encrypt',
      'decrypt',
    ]);
    const algorithm = (nonce: Uint8Array, additional: Uint8Array) => ({
      name: 'AES-GCM',
      iv: asBuffer(nonce),
      additionalData: asBuffer(additional),
    });
    return {
      seal: async (nonce, plaintext, additional) =>
        new Uint8Array(await crypto.subtle.encrypt(algorithm(nonce, additional), key, asBuffer(plaintext))),
      async open(nonce, sealed, additional) {
        try {
          const opened = await crypto.subtle.decrypt(algorithm(nonce, additional), key, asBuffer(sealed));
          return new Uint8Array(opened);
        } catch {
          return undefined; // a stranger's bytes, not our bug
        }
      },
    };
  },
  async generateAgreementKey() {
    const pair = (await crypto.subtle.generateKey('X25519', false, ['deriveBits'])) as CryptoKeyPair;
    return {
      publicKey: new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey)),
      async agree(publicKey) {
        try {
          const theirs = await crypto.subtle.importKey('raw', asBuffer(publicKey), 'X25519', false, []);
          const algorithm = { name: 'X25519', public: theirs };
          return new Uint8Array(await crypto.subtle.deriveBits(algorithm, pair.privateKey, 256));
        } catch {
          return undefined; // not a point, or one of small order, with which everybody shares the same
        }
      },
    };
  },
});
