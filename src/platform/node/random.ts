import { webcrypto } from 'node:crypto';
import type { Random } from '../../core/ports/random.ts';

/** The most that one call of getRandomValues gives. */
const bytesPerCall = 65_536;

export const createNodeRandom = (): Random => ({
  bytes(length) {
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length; at += bytesPerCall) {
      webcrypto.getRandomValues(bytes.subarray(at, at + bytesPerCall));
    }
    return bytes;
  },
  // 32 bits are enough for jitter and sampling, and exact in a double.
  next: () => (webcrypto.getRandomValues(new Uint32Array(1))[0] ?? 0) / 2 ** 32,
});
