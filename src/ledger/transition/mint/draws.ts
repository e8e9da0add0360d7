import { type Bytes, concatBytes, utf8 } from '../../../core/bytes.ts';
import { sha256Bytes } from '../../../core/hash.ts';

/**
 * Chance out of an epoch's randomness. Every question has a text of its own and so an answer of its own: what one unit or
 * account draws depends on nobody else, and on no order in which a table is read.
 */
export const drawFor = (randomness: Uint8Array, question: string): Bytes =>
  sha256Bytes(concatBytes(utf8(`vc1.mint/${question}/`), randomness));

/** The first 48 bits. The bias of a remainder by n is below n / 2⁴⁸. */
export const numberOf = (hash: Uint8Array): number => {
  let number = 0;
  for (const byte of hash.subarray(0, 6)) number = number * 256 + byte;
  return number;
};

/** The items in an order of chance. `nameOf` must tell them apart. */
export const shuffled = <T>(randomness: Uint8Array, items: readonly T[], nameOf: (item: T) => string): T[] =>
  items
    .map((item) => ({ item, name: nameOf(item), place: numberOf(drawFor(randomness, nameOf(item))) }))
    .sort((a, b) => a.place - b.place || (a.name < b.name ? -1 : 1))
    .map(({ item }) => item);
