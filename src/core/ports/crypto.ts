import type { Bytes } from '../bytes.ts';

/** Raw 32-byte Ed25519 public key. */
export type PublicKey = Bytes;
/** 64-byte Ed25519 signature (RFC 8032). */
export type Signature = Bytes;

/** A key that can sign but need not be readable: a device's key never leaves its browser profile. */
export interface SigningKey {
  readonly publicKey: PublicKey;
  sign(message: Uint8Array): Promise<Signature>;
}

export interface CryptoPort {
  /** A key pair for this process only; its private half can't be exported. */
  generateSigningKey(): Promise<SigningKey>;
  /** 32-byte seed (RFC 8032 private key) → signing key. For recovery keys, which people keep on paper. */
  signingKeyFromSeed(seed: Uint8Array): Promise<SigningKey>;
  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): Promise<boolean>;
  /** SHA-256 of large buffers without blocking the caller's thread. */
  digest(bytes: Uint8Array): Promise<Bytes>;
}
