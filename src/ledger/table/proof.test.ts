import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concatBytes, toBase64url, utf8 } from '../../core/bytes.ts';
import { type CborValue, encodeCbor } from '../../core/codec.ts';
import { sha256Base64url, sha256Bytes } from '../../core/hash.ts';
import { unwrap } from '../../core/result.ts';
import { decodeWith, parseWith } from '../../core/schema.ts';
import {
  emptyTable,
  type TableProof,
  tableFromEntries,
  tableProofSchema,
  verifyTableProof,
} from './index.ts';

const seed = 20_260_104;

/** Lone surrogates too. */
const anyText = fc.string({ unit: fc.nat(0xffff).map((code) => String.fromCharCode(code)) });
const crafted = fc.tuple(fc.nat(31), fc.nat(255)).map(([at, byte]) => {
  const bytes = new Uint8Array(32);
  bytes[at] = byte;
  return toBase64url(bytes);
});
const anyKey = fc.oneof(
  fc.nat(40).map((n) => sha256Base64url(utf8(`account ${n}`))),
  crafted,
  fc.nat(20).map((n) => `name ${n}`),
);
const tables = fc
  .array(fc.tuple(anyKey, fc.nat(99)), { maxLength: 60 })
  .map((list) => tableFromEntries(list));
const keyOf = (n: number) => sha256Base64url(utf8(`key ${n}`));
const hundred = tableFromEntries(Array.from({ length: 100 }, (_, n) => [keyOf(n), n] as const));

/** As a stranger gets it. */
const sent = (proof: TableProof): TableProof => unwrap(decodeWith(tableProofSchema, encodeCbor(proof)));

describe('a proof from a table', () => {
  it('shows that a key has its value, or that it is absent, and nothing else', () => {
    fc.assert(
      fc.property(tables, anyKey, (table, key) => {
        const root = table.root();
        const value = table.get(key);
        const proof = sent(table.prove(key));
        const valueBytes = value === undefined ? undefined : encodeCbor(value);
        expect(verifyTableProof(root, key, valueBytes, proof)).toBe(true);
        expect(verifyTableProof(root, key, encodeCbor((value ?? 0) + 1), proof)).toBe(false);
        expect(verifyTableProof(root, key, valueBytes ? undefined : encodeCbor(0), proof)).toBe(false);
        expect(verifyTableProof(table.set(key, 100).root(), key, valueBytes, proof)).toBe(false);
      }),
      { seed, numRuns: 300 },
    );
  });

  it('does not show another key absent', () => {
    fc.assert(
      fc.property(tables, anyKey, anyKey, (table, absent, present) => {
        const proof = table.delete(absent).prove(absent);
        const whole = table.delete(absent).set(present, 7);
        if (present === absent) return;
        expect(verifyTableProof(whole.root(), present, undefined, whole.prove(absent))).toBe(false);
        expect(verifyTableProof(whole.root(), present, undefined, proof)).toBe(false);
      }),
      { seed, numRuns: 300 },
    );
  });

  it('breaks with any of its bytes', () => {
    const proof = hundred.prove(keyOf(7));
    const root = hundred.root();
    for (const [i, step] of proof.steps.entries()) {
      const bent = (change: Partial<typeof step>): TableProof => ({
        steps: proof.steps.with(i, { ...step, ...change }),
      });
      const siblings = step.siblings.slice();
      siblings[siblings.length - 1] = (siblings.at(-1) ?? 0) ^ 1;
      for (const changed of [
        { siblings },
        { siblings: concatBytes(step.siblings, new Uint8Array(32)) },
        { siblings: step.siblings.slice(32) },
        { depth: step.depth + 1 },
        { present: step.present ^ 1 },
      ])
        expect(verifyTableProof(root, keyOf(7), encodeCbor(7), bent(changed))).toBe(false);
    }
    expect(verifyTableProof(root, keyOf(7), encodeCbor(7), proof)).toBe(true);
  });

  it('can’t pass an inner node or the empty table off as something else', () => {
    const [step] = hundred.prove(keyOf(7)).steps;
    expect(verifyTableProof(hundred.root(), keyOf(7), undefined, { steps: [] })).toBe(false);
    expect(verifyTableProof(hundred.root(), keyOf(7), step!.siblings, { steps: [] })).toBe(false);
    expect(verifyTableProof(emptyTable().root(), 'a', undefined, { steps: [] })).toBe(true);
    expect(verifyTableProof(emptyTable().root(), 'a', encodeCbor(1), { steps: [] })).toBe(false);
  });

  it('needs no other key to show one that is there, and none of its own to show one absent', () => {
    const other = { key: keyOf(7), valueHash: new Uint8Array(32) };
    const proof = hundred.prove(keyOf(7));
    const another = { ...other, key: keyOf(8) };
    expect(verifyTableProof(hundred.root(), keyOf(7), encodeCbor(7), { ...proof, other: another })).toBe(
      false,
    );
    expect(verifyTableProof(hundred.root(), keyOf(7), undefined, { ...proof, other })).toBe(false);
  });

  it('is refused from a trie that no table has, though all its hashes fit', () => {
    const hash = (...bytes: readonly number[]) => sha256Bytes(Uint8Array.from(bytes));
    const leafOf = (key: string, valueHash: Uint8Array) => hash(0x10, key.length, ...utf8(key), ...valueHash);
    const node = (depth: number, present: number, ...children: readonly Uint8Array[]) =>
      hash(0x11, depth, present >> 8, present & 255, ...children.flatMap((child) => [...child]));
    const [key, value] = ['A'.repeat(43), encodeCbor(1)]; // all its digits are 0
    const leaf = leafOf(key, sha256Bytes(value));
    const beside = new Uint8Array(32);
    const step = (depth: number, present = 3, siblings = beside) => ({ depth, present, siblings });
    const accepts = (root: Uint8Array, ...steps: TableProof['steps']) =>
      verifyTableProof(root, key, value, { steps });
    expect(accepts(node(1, 3, node(2, 3, leaf, beside), beside), step(1), step(2))).toBe(true);
    expect(accepts(node(2, 3, node(2, 3, leaf, beside), beside), step(2), step(2))).toBe(false);
    expect(accepts(node(2, 3, node(1, 3, leaf, beside), beside), step(2), step(1))).toBe(false);
    expect(accepts(node(1, 1, leaf), step(1, 1, new Uint8Array()))).toBe(false);
    expect(accepts(node(1, 6, leaf, beside, beside), step(1, 6, new Uint8Array(64)))).toBe(false);
    const absent = (root: Uint8Array, proof: TableProof) => verifyTableProof(root, key, undefined, proof);
    expect(absent(node(1, 6, beside, beside), { steps: [step(1, 6, new Uint8Array(64))] })).toBe(true);
    expect(absent(node(1, 3, beside), { steps: [step(1)] })).toBe(false);
    const other = { key: 'b', valueHash: new Uint8Array(31) };
    expect(absent(leafOf('b', other.valueHash), { steps: [], other })).toBe(false);
  });

  it('may be anything at all', () => {
    const step = fc.record({ depth: fc.integer(), present: fc.integer(), siblings: fc.uint8Array() });
    const other = fc.record({ key: anyText, valueHash: fc.uint8Array() });
    const proofs = fc.record({ steps: fc.array(step), other }, { requiredKeys: ['steps'] });
    fc.assert(
      fc.property(proofs, anyText, fc.option(fc.uint8Array()), (proof, key, value) => {
        const given = proof as TableProof;
        expect(verifyTableProof(hundred.root(), key, value ?? undefined, given)).toBe(false);
        parseWith(tableProofSchema, given);
      }),
      { seed, numRuns: 300 },
    );
  });

  it.each<[string, CborValue]>([
    ['too many steps', { steps: Array(66).fill({ depth: 0, present: 3, siblings: new Uint8Array(32) }) }],
    ['a depth beyond the last digit', { steps: [{ depth: 65, present: 3, siblings: new Uint8Array(32) }] }],
    ['more children than 16', { steps: [{ depth: 0, present: 65_536, siblings: new Uint8Array(32) }] }],
    ['a short hash', { steps: [], other: { key: 'a', valueHash: new Uint8Array(31) } }],
    ['no steps', {}],
  ])('is refused with %s', (_, value) => {
    expect(parseWith(tableProofSchema, value).ok).toBe(false);
  });
});
