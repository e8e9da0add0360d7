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
  const what = turnOf(state, unit, account);
  if (!what || unit.phase === 'settle' || unit.phase === 'decided') return undefined;
  const seed = unit.phase === 'open' || unit.phase === 'review' ? unit.seed : null;
  return {
    listing: unit.listing,
    unit: unit.unit,
    what,
    slot: unit.slots.find((each) => each.account === account)?.slot,
    deadline: unit.deadline,
    places: seed && match.kind === 'grid' ? placesOf(seed, match.values) : [],
  };
};

const turnOf = (state: LedgerState, unit: Unit, account: AccountId): Assignment['what'] | undefined => {
  if (unit.phase === 'review') return mayJudge(state, unit, account) ? 'judge' : undefined;
  const slot = unit.slots.find((each) => each.account === account);
  if (!slot) return undefined;
  if (unit.phase === 'commit') return slot.commitment ? undefined : 'commit';
  if (unit.phase === 'reveal') return slot.root ? undefined : 'reveal';
  return unit.phase === 'open' && !slot.opened ? 'openings' : undefined;
};
