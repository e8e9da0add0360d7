import type { AccountId } from '../../../core/brand.ts';
import type { LedgerState } from '../../types.ts';
import { placesOf } from './grid.ts';
import { mayJudge } from './review.ts';
import { workerOf } from './state.ts';
import type { Listing, ListingId, Unit } from './types.ts';

/** What pages and worker loops read; nothing here changes anything. */

export type Earnings = {
  readonly streak: number;
  readonly accepted: number;
  /** µVC, earned and not paid out. */
  readonly unvested: number;
  /** The next to be paid out, after so many more accepted units. */
  readonly next: { readonly reward: number; readonly units: number } | undefined;
};

export const earningsOf = (state: LedgerState, account: AccountId): Earnings => {
  const { streak, accepted, unvested, vesting } = workerOf(state, account);
  const at = Math.min(...vesting.map((entry) => entry.at));
  const reward = vesting.reduce((sum, entry) => (entry.at === at ? sum + entry.reward : sum), 0);
  return {
    streak,
    accepted,
    unvested,
    next: vesting.length > 0 ? { reward, units: at - accepted } : undefined,
  };
};

export type Assignment = {
  readonly listing: ListingId;
  readonly unit: number;
  /** The operation that is due. A `judge` names no slot. */
  readonly what: 'commit' | 'reveal' | 'openings' | 'judge';
  readonly slot: number | undefined;
  /** The last epoch that may hold it. */
  readonly deadline: number;
  /** Blocks to open; empty where outputs match by hash, or none is due. */
  readonly places: readonly number[];
};

/** What the account must do now, the most urgent first. Reads every live unit. */
export const assignmentsOf = (state: LedgerState, account: AccountId): readonly Assignment[] =>
  [...state.mint.units.entries()]
    .flatMap(([, unit]) => {
      const listing = state.mint.listings.get(unit.listing);
      const due = listing && dueIn(state, unit, listing, account);
      return due ? [due] : [];
    })
    .sort((a, b) => a.deadline - b.deadline || (a.listing < b.listing ? -1 : 1) || a.unit - b.unit);

const dueIn = (
  state: LedgerState,
  unit: Unit,
  { match }: Listing,
  account: AccountId,
): Assignment | undefined => {
  const slot = unit.slots.find((each) => each.account === account);
  const placesBy = (seed: Uint8Array | null) =>
    seed && match.kind === 'grid' ? placesOf(seed, match.values) : [];
  const due = (what: Assignment['what'], deadline: number, places: readonly number[] = []): Assignment => ({
    listing: unit.listing,
    unit: unit.unit,
    slot: slot?.slot,
    what,
    deadline,
    places,
  });
  switch (unit.phase) {
    case 'commit':
      return slot && !slot.commitment ? due('commit', unit.deadline) : undefined;
    case 'reveal':
      return slot && !slot.root ? due('reveal', unit.deadline) : undefined;
    case 'open':
      return slot && !slot.opened ? due('openings', unit.deadline, placesBy(unit.seed)) : undefined;
    case 'review':
      return mayJudge(state, unit, account) ? due('judge', unit.deadline, placesBy(unit.seed)) : undefined;
    case 'settle':
    case 'decided':
      return undefined;
    default:
      return unit satisfies never;
  }
};
