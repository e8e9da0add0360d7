import { utf8 } from '../../core/bytes.ts';
import { sha256Bytes } from '../../core/hash.ts';
import { exactLog, exactSinCos } from './elementary.ts';

/**
 * Philox4x32-10 (Salmon, Moraes, Dror, Shaw: Parallel Random Numbers: As Easy as 1, 2, 3; SC 2011): four random words from
 * a counter of four words and a key of two. A pure function; writes its result to `out`.
 */
export const philox = (
  counter: readonly [number, number, number, number],
  key: readonly [number, number],
  out: Uint32Array,
): void => {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < 10; round++) {
    const high0 = highWord(0xd2511f53, c0);
    const high1 = highWord(0xcd9e8d57, c2);
    const low0 = Math.imul(0xd2511f53, c0);
    const low1 = Math.imul(0xcd9e8d57, c2);
    c0 = (high1 ^ c1 ^ k0) >>> 0;
    c1 = low1 >>> 0;
    c2 = (high0 ^ c3 ^ k1) >>> 0;
    c3 = low0 >>> 0;
    k0 = (k0 + 0x9e3779b9) >>> 0;
    k1 = (k1 + 0xbb67ae85) >>> 0;
  }
  out[0] = c0;
  out[1] = c1;
  out[2] = c2;
  out[3] = c3;
};

/** Words of a stream: counter from 0, the stream's number above it, the seed as key. */
type Draw = (block: number) => Uint32Array;

/**
 * A stream of its own for every `name` of every seed: what a tensor gets doesn't depend on which others there are, nor on
 * their order. `seed` is a safe integer, not negative.
 */
export const createStream = (seed: number, name: string): Draw => {
  const digest = sha256Bytes(utf8(name));
  const view = new DataView(digest.buffer, digest.byteOffset);
  const [high, low] = [view.getUint32(0), view.getUint32(4)];
  const key = [seed % 2 ** 32, Math.floor(seed / 2 ** 32)] as const;
  const out = new Uint32Array(4);
  return (block) => {
    philox([block % 2 ** 32, Math.floor(block / 2 ** 32), low, high], key, out);
    return out;
  };
};

/** Normal with mean 0 (Box & Muller, 1958), within 6.7 deviations: two words give two values. */
export const fillNormal = (target: Float32Array, draw: Draw, deviation: number): void => {
  for (let i = 0; i < target.length; i += 4) {
    const words = draw(i / 4);
    for (let j = 0; j < 4; j += 2) {
      // In (0, 1]: the logarithm of 0 is never asked for. IEEE 754 rounds a square root correctly, so it is the same everywhere.
      const radius = deviation * Math.sqrt(-2 * exactLog(((words[j] ?? 0) + 1) * 2 ** -32));
      const { sin, cos } = exactSinCos((words[j + 1] ?? 0) * 2 ** -32 * (2 * Math.PI));
      target[i + j] = radius * cos;
      target[i + j + 1] = radius * sin; // beyond the end this writes nothing
    }
  }
};

/** Uniform in [−bound, bound). */
export const fillUniform = (target: Float32Array, draw: Draw, bound: number): void => {
  for (let i = 0; i < target.length; i += 4) {
    const words = draw(i / 4);
    for (let j = 0; j < 4; j++) target[i + j] = bound * ((words[j] ?? 0) * 2 ** -31 - 1);
  }
};

/** The upper 32 of the 64 bits of a product, by halves of 16. */
const highWord = (a: number, b: number): number => {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const other = aLow * bHigh + (middle & 0xffff);
  return (aHigh * bHigh + (middle >>> 16) + (other >>> 16)) >>> 0;
};
