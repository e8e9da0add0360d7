import type { Random } from '../../src/core/ports/random.ts';

export interface SeededRandom extends Random {
  int(below: number): number;
  between(low: number, high: number): number;
  chance(probability: number): boolean;
  pick<T>(items: readonly T[]): T;
  /** An independent stream, so that one node's draws don't shift another's. */
  fork(label: string): SeededRandom;
}

/** sfc32 (Doty-Humphrey, PractRand) seeded through splitmix32: small, fast, and good enough to steer a simulation. */
export const createSeededRandom = (seed: number): SeededRandom => {
  const mix = splitmix32(seed);
  let [a, b, c, d] = [mix(), mix(), mix(), 1];
  const next32 = (): number => {
    const t = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + t) | 0;
    return t >>> 0;
  };
  for (let warmUp = 0; warmUp < 12; warmUp++) next32();
  const next = () => next32() / 2 ** 32;
  const random: SeededRandom = {
    next,
    bytes: (length) => Uint8Array.from({ length }, () => next32() & 0xff),
    int: (below) => Math.floor(next() * below),
    between: (low, high) => low + next() * (high - low),
    chance: (probability) => next() < probability,
    pick: (items) => items[Math.floor(next() * items.length)]!,
    fork: (label) =>
      createSeededRandom(
        [...label].reduce((h, ch) => Math.imul(h ^ ch.charCodeAt(0), 16777619), seed ^ 0x811c9dc5),
      ),
  };
  return random;
};

const splitmix32 = (seed: number) => {
  let state = seed | 0;
  return (): number => {
    state = (state + 0x9e3779b9) | 0;
    let t = state ^ (state >>> 16);
    t = Math.imul(t, 0x21f0aaad);
    t ^= t >>> 15;
    t = Math.imul(t, 0x735a2d97);
    return (t ^ (t >>> 15)) | 0;
  };
};
