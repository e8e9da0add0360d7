import * as v from 'valibot';
import { concatBytes, equalBytes, toHex, utf8 } from '../../../core/bytes.ts';
import { encodeCbor } from '../../../core/codec.ts';
import { sha256Base64url, sha256Bytes } from '../../../core/hash.ts';
import { err, fault, ok, type Result } from '../../../core/result.ts';
import { countSchema } from '../../../core/schema.ts';
import { exactBytes, idSchema, ownBytes, shortText } from '../../schemas.ts';
import type { Draft, OperationFault } from '../module.ts';
import { differingBlocks, gridLimits, placesOf, readOpenings } from './grid.ts';
import { mintLimits } from './limits.ts';
import type { Listing, ListingContent, ListingId, Opening } from './types.ts';

/** What governance decides on: a listing with reference outputs that show what it takes to tell right from wrong. */
export type ListingTerms = ListingContent & { readonly references: readonly Reference[] };

export type Reference = {
  /** SHA-256 of the input. */
  readonly input: Uint8Array;
  readonly output: Uint8Array;
  /** Of outputs on a grid: the blocks at `referencePlaces`. Empty where outputs match by hash. */
  readonly openings: readonly Opening[];
};

const count = (least: number, most: number) => v.pipe(countSchema(most), v.minValue(least));
const maxPathBytes = 32 * 21; // of 2²¹ blocks

export const openingSchema = v.strictObject({
  block: exactBytes(gridLimits.blockBytes),
  path: ownBytes(maxPathBytes),
});
export const openingsSchema = v.pipe(v.array(openingSchema), v.maxLength(gridLimits.places));
export const listingIdSchema = idSchema<ListingId>();

export const listingSchema: v.GenericSchema<unknown, ListingTerms> = v.strictObject({
  title: v.pipe(shortText(80), v.minLength(1)),
  class: v.pipe(shortText(32), v.minLength(1)),
  model: exactBytes(32),
  inputs: exactBytes(32),
  units: count(1, mintLimits.maxUnits),
  cost: count(1, mintLimits.maxCost),
  cpuMilliseconds: count(0, mintLimits.maxCpuMilliseconds),
  memoryMegabyteSeconds: count(0, mintLimits.maxMemoryMegabyteSeconds),
  match: v.variant('kind', [
    v.strictObject({ kind: v.literal('hash') }),
    v.strictObject({
      kind: v.literal('grid'),
      values: count(1, gridLimits.maxValues),
      step: count(1, Number.MAX_SAFE_INTEGER),
    }),
  ]),
  references: v.pipe(
    v.array(v.strictObject({ input: exactBytes(32), output: exactBytes(32), openings: openingsSchema })),
    v.minLength(mintLimits.minReferences),
    v.maxLength(mintLimits.maxReferences),
  ),
});

/**
 * For the governance module. Refuses a listing whose references don't tell inputs apart (one answer to all questions would then
 * be paid work), and a model and inputs that were listed before: the same units would mint again.
 */
export const addListing = (draft: Draft, terms: ListingTerms): Result<ListingId, OperationFault> => {
  const { references, ...content } = terms;
  const { listings } = draft.mint;
  const id = listingIdOf(content);
  if (listings.has(id)) return refuse('work with this model on these inputs was listed before');
  if (listings.size >= mintLimits.maxListings)
    return refuse(`there are ${listings.size} listings, and no room for more`);
  const told = checkReferences(content, references);
  if (!told.ok) return told;
  const listing: Listing = { ...content, id, closed: false, next: 0, free: [], accepted: 0, voided: 0 };
  draft.mint = { ...draft.mint, listings: listings.set(id, listing) };
  return ok(id);
};

/** Nothing more of it is drawn; what is being worked on is finished and paid. */
export const closeListing = (draft: Draft, id: ListingId): Result<void, OperationFault> => {
  const listing = draft.mint.listings.get(id);
  if (!listing) return refuse('there is no such listing');
  if (listing.closed) return refuse('this listing is closed already');
  draft.mint = { ...draft.mint, listings: draft.mint.listings.set(id, { ...listing, closed: true }) };
  return ok(undefined);
};

/** Work is the same if its model and inputs are, whatever it is called. */
export const listingIdOf = ({ model, inputs }: Pick<ListingContent, 'model' | 'inputs'>): ListingId =>
  sha256Base64url(concatBytes(utf8('vc1.listing'), model, inputs)) as ListingId;

/**
 * Where reference outputs on a grid are opened: drawn from the outputs' own roots, so that whoever proposes can't choose the few
 * places at which they differ.
 */
export const referencePlaces = (
  content: ListingContent,
  outputs: readonly Uint8Array[],
): readonly number[] => {
  if (content.match.kind === 'hash') return [];
  const seed = sha256Bytes(concatBytes(utf8('vc1.references'), encodeCbor(content), ...outputs));
  return placesOf(seed, content.match.values);
};

/**
 * Distinct inputs must have outputs that don't match, and on a grid clearly so: in a quarter of the opened blocks. Then one
 * answer to all questions passes 32 places with (3/4)³², less than one in 9,000.
 */
const checkReferences = (
  content: ListingContent,
  references: readonly Reference[],
): Result<void, OperationFault> => {
  const inputs = new Set(references.map(({ input }) => toHex(input)));
  if (inputs.size < references.length) return refuse('two references have one input');
  const outputs = references.map(({ output }) => output);
  const places = referencePlaces(content, outputs);
  const opened = references.map(({ output, openings }) =>
    content.match.kind === 'grid' ? readOpenings(output, openings, places, content.match.values) : undefined,
  );
  if (content.match.kind === 'grid' && opened.includes(undefined))
    return refuse('a reference is not opened at its places');
  for (const [i, one] of references.entries())
    for (const [j, other] of references.slice(0, i).entries()) {
      const [a, b] = [opened[i], opened[j]];
      const distinct =
        a && b ? differingBlocks(a, b) * 4 >= places.length : !equalBytes(one.output, other.output);
      if (!distinct)
        return refuse(`references ${j} and ${i} have matching outputs: one answer would do for both inputs`);
    }
  return ok(undefined);
};

const refuse = (message: string) => err(fault('operation', message));
