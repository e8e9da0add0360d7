import { isRound, leaderOf } from './committee.ts';
import type { Turn } from './turn.ts';
import type {
  AgreementEvent,
  AgreementState,
  Certificate,
  Proposal,
  Step,
  ValueId,
  Verdict,
  Vote,
} from './types.ts';
import { heldVotes, isCertificate, isVote } from './votes.ts';

/** Takes an event in; the rules then say what comes of it. What isn't of this height, committee or form is dropped unseen. */
export const receive = (turn: Turn, event: AgreementEvent): unknown => {
  const { state } = turn;
  switch (event.kind) {
    case 'work':
      return state.awake ? askAgain(turn) : wake(turn);
    case 'proposal':
      return isProposal(state, event.proposal) && receiveProposal(turn, event.proposal, event.verdict);
    case 'vote':
      return isVote(state, event.vote) && receiveVote(turn, event.vote);
    case 'certificate':
      return isCertificate(state, event.certificate) && receiveCertificate(turn, event.certificate);
    case 'timeout':
      return timeOut(turn, event.round, event.step);
    case 'built':
      return receiveBuilt(turn, event.round, event.value);
    case 'known':
      return state.wanted.has(event.value) && turn.learn(event.value, event.valid);
    default:
      return event satisfies never;
  }
};

/** The first message of a height is as good as work: somebody has begun. */
const wake = (turn: Turn): void => {
  if (turn.state.awake) return;
  turn.state.awake = true;
  turn.beginPropose();
};

const askAgain = (turn: Turn): void => {
  if (mayBuild(turn)) turn.emit({ kind: 'build', round: turn.state.round });
};

const receiveBuilt = (turn: Turn, round: number, value: ValueId): void => {
  if (round === turn.state.round && mayBuild(turn)) turn.propose(value, undefined);
};

const mayBuild = (turn: Turn): boolean => {
  const { awake, round, step, valid } = turn.state;
  return awake && step === 'propose' && !valid && turn.leads(round) && !turn.log(round)?.proposed;
};

/** The value of a liar's second proposal is learnt only if a quorum wants it: else it could make up as many as it liked. */
const receiveProposal = (turn: Turn, proposal: Proposal, { valid, timely }: Verdict): void => {
  wake(turn);
  turn.fileProposal(proposal, timely);
  const { value, round } = proposal;
  if (turn.log(round)?.proposed?.proposal === proposal || turn.state.wanted.has(value))
    turn.learn(value, valid);
};

const receiveVote = (turn: Turn, vote: Vote): void => {
  wake(turn);
  turn.fileVote(vote);
};

const receiveCertificate = (turn: Turn, certificate: Certificate): void => {
  wake(turn);
  turn.fileCertificate(certificate);
};

const isProposal = ({ options }: AgreementState, proposal: Proposal): boolean => {
  const { height, round, validRound, proposer } = proposal;
  if (height !== options.height || !isRound(round)) return false;
  if (validRound !== -1 && (!isRound(validRound) || validRound >= round)) return false;
  return proposer === leaderOf({ ...options, round });
};

/** L57-L67. One that was never asked for, or that its round or step outran, is without effect. */
const timeOut = (turn: Turn, round: number, step: Step): unknown => {
  const { state } = turn;
  if (round !== state.round) return undefined;
  switch (step) {
    case 'propose':
      return state.step === 'propose' && state.awake && turn.cast('prevote', null);
    case 'prevote':
      return state.step === 'prevote' && state.scheduled.prevote && turn.cast('precommit', null);
    case 'precommit':
      return state.scheduled.precommit && beginNextRound(turn);
    default:
      return step satisfies never;
  }
};

const beginNextRound = (turn: Turn): void => {
  const { round } = turn.state;
  const log = turn.log(round);
  turn.persist({ kind: 'round', round: round + 1, precommits: log ? heldVotes(log.precommit) : [] });
  turn.startRound(round + 1);
};
