import { checkOptions, quorumOf } from './committee.ts';
import { receive } from './receive.ts';
import { applyRules } from './rules.ts';
import { Turn } from './turn.ts';
import type {
  AgreementEvent,
  AgreementRecord,
  AgreementState,
  HeightOptions,
  Proposal,
  Step,
  Stepped,
  Vote,
} from './types.ts';

/** L10. Silent until there is something to decide. Throws RangeError for options that are none: those are a bug. */
export const startHeight = (options: HeightOptions): Stepped => [initialState(options), []];

/** One event. A decided height, and one in dispute, stays as it is. */
export const step = (state: AgreementState, event: AgreementEvent): Stepped => {
  if (state.phase !== 'open') return [state, []];
  const turn = new Turn(state);
  receive(turn, event);
  applyRules(turn);
  return turn.end();
};

/**
 * After a crash: as before it, as far as promises go. `records` are those of this keeper and height, in the order in which they were
 * made; values named in its votes, polkas and proposals are taken for valid, as they were found so before. What was said in the
 * rounds that still matter is sent again, the very same: it may have been on disk without having gone out. Then it goes on.
 *
 * The round may be an earlier one than before the crash, if nothing had been said in the newer: that keeper was just slow.
 */
export const restore = (options: HeightOptions, records: readonly AgreementRecord[]): Stepped => {
  const state = initialState(options);
  if (records.length === 0) return [state, []];
  const round = records.reduce((newest, record) => Math.max(newest, roundOf(record)), 0);
  const turn = new Turn({ ...state, awake: true, round });
  for (const record of records) takeBack(turn, record);
  turn.state.step = stepReached(turn.state);
  if (turn.state.step === 'propose') turn.beginPropose();
  applyRules(turn);
  return turn.end();
};

const initialState = (options: HeightOptions): AgreementState => {
  checkOptions(options);
  return {
    options,
    quorum: quorumOf(options.n),
    awake: false,
    round: 0,
    step: 'propose',
    scheduled: { prevote: false, precommit: false },
    locked: undefined,
    valid: undefined,
    rounds: new Map(),
    newest: new Array<number>(options.n).fill(-1),
    validity: new Map(),
    wanted: new Set(),
    liars: new Set(),
    commit: undefined,
    phase: 'open',
  };
};

const roundOf = (record: AgreementRecord): number => {
  switch (record.kind) {
    case 'proposal':
      return record.proposal.round;
    case 'vote':
      return record.vote.round;
    case 'polka':
      return record.polka.round;
    case 'round':
      return record.round;
  }
};

const takeBack = (turn: Turn, record: AgreementRecord): unknown => {
  switch (record.kind) {
    case 'proposal':
      turn.learn(record.proposal.value, true);
      turn.fileProposal(record.proposal, true);
      return sayAgain(turn, record.proposal);
    case 'vote':
      if (record.vote.value !== null) turn.learn(record.vote.value, true);
      turn.fileVote(record.vote);
      return sayAgain(turn, record.vote);
    case 'polka': {
      const { polka, locked } = record;
      turn.learn(polka.value, true);
      turn.fileCertificate(polka);
      turn.state.valid = polka;
      if (locked) turn.state.locked = { round: polka.round, value: polka.value };
      return undefined;
    }
    case 'round':
      for (const precommit of record.precommits) turn.fileVote(precommit);
      return undefined;
    default:
      return record satisfies never;
  }
};

/** Only if it was kept: nobody needs what was said in rounds long gone. */
const sayAgain = (turn: Turn, message: Proposal | Vote): void => {
  if (turn.log(message.round)) turn.emit({ kind: 'broadcast', message });
};

const stepReached = ({ round, rounds, options }: AgreementState): Step => {
  const log = rounds.get(round);
  if (log?.precommit.votes[options.self]) return 'precommit';
  return log?.prevote.votes[options.self] ? 'prevote' : 'propose';
};
