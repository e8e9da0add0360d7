import { isKeeper, isRound } from './committee.ts';
import type { AgreementState, Certificate, RoundLog, Vote, VoteSet } from './types.ts';

export const createRoundLog = (n: number): RoundLog => {
  const empty: VoteSet = {
    votes: new Array<Vote | undefined>(n).fill(undefined),
    size: 0,
    nils: 0,
    certificate: undefined,
  };
  return { proposed: undefined, prevote: empty, precommit: empty };
};

/** Adds the first vote of a voter. The certificate is made the moment the quorum is full, and stays. */
export const addVote = (set: VoteSet, vote: Vote, quorum: number): VoteSet => {
  const votes = set.votes.slice();
  votes[vote.voter] = vote;
  return {
    votes,
    size: set.size + 1,
    nils: set.nils + (vote.value === null ? 1 : 0),
    certificate: set.certificate ?? certify(votes, vote, quorum),
  };
};

export const heldVotes = (set: VoteSet): Vote[] => set.votes.filter((vote) => vote !== undefined);

/** Whether this is a vote of this height by one of its keepers. */
export const isVote = ({ options }: AgreementState, vote: Vote): boolean =>
  vote.height === options.height &&
  isRound(vote.round) &&
  isKeeper(options.n, vote.voter) &&
  (vote.type === 'prevote' || vote.type === 'precommit');

/** Whether a certificate is what it says: a quorum of different keepers, all for the same. */
export const isCertificate = (
  state: AgreementState,
  { of, height, round, value, votes }: Certificate,
): boolean => {
  const { n } = state.options;
  if (height !== state.options.height || value === null) return false;
  if (votes.length < state.quorum || votes.length > n) return false;
  const voters = new Set<number>();
  for (const vote of votes) {
    if (!isVote(state, vote) || vote.type !== of || vote.round !== round || vote.value !== value)
      return false;
    voters.add(vote.voter);
  }
  return voters.size === votes.length;
};

const certify = (
  votes: readonly (Vote | undefined)[],
  { type, height, round, value }: Vote,
  quorum: number,
): Certificate | undefined => {
  if (value === null) return undefined;
  const alike: Vote[] = [];
  for (const vote of votes) if (vote?.value === value) alike.push(vote);
  if (alike.length < quorum) return undefined;
  return { type: 'certificate', of: type, height, round, value, votes: alike };
};
