import type { AccountId } from '../../../core/brand.ts';
import { err, fault, ok, type Result } from '../../../core/result.ts';
import { mulDivCeil } from '../../amounts.ts';
import { emptyTable } from '../../table/index.ts';
import type { OperationFault } from '../module.ts';
import { majorityOf } from './actions/index.ts';
import { governanceLimits } from './limits.ts';
import type { Action, Ballot, Choice, Holding, PowerCount, Tally, Terms } from './types.ts';

/**
 * Counting. A voter brings its own power and that of whoever delegated to it and hasn't spoken alone; who speaks later takes
 * its power back from its delegate. One hop: power that was received is not passed on, so circles are harmless.
 */
export const emptyTally: Tally = { for: 0, against: 0, abstain: 0 };
export const emptyBallot = (): Ballot => ({
  votes: emptyTable(),
  vetoes: emptyTable(),
  overridden: emptyTable(),
});

/** The first vote is final. */
export const castVote = (
  ballot: Ballot,
  tally: Tally,
  voter: AccountId,
  holding: Holding,
  choice: Choice,
): Result<{ ballot: Ballot; tally: Tally }, OperationFault> => {
  if (ballot.votes.has(voter)) return refuse('this account has voted: its first vote is final');
  const weight = weightOf(ballot, voter, holding);
  if (weight === 0) return refuse(noPower);
  let counted = { ...tally, [choice]: tally[choice] + weight };
  const delegate = holding.delegate && ballot.votes.get(holding.delegate);
  if (delegate) counted = { ...counted, [delegate]: counted[delegate] - holding.power };
  const votes = ballot.votes.set(voter, choice);
  return ok({ ballot: { ...overriding(ballot, holding), votes }, tally: counted });
};

/** A veto speaks alone as well, but who has voted took its power back already. */
export const castVeto = (
  ballot: Ballot,
  vetoPower: number,
  voter: AccountId,
  holding: Holding,
): Result<{ ballot: Ballot; vetoPower: number }, OperationFault> => {
  if (ballot.vetoes.has(voter)) return refuse('this account has vetoed it already');
  const weight = weightOf(ballot, voter, holding);
  if (weight === 0) return refuse(noPower);
  const spokeBefore = ballot.votes.has(voter);
  const { delegate } = holding;
  const carried = !spokeBefore && delegate && ballot.vetoes.has(delegate) ? holding.power : 0;
  const next = spokeBefore ? ballot : overriding(ballot, holding);
  const vetoes = ballot.vetoes.set(voter, true);
  return ok({ ballot: { ...next, vetoes }, vetoPower: vetoPower + weight - carried });
};

/** What an account would bring if it spoke now. */
export const weightOf = (
  { overridden }: Pick<Ballot, 'overridden'>,
  voter: AccountId,
  { power, received }: Holding,
): number => power + received - (overridden.get(voter) ?? 0);

/** Of For + Abstain: so many ‰ of the active power, and a fifth of all that is eligible. */
export const quorumOf = (
  { active, eligible }: PowerCount,
  { quorumPermille }: Pick<Terms, 'quorumPermille'>,
): number =>
  Math.max(
    mulDivCeil(active, quorumPermille, 1_000),
    mulDivCeil(eligible, 1, governanceLimits.participationDivisor),
  );

/** What counts for the quorum. Votes against don't: who is against is not made to stay away. */
export const participation = (tally: Tally): number => tally.for + tally.abstain;

export const vetoNeeded = ({ eligible }: PowerCount): number =>
  Math.max(1, mulDivCeil(eligible, 1, governanceLimits.vetoDivisor));

/** Undefined if the majority that its actions need is there. */
export const whyNoMajority = (tally: Tally, actions: readonly Action[]): string | undefined => {
  if (tally.for <= tally.against) return 'no more power was for it than against it';
  const needed = mulDivCeil(tally.for + tally.against, 2, 3);
  return majorityOf(actions) === 'simple' || tally.for >= needed
    ? undefined
    : 'less than two thirds of the power for and against was for it';
};

const overriding = (ballot: Ballot, { delegate, power }: Holding): Ballot => {
  if (!delegate) return ballot;
  const { overridden } = ballot;
  return { ...ballot, overridden: overridden.set(delegate, (overridden.get(delegate) ?? 0) + power) };
};

const noPower = 'this account had no settled power when voting began: money counts after seven days';
const refuse = (message: string) => err(fault('operation', message));
