import { sha256 } from '@noble/hashes/sha2.js';
import type { Sha256 } from './brand.ts';
import { type Bytes, toBase64url, toHex } from './bytes.ts';

/**
 * SHA-256 of small inputs, synchronous so that pure state machines can name things by content. Large buffers
 * (models, images) are hashed in a worker with WebCrypto: same digest, off the main thread.
 */
export const sha256Bytes = (bytes: Uint8Array): Bytes => new Uint8Array(sha256(bytes));
export const sha256Hex = (bytes: Uint8Array): Sha256 => toHex(sha256(bytes)) as Sha256;
export const sha256Base64url = (bytes: Uint8Array): string => toBase64url(sha256(bytes));

export const isSha256 = (text: string): text is Sha256 => /^[0-9a-f]{64}$/.test(text);
