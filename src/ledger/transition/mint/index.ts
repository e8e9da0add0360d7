import * as v from 'valibot';
import { countSchema } from '../../../core/schema.ts';
import { exactBytes } from '../../schemas.ts';
import { emptyTable } from '../../table/index.ts';
import type { LedgerModule } from '../module.ts';
import { endMintEpoch } from './epoch.ts';
import { mintLimits } from './limits.ts';
import { listingIdSchema, openingsSchema } from './listings.ts';
import type { MintBodies, MintState } from './types.ts';
import { workTransitions } from './work.ts';

export { commitmentOf, isInputOf, type MintId, mintIdOf } from './commitment.ts';
export { gridQuantise, openingsFor, outputRoot } from './grid.ts';
export { mintLimits } from './limits.ts';
export {
  addListing,
  closeListing,
  type ListingTerms,
  listingIdOf,
  listingSchema,
  referencePlaces,
} from './listings.ts';
export { type Assignment, assignmentsOf, type Earnings, earningsOf } from './queries.ts';
export { mintForReceipt, rewardOf } from './rewards.ts';

const unitFields = { listing: listingIdSchema, unit: countSchema(mintLimits.maxUnits - 1) };
const slotFields = { ...unitFields, slot: countSchema(1) };

/**
 * New money for public work. Only what governance listed mints: a job of somebody's own would be paid by itself. A unit goes
 *
 *   enrol e → drawn at the end of e+1 → commit → reveal → (floats: places drawn, openings) → settle → review or not → paid
 *
 * with three epochs for each turn, and every draw made from randomness that was revealed in an epoch after what it decides on.
 * drawing.ts says who works, review.ts who is checked and what is not prevented, rewards.ts what it pays.
 */
export const mint: LedgerModule<MintBodies, MintState> = {
  bodies: {
    enrol: v.strictObject({ listing: listingIdSchema, units: countSchema(mintLimits.maxKeeperUnits) }),
    commit: v.strictObject({ ...slotFields, commitment: exactBytes(32) }),
    reveal: v.strictObject({ ...slotFields, output: exactBytes(32), salt: exactBytes(32) }),
    openings: v.strictObject({ ...slotFields, openings: openingsSchema }),
    judge: v.strictObject({ ...unitFields, output: exactBytes(32), openings: openingsSchema }),
  },
  transitions: workTransitions,
  signatures: {},
  initial: () => ({
    listings: emptyTable(),
    units: emptyTable(),
    enrolments: emptyTable(),
    waiting: 0,
    workers: emptyTable(),
    paid: emptyTable(),
    unvested: 0,
    lastShare: { granted: 1, earned: 1 },
  }),
  endEpoch: endMintEpoch,
  held: ({ unvested }) => unvested,
  countHeld(state) {
    let sum = 0;
    for (const [, { vesting }] of state.workers.entries()) for (const { reward } of vesting) sum += reward;
    return sum;
  },
};
