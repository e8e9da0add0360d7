import type { Bytes } from '../bytes.ts';

/** Cryptographically strong in a tab; seeded in a simulation. */
export interface Random {
  bytes(length: number): Bytes;
  /** Uniform in [0, 1). */
  next(): number;
}
