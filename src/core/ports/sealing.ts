import type { Bytes } from '../bytes.ts';

/** AES-256-GCM (NIST SP 800-38D). Whoever uses a key sees to it that it never meets the same nonce twice. */
export interface SealingKey {
  /** `nonce`: 12 bytes; the result is 16 bytes longer than the plaintext. `additional` is bound, not hidden. */
  seal(nonce: Uint8Array, plaintext: Uint8Array, additional: Uint8Array): Promise<Bytes>;
  /** Undefined if it was sealed with another key, nonce or additional data, or changed since. */
  open(nonce: Uint8Array, sealed: Uint8Array, additional: Uint8Array): Promise<Bytes | undefined>;
}

/** One side of an X25519 agreement (RFC 7748); its private half can't be read. */
export interface AgreementKey {
  /** 32 bytes. */
  readonly publicKey: Bytes;
  /** The 32 bytes both sides share, to be put through a key derivation; undefined for a key that is none. */
  agree(publicKey: Uint8Array): Promise<Bytes | undefined>;
}

/** What hides messages from those who carry them. Rejects where the browser lacks the algorithm. */
export interface SealingPort {
  /** From 32 bytes that came out of a key derivation. */
  sealingKey(bytes: Uint8Array): Promise<SealingKey>;
  generateAgreementKey(): Promise<AgreementKey>;
}

export const sealingNonceBytes = 12;
export const sealingTagBytes = 16;
