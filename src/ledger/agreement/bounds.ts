import type { AgreementState, RoundLog } from './types.ts';

/**
 * Rounds around the current one whose messages are kept. Older ones matter no more, but for the valid round of a proposal, which
 * is kept as long as the proposal is; newer ones are sent again when this keeper gets there.
 */
export const roundWindow = { past: 4, ahead: 4 } as const;

export const isKept = (state: AgreementState, round: number): boolean =>
  isNear(state.round, round) || isValidRoundOf(state.rounds, round);

/** The logs that stay when a round begins. */
export const keptLogs = (
  rounds: ReadonlyMap<number, RoundLog>,
  current: number,
): ReadonlyMap<number, RoundLog> => {
  const near = new Map<number, RoundLog>();
  for (const [round, log] of rounds) if (isNear(current, round)) near.set(round, log);
  const kept = new Map(near);
  for (const [round, log] of rounds) if (isValidRoundOf(near, round)) kept.set(round, log);
  return kept;
};

/** What is known of values that some kept proposal or quorum still speaks of. */
export const keptValidity = ({
  validity,
  rounds,
  locked,
  valid,
  commit,
}: AgreementState): AgreementState['validity'] => {
  const named = new Set([locked?.value, valid?.value, commit?.value]);
  for (const { proposed, prevote } of rounds.values())
    named.add(proposed?.proposal.value).add(prevote.certificate?.value);
  return new Map([...validity].filter(([value]) => named.has(value)));
};

const isNear = (current: number, round: number): boolean =>
  round >= current - roundWindow.past && round <= current + roundWindow.ahead;

const isValidRoundOf = (rounds: ReadonlyMap<number, RoundLog>, round: number): boolean => {
  for (const { proposed } of rounds.values()) if (proposed?.proposal.validRound === round) return true;
  return false;
};
