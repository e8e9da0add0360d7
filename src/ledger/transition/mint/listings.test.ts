import { describe, expect, it } from 'vitest';
import { parseWith } from '../../../core/schema.ts';
import { merklePath, merkleRoot } from '../../merkle.ts';
import { createTestGenesis } from '../../testDoubles.ts';
import {
  addListing,
  closeListing,
  isInputOf,
  type ListingTerms,
  listingSchema,
  openingsFor,
  outputRoot,
  referencePlaces,
} from './index.ts';
import { createMintWorld, createTerms, hashOf, list } from './testDoubles.ts';

const propose = (terms: ListingTerms) => {
  const added = createMintWorld(createTestGenesis({})).change((draft) => addListing(draft, terms));
  return added.ok ? undefined : added.error.message;
};

describe('a listing', () => {
  it('is added with references that tell its inputs apart', () => {
    const terms = createTerms({ title: 'pages' });
    expect(parseWith(listingSchema, terms)).toEqual({ ok: true, value: terms });
    expect(propose(terms)).toBeUndefined();
  });

  it('is refused if one answer would do for two inputs', () => {
    const { references, ...content } = createTerms({ title: 'pages' });
    const [one, other] = references as [ListingTerms['references'][0], ListingTerms['references'][0]];
    expect(propose({ ...content, references: [one, { ...other, output: one.output }] })).toContain(
      'matching',
    );
    expect(propose({ ...content, references: [one, one] })).toContain('one input');
  });

  it('on a grid is refused unless a quarter of the opened blocks differs', () => {
    const match = { kind: 'grid', values: 1_024, step: 1_000 } as const;
    const { references: _, ...content } = createTerms({ title: 'floats', match });
    const withOutputs = (outputs: readonly Int32Array[]): ListingTerms => {
      const places = referencePlaces(content, outputs.map(outputRoot));
      const references = outputs.map((output, i) => ({
        input: hashOf(`input ${i}`),
        output: outputRoot(output),
        openings: openingsFor(output, places),
      }));
      return { ...content, references };
    };
    const zeros = new Int32Array(1_024);
    const differing = (share: number, by = 2) => zeros.map((_, i) => (i < 1_024 * share ? by : 0));
    expect(propose(withOutputs([zeros, differing(1)]))).toBeUndefined();
    expect(propose(withOutputs([zeros, differing(1, 1)]))).toContain('matching');
    expect(propose(withOutputs([zeros, differing(0.05)]))).toContain('matching');
    const [first, second] = withOutputs([zeros, differing(1)]).references;
    if (!first || !second) throw new Error('two references');
    const forged = { ...second, openings: first.openings };
    expect(propose({ ...content, references: [first, forged] })).toContain('not opened');
  });

  it('is not added twice, whatever it is called: the same units would mint again', () => {
    const world = createMintWorld(createTestGenesis({}));
    const terms = createTerms({ title: 'pages' });
    const id = list(world, terms);
    const again = world.change((draft) => addListing(draft, { ...terms, title: 'more pages' }));
    expect(again).toMatchObject({ ok: false, error: { message: expect.stringContaining('before') } });
    expect(world.change((draft) => closeListing(draft, id)).ok).toBe(true);
    expect(world.change((draft) => closeListing(draft, id)).ok).toBe(false);
    expect(world.change((draft) => addListing(draft, terms)).ok).toBe(false);
  });

  it('fixes its inputs', () => {
    const inputs = ['a', 'b', 'c'].map(hashOf);
    const listing = { inputs: merkleRoot(inputs), units: 3 };
    expect(isInputOf(listing, 1, hashOf('b'), merklePath(inputs, 1))).toBe(true);
    expect(isInputOf(listing, 1, hashOf('c'), merklePath(inputs, 1))).toBe(false);
    expect(isInputOf(listing, 2, hashOf('b'), merklePath(inputs, 1))).toBe(false);
  });
});
