import type { Bytes } from '../../../src/core/bytes.ts';
import { type CborValue, decodeCbor, encodeCbor } from '../../../src/core/codec.ts';
import type { SeededRandom } from '../../simulation/random.ts';
import { mutate } from '../mutate.ts';

/**
 * Messages that are damaged in what they say: another number, name or list where one stands. Nearly all of them are CBOR, and
 * many are of the right shape, so they get to where bytes changed at random never do.
 */

/** What is likely to mean something where a text or bytes stand. */
export type Vocabulary = { readonly texts: readonly string[]; readonly bytes: readonly Uint8Array[] };

/** What is no CBOR is damaged as bytes. Bytes within a message are often a message, too. */
export const damageMessage = (valid: Bytes, words: Vocabulary, random: SeededRandom): Bytes => {
  const decoded = decodeCbor(valid);
  return decoded.ok ? encodeCbor(damageValue(decoded.value, words, random)) : mutate(valid, random);
};

/** Something in it, anywhere, is another thing. */
export const damageValue = (value: CborValue, words: Vocabulary, random: SeededRandom): CborValue => {
  const members = membersOf(value);
  if (members.length === 0 || random.chance(0.25)) return replaced(value, words, random);
  const [name, member] = random.pick(members);
  const other = damageValue(member, words, random);
  if (Array.isArray(value)) return value.with(Number(name), other);
  return Object.fromEntries(members.map((entry) => (entry[0] === name ? [name, other] : entry)));
};

const membersOf = (value: CborValue): readonly (readonly [string, CborValue])[] =>
  typeof value === 'object' && value !== null && !(value instanceof Uint8Array)
    ? Object.entries(value).filter((entry): entry is [string, CborValue] => entry[1] !== undefined)
    : [];

const replaced = (value: CborValue, words: Vocabulary, random: SeededRandom): CborValue => {
  if (random.chance(0.05)) return random.pick<CborValue>([null, true, 0, '', new Uint8Array(), [], {}]);
  if (typeof value === 'number') return otherNumber(value, random);
  if (typeof value === 'string')
    return random.pick([...words.texts, `${value}x`, value.slice(1), 'ü'.repeat(40)]);
  if (value instanceof Uint8Array) return otherBytes(new Uint8Array(value), words, random);
  if (Array.isArray(value)) return otherList(value, random);
  if (value === null || typeof value === 'boolean')
    return random.pick<CborValue>([null, true, 1, ...words.texts]);
  return otherMap(membersOf(value), words, random);
};

const limits = [0, 1, 255, 2 ** 24, 2 ** 31, 2 ** 32, 2 ** 41, 2 ** 49, Number.MAX_SAFE_INTEGER];
const otherNumber = (value: number, random: SeededRandom): number => {
  const other = random.pick([value + 1, value - 1, 2 * value, Math.floor(value / 2), -value, value + 0.5]);
  const limit = random.pick(limits) + random.int(3) - 1;
  return random.chance(0.5) ? random.int(1_000) : random.pick([limit, other]);
};

const otherBytes = (value: Bytes, words: Vocabulary, random: SeededRandom): Uint8Array => {
  if (value.length > 1 && random.chance(0.5)) {
    const inside = decodeCbor(value);
    if (inside.ok) return encodeCbor(damageValue(inside.value, words, random));
  }
  const changed = value.slice();
  const at = random.int(Math.max(1, value.length));
  changed[at] = (changed[at] ?? 0) ^ (1 << random.int(8));
  return random.pick([
    changed,
    mutate(value, random),
    new Uint8Array(value.length),
    random.pick(words.bytes),
  ]);
};

const otherList = (value: readonly CborValue[], random: SeededRandom): CborValue => {
  const at = random.int(Math.max(1, value.length));
  return random.pick<() => CborValue>([
    () => value.toSpliced(at, 1),
    () => value.flatMap((item, index) => (index === at ? [item, item] : [item])),
    () => value.toReversed(),
    () => [],
    () => Array.from({ length: 600 }, () => value[at] ?? 0),
  ])();
};

const otherMap = (
  members: readonly (readonly [string, CborValue])[],
  words: Vocabulary,
  random: SeededRandom,
): CborValue => {
  const at = random.int(Math.max(1, members.length));
  const without = members.toSpliced(at, 1);
  const [name = '', member = null] = members[at] ?? [];
  return Object.fromEntries(
    random.pick([
      without,
      [...without, [random.pick(['__proto__', 'toString', 'x', ...words.texts]), member]],
      [...members, ['__proto__', member]],
      [...without, [name, random.pick(members)?.[1] ?? null]],
    ] as const),
  );
};
