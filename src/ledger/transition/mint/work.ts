import type { AccountId } from '../../../core/brand.ts';
import { equalBytes } from '../../../core/bytes.ts';
import { err, fault, ok, type Result } from '../../../core/result.ts';
import type { Draft, OperationFault, Transition } from '../module.ts';
import { commitmentOf, unitKeyOf } from './commitment.ts';
import { placesOf, readOpenings } from './grid.ts';
import { mintLimits } from './limits.ts';
import { mayJudge, weigh } from './review.ts';
import { patch, setUnit, unitsAllowed, workerOf } from './state.ts';
import type { Listing, ListingId, MintBodies, Opening, Slot, Unit, UnitIn } from './types.ts';

type Refused = Result<never, OperationFault>;
const noBytes = new Uint8Array();

/** What workers say, each in its turn. Turns that pass, draws and money are the end of the epoch's (epoch.ts). */
export const workTransitions: { readonly [Kind in keyof MintBodies]: Transition<MintBodies[Kind]> } = {
  enrol(draft, { listing: id, units }, { account }) {
    const listing = draft.mint.listings.get(id);
    if (!listing) return refuse('there is no such listing');
    if (listing.closed && units > 0) return refuse('this listing is closed: choose another');
    const key = `${id}/${account}`;
    const { enrolments, waiting } = draft.mint;
    const before = enrolments.get(key)?.units ?? 0;
    const allowed = unitsAllowed(draft, account) - workerOf(draft, account).live;
    if (units > allowed)
      return refuse(`it may ask for ${Math.max(0, allowed)} more units now, not ${units}: finish some first`);
    if (waiting - before + units > mintLimits.maxWaiting)
      return refuse(`${waiting} units are asked for already: ask again after the next drawing`);
    const entry = { listing: id, account, units, epoch: draft.epoch };
    patch(draft, {
      enrolments: units > 0 ? enrolments.set(key, entry) : enrolments.delete(key),
      waiting: waiting - before + units,
    });
    return ok(undefined);
  },

  commit(draft, body, { account }) {
    const found = unitIn(draft, body, 'commit');
    if (!found.ok) return found;
    const { unit } = found.value;
    const slot = ownSlot(unit, body.slot, account);
    if (!slot.ok) return slot;
    if (slot.value.commitment) return refuse('this slot has committed already, and a commitment stands');
    const slots = replaced(unit, { ...slot.value, commitment: body.commitment });
    setUnit(draft, afterCommit(draft, { ...unit, slots }));
    return ok(undefined);
  },

  reveal(draft, body, { account }) {
    const found = unitIn(draft, body, 'reveal');
    if (!found.ok) return found;
    const { unit, listing } = found.value;
    const slot = ownSlot(unit, body.slot, account);
    if (!slot.ok) return slot;
    if (slot.value.root) return refuse('this slot has revealed its output already');
    const { output, salt } = body;
    const commitment = commitmentOf({ account, listing: unit.listing, unit: unit.unit, output, salt });
    if (!slot.value.commitment || !equalBytes(slot.value.commitment, commitment))
      return refuse('the output with this salt is not what the slot committed to');
    const isHash = listing.match.kind === 'hash';
    const slots = replaced(unit, { ...slot.value, root: output, opened: isHash ? noBytes : null });
    const complete = isHash && slots.every(({ root }) => root);
    const { unit: number } = unit;
    setUnit(
      draft,
      complete
        ? { listing: listing.id, unit: number, slots, phase: 'settle', seed: null, since: draft.epoch }
        : { ...unit, slots },
    );
    return ok(undefined);
  },

  openings(draft, body, { account }) {
    const found = unitIn(draft, body, 'open');
    if (!found.ok) return found;
    const { unit, listing } = found.value;
    const slot = ownSlot(unit, body.slot, account);
    if (!slot.ok) return slot;
    if (slot.value.opened) return refuse('this slot has opened its output already');
    const opened = slot.value.root && openedAt(listing, unit.seed, slot.value.root, body.openings);
    if (!opened) return refuse("these are not the blocks at the unit's places under the revealed root");
    const slots = replaced(unit, { ...slot.value, opened });
    const { seed, unit: number } = unit;
    setUnit(
      draft,
      slots.every((each) => each.opened)
        ? { listing: listing.id, unit: number, slots, phase: 'settle', seed, since: draft.epoch }
        : { ...unit, slots },
    );
    return ok(undefined);
  },

  judge(draft, body, { account }) {
    const found = unitIn(draft, body, 'review');
    if (!found.ok) return found;
    const { unit, listing } = found.value;
    if (!mayJudge(draft, unit, account))
      return refuse(
        'its word on this unit is not asked: it is no keeper’s worker, has a part in it, or has spoken',
      );
    const opened = openedAt(listing, unit.seed, body.output, body.openings);
    if (!opened) return refuse("these are not the blocks at the unit's places under this root");
    const words = [...unit.review.words, { account, root: body.output, opened }];
    setUnit(draft, weigh(draft, { ...unit, review: { ...unit.review, words } }, listing));
    return ok(undefined);
  },
};

/** Once every slot has committed, nobody gains by seeing another's output. */
export const afterCommit = (draft: Draft, unit: UnitIn<'commit'>): Unit =>
  unit.slots.every(({ commitment }) => commitment)
    ? { ...unit, phase: 'reveal', since: draft.epoch, deadline: draft.epoch + mintLimits.turnEpochs }
    : unit;

const openedAt = (
  { match }: Listing,
  seed: Uint8Array | null,
  root: Uint8Array,
  openings: readonly Opening[],
) => {
  if (match.kind === 'hash') return openings.length === 0 ? noBytes : undefined;
  return seed ? readOpenings(root, openings, placesOf(seed, match.values), match.values) : undefined;
};

const unitIn = <Phase extends Unit['phase']>(
  draft: Draft,
  { listing: id, unit: number }: { readonly listing: ListingId; readonly unit: number },
  phase: Phase,
): Result<{ readonly unit: UnitIn<Phase>; readonly listing: Listing }, OperationFault> => {
  const unit = draft.mint.units.get(unitKeyOf(id, number));
  const listing = draft.mint.listings.get(id);
  if (!unit || !listing) return refuse(`nobody works on unit ${number} of this listing now`);
  if (!isIn(unit, phase))
    return refuse(`unit ${number} is in its phase "${unit.phase}", this belongs to "${phase}"`);
  return ok({ unit, listing });
};

const isIn = <Phase extends Unit['phase']>(unit: Unit, phase: Phase): unit is UnitIn<Phase> =>
  unit.phase === phase;

const ownSlot = (unit: Unit, number: number, account: AccountId): Result<Slot, OperationFault> => {
  const slot = unit.slots.find((each) => each.slot === number);
  return slot?.account === account ? ok(slot) : refuse(`slot ${number} of this unit is not this account's`);
};

const replaced = ({ slots }: Unit, slot: Slot): readonly Slot[] =>
  slots.map((each) => (each.slot === slot.slot ? slot : each));

const refuse = (message: string): Refused => err(fault('operation', message));
