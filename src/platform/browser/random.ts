import type { Random } from '../../core/ports/random.ts';

/** The most that one call of getRandomValues gives. */
const bytesPerCall = 65_536;

export const createBrowserRandom = (): Random => ({
  bytes(length) {
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length; at += bytesPerCall) {
      crypto.getRandomValues(bytes.subarray(at, at + bytesPerCall));
    }
    return bytes;
  },
  // 32 bits are enough for jitter and sampling, and exact in a double.
  next: () => (crypto.getRandomValues(new Uint32Array(1))[0] ?? 0) / 2 ** 32,
});
