import type { AccountId } from '../../../core/brand.ts';
import type { Parameters } from '../../parameters.ts';
import type { Keeper, LedgerState } from '../../types.ts';
import type { Draft } from '../module.ts';
import { unitKeyOf } from './commitment.ts';
import { mintLimits } from './limits.ts';
import type { Listing, MintState, Unit, Worker } from './types.ts';

/** Reading and writing the mint's tables. Knows no rule of when. */

export const emptyWorker: Worker = { streak: 0, accepted: 0, live: 0, unvested: 0, vesting: [] };

export const workerOf = ({ mint }: Pick<LedgerState, 'mint'>, account: AccountId): Worker =>
  mint.workers.get(account) ?? emptyWorker;

/** Who has earned nothing yet and holds nothing leaves no trace. */
export const setWorker = (draft: Draft, account: AccountId, worker: Worker): void => {
  const { workers, unvested } = draft.mint;
  const change = worker.unvested - workerOf(draft, account).unvested;
  const gone = worker.accepted === 0 && worker.live === 0;
  patch(draft, {
    workers: gone ? workers.delete(account) : workers.set(account, worker),
    unvested: unvested + change,
  });
};

export const setUnit = (draft: Draft, unit: Unit): void =>
  patch(draft, { units: draft.mint.units.set(unitKeyOf(unit.listing, unit.unit), unit) });

export const setListing = (draft: Draft, listing: Listing): void =>
  patch(draft, { listings: draft.mint.listings.set(listing.id, listing) });

export const patch = (draft: Draft, change: Partial<MintState>): void => {
  draft.mint = { ...draft.mint, ...change };
};

/** A worker takes (1) or leaves (-1) a slot. */
export const changeLive = (draft: Draft, account: AccountId, by: 1 | -1): void => {
  const worker = workerOf(draft, account);
  setWorker(draft, account, { ...worker, live: worker.live + by });
};

/** The unit leaves the table, its workers their slots. `end` says what the listing makes of it. */
export const removeUnit = (draft: Draft, unit: Unit, end: 'accepted' | 'voided' | 'free'): void => {
  for (const { account } of unit.slots) changeLive(draft, account, -1);
  patch(draft, { units: draft.mint.units.delete(unitKeyOf(unit.listing, unit.unit)) });
  const listing = draft.mint.listings.get(unit.listing);
  if (!listing) return; // never: listings are closed, not deleted
  if (end === 'free')
    setListing(draft, { ...listing, free: [...listing.free, unit.unit].sort((a, b) => a - b) });
  else setListing(draft, { ...listing, [end]: listing[end] + 1 });
};

export const isKeeperWorker = ({ keepers }: { readonly keepers: readonly Keeper[] }, account: AccountId) =>
  keepers.some(({ worker }) => worker === account);

/** Seats for which an account speaks: several keepers may have one worker. */
export const seatsOf = ({ keepers }: { readonly keepers: readonly Keeper[] }, account: AccountId): number =>
  keepers.filter(({ worker }) => worker === account).length;

/** f + 1 of N = 3f + 1: at least one of so many is honest. */
export const wordsNeeded = ({ keepers }: { readonly keepers: readonly Keeper[] }): number =>
  Math.floor((keepers.length - 1) / 3) + 1;

type Standing = Pick<LedgerState, 'mint' | 'keepers'> & { readonly parameters: Parameters };

/** May work alone. */
export const hasStreak = (state: Standing, account: AccountId): boolean =>
  workerOf(state, account).streak >= state.parameters.veteranStreak;

/** One of every pair. At first there are only the keepers' workers. */
export const isVeteran = (state: Standing, account: AccountId): boolean =>
  hasStreak(state, account) || isKeeperWorker(state, account);

/** Slots that an account may hold or ask for. */
export const unitsAllowed = (state: Standing, account: AccountId): number => {
  if (isKeeperWorker(state, account)) return mintLimits.maxKeeperUnits;
  const { maxVeteranUnits } = mintLimits;
  return hasStreak(state, account)
    ? maxVeteranUnits
    : Math.min(maxVeteranUnits, workerOf(state, account).streak + 1);
};
