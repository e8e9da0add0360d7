import { equalBytes } from '../../../core/bytes.ts';
import type { LedgerState } from '../../types.ts';
import { differingBlocks } from './grid.ts';
import { seatsOf, wordsNeeded } from './state.ts';
import type { Match, Output, Slot, Unit, Word } from './types.ts';

/** What the outputs of one unit say together. */

export const outputOf = ({ root, opened }: Slot): Output | undefined =>
  root && opened ? { root, opened } : undefined;

/** Not transitive on a grid: two outputs within a step of a third may be two steps apart. */
export const outputsMatch = ({ kind }: Match, one: Output, other: Output): boolean =>
  kind === 'hash' ? equalBytes(one.root, other.root) : differingBlocks(one.opened, other.opened) === 0;

export const allMatch = (match: Match, outputs: readonly Output[]): boolean =>
  outputs.every((one, i) => outputs.slice(0, i).every((other) => outputsMatch(match, one, other)));

/** Everything that was said of a unit by anybody, workers first. */
export const wordsOf = (unit: Unit): readonly Word[] => {
  const said = unit.slots.flatMap((slot) => {
    const output = outputOf(slot);
    return output ? [{ ...output, account: slot.account }] : [];
  });
  return unit.phase === 'review' ? [...said, ...unit.review.words] : said;
};

/**
 * The output that the workers of f+1 keepers agree on, what they did as workers of the unit included. Undefined while there is
 * none, and if there are two that don't match: then more than f lie.
 */
export const keepersOutput = (
  match: Match,
  words: readonly Word[],
  state: Pick<LedgerState, 'keepers'>,
): Output | undefined => {
  const needed = wordsNeeded(state);
  const agreed = words.filter((candidate) => {
    const agreeing = words.filter((word) => outputsMatch(match, candidate, word));
    return agreeing.reduce((seats, { account }) => seats + seatsOf(state, account), 0) >= needed;
  });
  const [first] = agreed;
  if (!first || !agreed.every((other) => outputsMatch(match, first, other))) return undefined;
  return first;
};
