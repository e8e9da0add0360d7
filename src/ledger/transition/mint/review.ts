import type { AccountId } from '../../../core/brand.ts';
import type { Draft } from '../module.ts';
import { unitKeyOf } from './commitment.ts';
import { drawFor, numberOf, shuffled } from './draws.ts';
import { mintLimits } from './limits.ts';
import { allMatch, keepersOutput, outputOf, outputsMatch, wordsOf } from './outputs.ts';
import { expectedReward } from './rewards.ts';
import { hasStreak, isKeeperWorker, wordsNeeded, workerOf } from './state.ts';
import type { Listing, Output, Seat, Unit, UnitIn } from './types.ts';

/**
 * How a unit is decided once its workers have said all they have to say.
 *
 * Everything a worker must supply is in the log before it is drawn whether the unit is done again: whoever could wait for the
 * draw would go silent instead of being caught, at the price of a streak. So whoever does it again sees the outputs, and could
 * copy them instead of computing (the verifier's dilemma; Luu et al., "Demystifying incentives", CCS 2015). Therefore only
 * keepers' workers do it, of whom f may be liars anyway.
 *
 * Three holes were found by `npm run sim -- mint` (30 % colluders, honest work costs 90 % of its reward, VC per worker), and closed:
 *
 * **Matching pairs are drawn, too.** Were only solo work audited, two accounts of one owner that happen to be paired could agree
 * on anything without computing and without risk: 10.3 against 6.7 for honest work; with the draw -2.2 against 6.4. What a
 * pair saves is twice as much, so its chance is doubled.
 *
 * **A streak is surety for its own size only.** With p by the streak alone, cheap units stood surety for a lie at a unit that
 * pays five times as much: 10.5 against 6.5; with what is unvested counted -20.0 against 6.8.
 *
 * **Nobody is found wrong but by f+1 keepers' workers.** If the word of a third decides alone, it is a colluder with the
 * colluders' share and burns what honest workers earned: honest work came to -10.4. So a tie is broken by a keeper's worker, and
 * with several keepers by as many as make sure that one of them is honest. Here honest work loses nothing.
 *
 * Not prevented: what more than f keepers' workers say is true. With one keeper (f = 0) its own worker is not checked by
 * anybody, and its randomness is known to itself before. A swarm of N keepers whose workers are silent decides no quarrel: such
 * units are void, and nobody is paid for them.
 */
export const settle = (
  draft: Draft,
  unit: UnitIn<'settle'>,
  listing: Listing,
  chance: Chance,
): Unit | 'void' => {
  const outputs = unit.slots.flatMap((slot) => outputOf(slot) ?? []);
  const matched = allMatch(listing.match, outputs);
  const known = keepersOutput(listing.match, wordsOf(unit), draft);
  if (known) return decided(unit, listing, known);
  if (matched && !isAudited(draft, unit, listing, chance)) return accepted(unit);
  const base = { listing: unit.listing, unit: unit.unit, slots: unit.slots, seed: unit.seed };
  return withReviewer(draft, { ...base, tried: [], contested: !matched, words: [] }, chance);
};

export type Chance = { readonly randomness: Uint8Array; readonly epoch: number };

/** The reviewer's time is over: another is drawn, a few times. What was said stays said. */
export const replaceReviewer = (draft: Draft, unit: UnitIn<'review'>, chance: Chance): Unit | 'void' => {
  const { review, listing, seed, slots } = unit;
  const tried = [...review.tried, review.reviewer];
  if (tried.length >= mintLimits.maxReviewers) return 'void';
  const { contested, words } = review;
  return withReviewer(draft, { listing, unit: unit.unit, seed, slots, tried, contested, words }, chance);
};

/** After a word was added: decided, contested, or as it was. */
export const weigh = (draft: Draft, unit: UnitIn<'review'>, listing: Listing): Unit => {
  const { review } = unit;
  if (!review.contested) {
    const said = review.words.find(({ account }) => account === review.reviewer);
    const agrees =
      said !== undefined &&
      unit.slots.every((slot) => {
        const output = outputOf(slot);
        return output !== undefined && outputsMatch(listing.match, said, output);
      });
    if (agrees) return decided(unit, listing, said);
  }
  const contested = { ...unit, review: { ...review, contested: true } };
  const known = keepersOutput(listing.match, wordsOf(unit), draft);
  return known ? decided(unit, listing, known) : contested;
};

/** Keepers' workers that have no part in the unit. */
export const mayJudge = (
  draft: Pick<Draft, 'keepers'>,
  unit: UnitIn<'review'>,
  account: AccountId,
): boolean =>
  isKeeperWorker(draft, account) &&
  unit.slots.every((slot) => slot.account !== account) &&
  unit.review.words.every((word) => word.account !== account) &&
  (unit.review.contested || unit.review.reviewer === account);

/**
 * p = max(auditPermille / 1000, 1.5 n / s · N / (N - f)) for n workers: 5 % of what is done by long-serving ones, and more as
 * there is less to lose. s is what the most established of them would lose, counted in rewards like this one, and at most its
 * streak. The last factor makes up for the f reviewers of N that may vouch for a lie: honest ones then come with 1.5 n / s.
 * Nobody who has nothing to lose passes without a check.
 */
const isAudited = (draft: Draft, { slots, ...unit }: UnitIn<'settle'>, listing: Listing, chance: Chance) => {
  const surety = Math.max(...slots.map(({ account }) => suretyOf(draft, account, listing)));
  const question = `audit/${unitKeyOf(unit.listing, unit.unit)}`;
  const drawn = numberOf(drawFor(chance.randomness, question)) % drawRange;
  const keepers = draft.keepers.length;
  const honest = keepers - wordsNeeded(draft) + 1;
  return (
    drawn * 1_000 < draft.parameters.auditPermille * drawRange ||
    drawn * 2 * surety * honest < 3 * slots.length * keepers * drawRange
  );
};
const drawRange = 2 ** 32;
const maxSurety = 10_000; // with 31 keepers the products above are exact

const suretyOf = (draft: Draft, account: AccountId, listing: Listing): number => {
  const { streak, unvested } = workerOf(draft, account);
  const reward = expectedReward(listing, draft);
  const covered = reward > 0 ? Math.floor(unvested / reward) : streak;
  const own = Math.min(streak, covered, maxSurety);
  // A keeper's seat is worth more to it than ten rewards, and it has to begin somewhere.
  if (isKeeperWorker(draft, account)) return Math.max(own, draft.parameters.veteranStreak);
  return hasStreak(draft, account) ? own : 0;
};

const withReviewer = (
  draft: Draft,
  {
    tried,
    contested,
    words,
    ...base
  }: Pick<UnitIn<'review'>, 'listing' | 'unit' | 'slots' | 'seed'> &
    Omit<UnitIn<'review'>['review'], 'reviewer'>,
  { randomness, epoch }: Chance,
): Unit | 'void' => {
  const able = [...new Set(draft.keepers.map(({ worker }) => worker))].filter((account) =>
    base.slots.every((slot) => slot.account !== account),
  );
  const fresh = able.filter((account) => !tried.includes(account));
  const question = `review/${unitKeyOf(base.listing, base.unit)}`;
  const [reviewer] = shuffled(
    randomness,
    fresh.length > 0 ? fresh : able,
    (account) => `${question}/${account}`,
  );
  if (!reviewer) return 'void';
  const review = { reviewer, tried, contested, words };
  return { ...base, phase: 'review', review, deadline: epoch + mintLimits.turnEpochs };
};

const accepted = (unit: UnitIn<'settle'>): Unit => {
  const { listing, slots } = unit;
  return { listing, unit: unit.unit, slots, phase: 'decided', good: slots.map(seatOf), bad: [] };
};

/** Whoever said this output is right, the drawn reviewer included; whoever said another is wrong, a keeper's worker included. */
const decided = (unit: Unit, { match }: Listing, truth: Output): Unit => {
  const right = new Set(
    wordsOf(unit).flatMap((word) => (outputsMatch(match, word, truth) ? [word.account] : [])),
  );
  const seats = unit.slots.map(seatOf);
  const reviewer: readonly Seat[] =
    unit.phase === 'review' ? [{ slot: reviewSlot(unit), account: unit.review.reviewer }] : [];
  return {
    listing: unit.listing,
    unit: unit.unit,
    slots: unit.slots,
    phase: 'decided',
    good: [...seats, ...reviewer].filter(({ account }) => right.has(account)),
    bad: wordsOf(unit).flatMap(({ account }) => (right.has(account) ? [] : [account])),
  };
};

/** The second slot of a unit done alone, the third of a pair's. */
export const reviewSlot = ({ slots }: Pick<Unit, 'slots'>): number =>
  slots.reduce((next, { slot }) => Math.max(next, slot + 1), 0);

const seatOf = ({ slot, account }: Seat): Seat => ({ slot, account });
