import type { Draft, EpochContext } from '../module.ts';
import { unitKeyOf } from './commitment.ts';
import { drawUnits, isWaiting } from './drawing.ts';
import { mintLimits } from './limits.ts';
import { replaceReviewer, settle } from './review.ts';
import { endStreak, forfeit, type Payment, payAll } from './rewards.ts';
import { changeLive, hasStreak, removeUnit, setUnit } from './state.ts';
import type { Listing, Slot, Unit, UnitIn } from './types.ts';

/**
 * The mint at the end of an epoch: turns that have passed, places and audits that are drawn, then pay, then forfeits, then the
 * next drawing. What becomes of a unit depends on it and the draw for it alone, and pay comes before forfeits, so no order of
 * units is of consequence. Work is bounded by the units that are live and asked for (limits.ts).
 */
export const endMintEpoch = (draft: Draft, context: EpochContext): void => {
  for (const [, unit] of [...draft.mint.units.entries()]) stepUnit(draft, unit, context);
  payDecided(draft, context);
  drawUnits(draft, context);
};

const stepUnit = (draft: Draft, unit: Unit, context: EpochContext): void => {
  const listing = draft.mint.listings.get(unit.listing);
  if (!listing) return; // never: listings are closed, not deleted
  switch (unit.phase) {
    case 'commit':
      if (context.epoch >= unit.deadline) endCommit(draft, unit, context.epoch);
      return;
    case 'reveal':
      stepReveal(draft, unit, listing, context);
      return;
    case 'open':
      if (context.epoch >= unit.deadline)
        endTurn(draft, unit, ({ opened }) => opened !== null, context, { seed: unit.seed });
      return;
    case 'settle':
      // This epoch's randomness may have been known before the outputs were.
      if (unit.since < context.epoch) put(draft, unit, settle(draft, unit, listing, context));
      return;
    case 'review':
      if (context.epoch >= unit.deadline) put(draft, unit, replaceReviewer(draft, unit, context));
      return;
    case 'decided':
      return;
    default:
      unit satisfies never;
  }
};

/** A turn to commit has passed. Who has not begun leaves without harm. */
const endCommit = (draft: Draft, unit: UnitIn<'commit'>, epoch: number): void => {
  const slots = leaving(draft, unit, ({ commitment }) => commitment !== null);
  const [only] = slots;
  if (!only || isWaiting(unit)) {
    removeUnit(draft, { ...unit, slots }, 'free');
    return;
  }
  // A veteran may go on alone, and is audited as one; a newcomer waits for another partner.
  const alone = hasStreak(draft, only.account);
  const { listing, unit: number } = unit;
  setUnit(
    draft,
    alone
      ? {
          listing,
          unit: number,
          slots,
          phase: 'reveal',
          since: epoch,
          deadline: epoch + mintLimits.turnEpochs,
        }
      : { listing, unit: number, slots, phase: 'commit', deadline: epoch + mintLimits.partnerEpochs },
  );
};

const stepReveal = (draft: Draft, unit: UnitIn<'reveal'>, listing: Listing, context: EpochContext): void => {
  const revealed = ({ root }: Slot) => root !== null;
  if (unit.slots.every(revealed) && unit.since < context.epoch) beginOpening(draft, unit, context);
  else if (context.epoch >= unit.deadline)
    endTurn(draft, unit, revealed, context, listing.match.kind === 'hash' ? { seed: null } : 'open');
};

const beginOpening = (
  draft: Draft,
  { listing, unit, slots }: Pick<Unit, 'listing' | 'unit' | 'slots'>,
  { randomness, epoch }: EpochContext,
): void => {
  const deadline = epoch + mintLimits.turnEpochs;
  setUnit(draft, { listing, unit, slots, phase: 'open', seed: randomness, deadline });
};

/** Who committed and was then silent loses its streak; with what the others said it goes on, if anybody did. */
const endTurn = (
  draft: Draft,
  unit: UnitIn<'reveal' | 'open'>,
  spoke: (slot: Slot) => boolean,
  context: EpochContext,
  then: 'open' | { readonly seed: Uint8Array<ArrayBuffer> | null },
): void => {
  const key = unitKeyOf(unit.listing, unit.unit);
  for (const slot of unit.slots) if (!spoke(slot)) endStreak(draft, slot.account, key, context.emit);
  const slots = leaving(draft, unit, spoke);
  const { listing, unit: number } = unit;
  if (slots.length === 0) removeUnit(draft, { ...unit, slots }, 'free');
  else if (then === 'open') beginOpening(draft, { listing, unit: number, slots }, context);
  else
    setUnit(draft, { listing, unit: number, slots, phase: 'settle', seed: then.seed, since: context.epoch });
};

const leaving = (draft: Draft, unit: Unit, stays: (slot: Slot) => boolean): readonly Slot[] => {
  for (const slot of unit.slots) if (!stays(slot)) changeLive(draft, slot.account, -1);
  return unit.slots.filter(stays);
};

const put = (draft: Draft, before: Unit, after: Unit | 'void'): void =>
  after === 'void' ? removeUnit(draft, before, 'voided') : setUnit(draft, after);

const payDecided = (draft: Draft, { emit }: EpochContext): void => {
  const payments: Payment[] = [];
  const bad: { readonly account: Payment['account']; readonly about: string }[] = [];
  for (const [key, unit] of [...draft.mint.units.entries()]) {
    if (unit.phase !== 'decided') continue;
    const { listing, unit: number } = unit;
    payments.push(...unit.good.map((seat) => ({ ...seat, listing, unit: number })));
    bad.push(...unit.bad.map((account) => ({ account, about: key })));
    removeUnit(draft, unit, unit.good.length > 0 ? 'accepted' : 'voided');
  }
  payAll(draft, payments, emit);
  for (const { account, about } of bad) forfeit(draft, account, about, emit);
};
