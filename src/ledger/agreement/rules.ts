import { toleratedLiars } from './committee.ts';
import type { Turn } from './turn.ts';
import type { AgreementState, ValueId } from './types.ts';

/**
 * A rule of Algorithm 1: acts if its condition holds, and says whether it did. After it acted, its condition holds no more.
 *
 * Where the paper asks for a proposal of the quorum's round beside the quorum (L36, L49), a known value is enough here: an honest
 * keeper among those who voted for it has seen that proposal.
 */
type Rule = (turn: Turn) => boolean;

/** Runs until no rule acts. */
export const applyRules = (turn: Turn): void => {
  while (turn.state.phase === 'open' && rules.some((rule) => rule(turn)));
};

/** L49-L51. The quorum may be of any round; `commit` is the first one seen. */
const uponCommit: Rule = (turn) => {
  const { commit, validity } = turn.state;
  const valid = commit && validity.get(commit.value);
  if (!commit || valid === undefined) return false;
  turn.state.phase = valid ? 'decided' : 'disputed';
  if (!valid) turn.emit({ kind: 'dispute', certificate: commit });
  else turn.emit({ kind: 'decide', round: commit.round, value: commit.value, precommits: commit.votes });
  return true;
};

/** L22-L27. */
const uponFreshProposal: Rule = (turn) => {
  const { state } = turn;
  const proposed = turn.log(state.round)?.proposed;
  if (state.step !== 'propose' || proposed?.proposal.validRound !== -1) return false;
  const { value } = proposed.proposal;
  const free = state.locked === undefined || state.locked.value === value;
  const good = isValid(state, value) && proposed.timely && free;
  turn.cast('prevote', good ? value : null);
  return true;
};

/** L28-L33. */
const uponReproposal: Rule = (turn) => {
  const { state } = turn;
  const proposal = turn.log(state.round)?.proposed?.proposal;
  if (state.step !== 'propose' || !proposal || proposal.validRound < 0) return false;
  const { value, validRound } = proposal;
  if (!hasPolka(turn, validRound, value)) return false;
  const free = state.locked === undefined || state.locked.round <= validRound || state.locked.value === value;
  turn.cast('prevote', isValid(state, value) && free ? value : null);
  return true;
};

/** L36-L43. "For the first time" is: not yet the valid round; a keeper that has yet to precommit locks in any case. */
const uponPolka: Rule = (turn) => {
  const { state } = turn;
  const { round, step, valid } = state;
  const polka = turn.log(round)?.prevote.certificate;
  if (step === 'propose' || !polka || !isValid(state, polka.value)) return false;
  if (step === 'precommit' && valid?.round === round) return false;
  const locks = step === 'prevote';
  state.valid = polka;
  if (locks) state.locked = { round, value: polka.value };
  turn.persist({ kind: 'polka', polka, locked: locks });
  if (locks) turn.cast('precommit', polka.value);
  return true;
};

/** L44-L46. */
const uponNilPolka: Rule = (turn) => {
  const { round, step, quorum } = turn.state;
  if (step !== 'prevote' || (turn.log(round)?.prevote.nils ?? 0) < quorum) return false;
  turn.cast('precommit', null);
  return true;
};

/** L34-L35. */
const uponPrevotes: Rule = (turn) => {
  const { round, step, quorum, scheduled } = turn.state;
  if (step !== 'prevote' || scheduled.prevote) return false;
  if ((turn.log(round)?.prevote.size ?? 0) < quorum) return false;
  turn.scheduleOnce('prevote');
  return true;
};

/** L47-L48. */
const uponPrecommits: Rule = (turn) => {
  const { round, quorum, scheduled } = turn.state;
  if (scheduled.precommit || (turn.log(round)?.precommit.size ?? 0) < quorum) return false;
  turn.scheduleOnce('precommit');
  return true;
};

/**
 * L55-L56: the newest round that f+1 keepers, so an honest one, have reached. The paper wants f+1 messages of one round; f+1
 * messages of that round or later ones say as much, and need one number per keeper.
 */
const uponNewerRound: Rule = (turn) => {
  const { newest, options, round } = turn.state;
  const reached = newest.toSorted((a, b) => b - a)[toleratedLiars(options.n)] ?? -1;
  if (reached <= round) return false;
  turn.startRound(reached);
  return true;
};

/** A quorum of this round's prevotes, or of any round's precommits, for a value that never came here. */
const uponUnknownValue: Rule = (turn) => {
  const { round, commit, validity, wanted } = turn.state;
  for (const quorum of [commit, turn.log(round)?.prevote.certificate]) {
    if (!quorum || validity.has(quorum.value) || wanted.has(quorum.value)) continue;
    turn.want(quorum.value, quorum.round);
    return true;
  }
  return false;
};

/** The paper leaves the order open. Deciding comes first; what makes a timer needless comes before the rule that starts it. */
const rules: readonly Rule[] = [
  uponCommit,
  uponFreshProposal,
  uponReproposal,
  uponPolka,
  uponNilPolka,
  uponPrevotes,
  uponPrecommits,
  uponUnknownValue,
  uponNewerRound,
];

const isValid = ({ validity }: AgreementState, value: ValueId): boolean => validity.get(value) === true;

const hasPolka = (turn: Turn, round: number, value: ValueId): boolean => {
  const { valid } = turn.state;
  if (valid?.round === round && valid.value === value) return true;
  return turn.log(round)?.prevote.certificate?.value === value;
};
