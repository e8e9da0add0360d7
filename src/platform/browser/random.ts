import type { Random } from '../../core/ports/random.ts';

export const createBrowserRandom = (): Random => ({
  bytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
  // 32 bits are enough for jitter and sampling, and exact in a double.
  next: () => (crypto.getRandomValues(new Uint32Array(1))[0] ?? 0) / 2 ** 32,
});
