import * as v from 'valibot';
import { addListing, closeListing, listingIdSchema, listingSchema } from '../../mint/listings.ts';
import { type ActionRule, asVoid } from './rule.ts';

/**
 * Public work that mints. New money is everybody's, so it takes two thirds to let more of it be made, and a majority to stop.
 * What makes a listing sound is the mint's to say (`mint/listings.ts`).
 */
export const listingRule: ActionRule<'listing'> = {
  schema: v.strictObject({ kind: v.literal('listing'), listing: listingSchema }),
  majority: 'two-thirds',
  check: (state, { listing }) => asVoid(addListing({ ...state }, listing)),
  execute: (draft, { listing }) => asVoid(addListing(draft, listing)),
};

export const unlistingRule: ActionRule<'unlisting'> = {
  schema: v.strictObject({ kind: v.literal('unlisting'), id: listingIdSchema }),
  majority: 'simple',
  check: (state, { id }) => closeListing({ ...state }, id),
  execute: (draft, { id }) => closeListing(draft, id),
};
