import type { Bytes } from '../../src/core/bytes.ts';
import type { SeededRandom } from '../simulation/random.ts';

const interesting = [
  0x00, 0x01, 0x17, 0x18, 0x1b, 0x3b, 0x5b, 0x5f, 0x7f, 0x80, 0x9f, 0xa0, 0xbb, 0xbf, 0xc2, 0xf6, 0xf7, 0xfb,
  0xff,
];

/** One valid message, damaged a little, much, or replaced by noise. */
export const mutate = (valid: Uint8Array, random: SeededRandom): Bytes => {
  let bytes = new Uint8Array(valid);
  const rounds = 1 + random.int(4);
  for (let round = 0; round < rounds; round++) bytes = random.pick(mutations)(bytes, random);
  return bytes;
};

type Mutation = (bytes: Bytes, random: SeededRandom) => Bytes;

const at = (bytes: Bytes, random: SeededRandom) => random.int(Math.max(1, bytes.length));
const change = (bytes: Bytes, index: number, value: number): Bytes => {
  const changed = new Uint8Array(bytes);
  changed[index] = value;
  return changed;
};
const splice = (bytes: Bytes, from: number, removed: number, inserted: Uint8Array): Bytes =>
  Uint8Array.from([...bytes.subarray(0, from), ...inserted, ...bytes.subarray(from + removed)]);

const mutations: readonly Mutation[] = [
  // a bit, a byte, a byte that means something in CBOR
  (bytes, random) => {
    const index = at(bytes, random);
    return change(bytes, index, (bytes[index] ?? 0) ^ (1 << random.int(8)));
  },
  (bytes, random) => change(bytes, at(bytes, random), random.int(256)),
  (bytes, random) => change(bytes, at(bytes, random), random.pick(interesting)),
  // cut, drop, repeat, insert
  (bytes, random) => bytes.slice(0, at(bytes, random)),
  (bytes, random) => splice(bytes, at(bytes, random), 1 + random.int(8), new Uint8Array(0)),
  (bytes, random) => {
    const from = at(bytes, random);
    return splice(bytes, at(bytes, random), 0, bytes.slice(from, from + random.int(32)));
  },
  (bytes, random) => splice(bytes, at(bytes, random), 0, random.bytes(1 + random.int(8))),
  // a length that promises more than there is
  (bytes, random) =>
    splice(
      bytes,
      at(bytes, random),
      1,
      Uint8Array.of(random.pick([0x5a, 0x7a, 0x9a, 0xba]), 255, 255, 255, 255),
    ),
  // nested beyond reason
  (bytes, random) => splice(bytes, at(bytes, random), 0, new Uint8Array(random.int(200)).fill(0x81)),
  // noise
  (_bytes, random) => random.bytes(random.int(200)),
];
