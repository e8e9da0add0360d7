import type { AccountId } from '../../../core/brand.ts';
import type { Draft } from '../module.ts';
import { shuffled } from './draws.ts';
import { mintLimits } from './limits.ts';
import type { Chance } from './review.ts';
import {
  changeLive,
  hasStreak,
  isVeteran,
  patch,
  setListing,
  setUnit,
  unitsAllowed,
  workerOf,
} from './state.ts';
import type { Enrolment, Listing, Slot, Unit } from './types.ts';

/**
 * Who works on what, drawn at the end of an epoch.
 *
 * Keepers reveal the randomness of an epoch at any moment during it, so an account that enrols in it may know it: who
 * enrols in epoch e is drawn at the end of e+1. For each listing, every unit that was asked for is a *request*, and requests are
 * put in the order of a hash over the epoch's randomness, listing, account and number, so no order of arrival or of a table
 * matters. Then, from the front: units whose newcomer waits for a partner get a veteran's request; every newcomer's request is
 * paired with a veteran's; what veterans have asked for beyond that they do alone. Keepers' workers without a streak don't work
 * alone, but may be paired among themselves. What is left waits for the next drawing, up to six epochs.
 *
 * Prevented: choosing a partner or a unit, two slots of one account. Not prevented: two accounts of one person or device in one
 * pair, and giving back unworked what was drawn until a friend is the partner; both are why pairs are audited (review.ts).
 * Somebody with very many accounts can crowd other newcomers out of a drawing: they are served by lot, as nothing tells them
 * apart.
 */
export const drawUnits = (draft: Draft, { randomness, epoch }: Chance): void => {
  expire(draft, epoch);
  const byListing = new Map<string, Enrolment[]>();
  for (const [, enrolment] of draft.mint.enrolments.entries()) {
    if (enrolment.epoch >= epoch) continue;
    const others = byListing.get(enrolment.listing);
    if (others) others.push(enrolment);
    else byListing.set(enrolment.listing, [enrolment]);
  }
  // Live units and what an account may hold are shared between listings: the lot decides which comes first.
  for (const id of shuffled(randomness, [...byListing.keys()], (key) => `listing/${key}`)) {
    const listing = draft.mint.listings.get(id);
    if (listing) drawListing(draft, listing, byListing.get(id) ?? [], { randomness, epoch });
  }
};

const drawListing = (draft: Draft, listing: Listing, enrolments: readonly Enrolment[], chance: Chance) => {
  const { randomness, epoch } = chance;
  const requests = shuffled(
    randomness,
    enrolments.flatMap(({ account, units }) => requestsOf(draft, account, units)),
    ({ account, number }) => `draw/${listing.id}/${account}/${number}`,
  ).map(({ account }) => account);
  const veterans = requests.filter((account) => isVeteran(draft, account));
  const newcomers = requests.filter((account) => !isVeteran(draft, account));
  const seats = createSeats(draft, listing, epoch + mintLimits.turnEpochs);
  for (const unit of waitingUnits(draft, listing)) {
    const partner = takeFirst(veterans, ({ account }) =>
      unit.slots.every((slot) => slot.account !== account),
    );
    if (partner) seats.join(unit, partner);
  }
  for (const newcomer of newcomers) {
    if (veterans.length === 0 || !seats.free()) break;
    const partner = veterans.shift();
    if (partner) seats.begin([newcomer, partner]);
  }
  while (veterans.length > 0 && seats.free()) {
    const alone = veterans.shift();
    if (!alone) break;
    if (hasStreak(draft, alone)) seats.begin([alone]);
    else {
      const partner = takeFirst(veterans, ({ account }) => account !== alone);
      if (partner) seats.begin([alone, partner]);
    }
  }
  seats.save();
};

const createSeats = (draft: Draft, given: Listing, deadline: number) => {
  let listing = given;
  const taken = new Map<AccountId, number>();
  const take = (account: AccountId) => {
    changeLive(draft, account, 1);
    taken.set(account, (taken.get(account) ?? 0) + 1);
  };
  const put = (unit: Unit) => setUnit(draft, unit);
  return {
    free: () =>
      draft.mint.units.size < mintLimits.maxLive && (listing.free.length > 0 || listing.next < listing.units),
    begin(accounts: readonly AccountId[]) {
      const [again, ...free] = listing.free;
      const unit = again ?? listing.next;
      listing = { ...listing, free, next: again === undefined ? listing.next + 1 : listing.next };
      put({ listing: listing.id, unit, slots: accounts.map(emptySlot), phase: 'commit', deadline });
      accounts.forEach(take);
    },
    join(unit: Unit, account: AccountId) {
      const [slot = 0] = [0, 1].filter((number) => unit.slots.every((each) => each.slot !== number));
      const { listing: id, unit: number, slots } = unit;
      put({
        listing: id,
        unit: number,
        slots: [...slots, emptySlot(account, slot)],
        phase: 'commit',
        deadline,
      });
      take(account);
    },
    save() {
      setListing(draft, listing);
      for (const [account, count] of taken) changeEnrolment(draft, `${listing.id}/${account}`, count);
    },
  };
};

const emptySlot = (account: AccountId, slot: number): Slot => ({
  slot,
  account,
  commitment: null,
  root: null,
  opened: null,
});

/** What an account asked for in several listings is limited again here, where it is drawn. */
const requestsOf = (draft: Draft, account: AccountId, units: number) => {
  const room = unitsAllowed(draft, account) - workerOf(draft, account).live;
  return Array.from({ length: Math.max(0, Math.min(units, room)) }, (_, number) => ({ account, number }));
};

/** A newcomer has committed, its partner was silent. In the order of their numbers. */
const waitingUnits = ({ mint }: Draft, { id }: Listing): readonly Unit[] =>
  [...mint.units.entries()]
    .map(([, unit]) => unit)
    .filter((unit) => unit.listing === id && isWaiting(unit))
    .sort((a, b) => a.unit - b.unit);

export const isWaiting = ({ phase, slots }: Unit): boolean =>
  phase === 'commit' && slots.length === 1 && slots.every(({ commitment }) => commitment);

const expire = (draft: Draft, epoch: number): void => {
  for (const [key, { listing, units, epoch: since }] of draft.mint.enrolments.entries()) {
    const gone = since + mintLimits.enrolmentEpochs < epoch || draft.mint.listings.get(listing)?.closed;
    if (gone) changeEnrolment(draft, key, units);
  }
};

const changeEnrolment = (draft: Draft, key: string, taken: number): void => {
  const { enrolments, waiting } = draft.mint;
  const enrolment = enrolments.get(key);
  if (!enrolment) return;
  const units = enrolment.units - taken;
  patch(draft, {
    enrolments: units > 0 ? enrolments.set(key, { ...enrolment, units }) : enrolments.delete(key),
    waiting: waiting - taken,
  });
};

const takeFirst = (
  accounts: AccountId[],
  fits: (candidate: { readonly account: AccountId }) => boolean,
): AccountId | undefined => {
  const at = accounts.findIndex((account) => fits({ account }));
  return at < 0 ? undefined : accounts.splice(at, 1)[0];
};
