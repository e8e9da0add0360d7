import { isKept, keptLogs, keptValidity } from './bounds.ts';
import { leaderOf } from './committee.ts';
import type {
  AgreementRecord,
  AgreementState,
  Certificate,
  Effect,
  Proposal,
  RoundLog,
  Stepped,
  ValueId,
  Vote,
  VoteType,
} from './types.ts';
import { addVote, createRoundLog } from './votes.ts';

/** Only the outermost level is written to; what hangs below is replaced. */
type Draft = { -readonly [Field in keyof AgreementState]: AgreementState[Field] };

const noneScheduled = { prevote: false, precommit: false } as const;

/**
 * One step's working copy: what receiving and the rules do to a state, and the effects of it. Here promises are made: `propose` and
 * `cast` are the only ways to say something new, and they never contradict what was said before.
 */
export class Turn {
  readonly state: Draft;
  readonly #effects: Effect[] = [];

  constructor(given: AgreementState) {
    this.state = { ...given };
  }

  end(): Stepped {
    return [this.state, this.#effects];
  }

  emit(effect: Effect): void {
    this.#effects.push(effect);
  }

  persist(record: AgreementRecord): void {
    this.emit({ kind: 'persist', record });
  }

  log(round: number): RoundLog | undefined {
    return this.state.rounds.get(round);
  }

  leads(round: number): boolean {
    return leaderOf({ ...this.state.options, round }) === this.state.options.self;
  }

  /** L11. */
  startRound(round: number): void {
    const { state } = this;
    state.round = round;
    state.step = 'propose';
    state.awake = true;
    state.scheduled = noneScheduled;
    state.rounds = keptLogs(state.rounds, round);
    state.validity = keptValidity(state);
    state.wanted = new Set();
    this.beginPropose();
  }

  /**
   * L14-L21. The leader's timer runs too: unlike the paper's getValue, `build` may remain without an answer, and a leader who
   * doesn't vote may be the one that a quorum lacks.
   */
  beginPropose(): void {
    const { round, valid } = this.state;
    const proposes = this.leads(round) && this.log(round)?.proposed === undefined;
    if (proposes && valid) {
      this.propose(valid.value, valid);
      return;
    }
    if (proposes) this.emit({ kind: 'build', round });
    this.emit({ kind: 'schedule', round, step: 'propose' });
  }

  /** L19. The quorum that makes a value worth proposing again goes with it, for who has not seen it. */
  propose(value: ValueId, polka: Certificate | undefined): void {
    const { round, options } = this.state;
    const proposal: Proposal = {
      type: 'proposal',
      height: options.height,
      round,
      validRound: polka?.round ?? -1,
      value,
      proposer: options.self,
    };
    this.persist({ kind: 'proposal', proposal });
    this.emit({ kind: 'broadcast', message: proposal });
    if (polka) this.emit({ kind: 'broadcast', message: polka });
    this.fileProposal(proposal, true);
    this.learn(value, true);
  }

  /** Says a vote, unless this keeper said one of this round and type before; goes on to the step that follows it either way. */
  cast(type: VoteType, value: ValueId | null): void {
    const { round, options } = this.state;
    this.state.step = type;
    if (this.log(round)?.[type].votes[options.self]) return;
    const vote: Vote = { type, height: options.height, round, value, voter: options.self };
    this.persist({ kind: 'vote', vote });
    this.emit({ kind: 'broadcast', message: vote });
    this.fileVote(vote);
  }

  scheduleOnce(step: VoteType): void {
    const { round, scheduled } = this.state;
    this.state.scheduled = { ...scheduled, [step]: true };
    this.emit({ kind: 'schedule', round, step });
  }

  fileProposal(proposal: Proposal, timely: boolean): void {
    this.hear(proposal.proposer, proposal.round);
    if (!isKept(this.state, proposal.round)) return;
    const log = this.#openLog(proposal.round);
    const first = log.proposed?.proposal;
    if (!first) this.#putLog(proposal.round, { ...log, proposed: { proposal, timely } });
    else if (first.value !== proposal.value || first.validRound !== proposal.validRound)
      this.#accuse(proposal.proposer, first, proposal);
  }

  /** The first vote of a voter counts; a second one that contradicts it is evidence, or part of a certificate. */
  fileVote(vote: Vote): void {
    const { type, round, voter } = vote;
    this.hear(voter, round);
    if (!isKept(this.state, round)) return;
    const log = this.#openLog(round);
    const first = log[type].votes[voter];
    if (first) {
      if (first.value !== vote.value) this.#accuse(voter, first, vote);
      return;
    }
    const set = addVote(log[type], vote, this.state.quorum);
    this.#putLog(round, { ...log, [type]: set });
    if (type === 'precommit') this.state.commit ??= set.certificate;
  }

  fileCertificate(certificate: Certificate): void {
    const { of, round } = certificate;
    for (const vote of certificate.votes) this.fileVote(vote);
    if (of === 'precommit') this.state.commit ??= certificate;
    const log = this.log(round);
    if (log && !log[of].certificate) this.#putLog(round, { ...log, [of]: { ...log[of], certificate } });
  }

  learn(value: ValueId, valid: boolean): void {
    const { validity, wanted } = this.state;
    if (validity.has(value)) return;
    this.state.validity = new Map(validity).set(value, valid);
    if (!wanted.has(value)) return;
    const left = new Set(wanted);
    left.delete(value);
    this.state.wanted = left;
  }

  want(value: ValueId, round: number): void {
    this.state.wanted = new Set(this.state.wanted).add(value);
    this.emit({ kind: 'fetch', round, value });
  }

  /** Counts for L55 however far ahead the round is. */
  hear(keeper: number, round: number): void {
    const { newest } = this.state;
    if (round > (newest[keeper] ?? -1)) this.state.newest = newest.with(keeper, round);
  }

  #accuse(keeper: number, first: Vote | Proposal, second: Vote | Proposal): void {
    if (this.state.liars.has(keeper)) return;
    this.state.liars = new Set(this.state.liars).add(keeper);
    this.emit({ kind: 'evidence', first, second });
  }

  #openLog(round: number): RoundLog {
    return this.log(round) ?? createRoundLog(this.state.options.n);
  }

  #putLog(round: number, log: RoundLog): void {
    this.state.rounds = new Map(this.state.rounds).set(round, log);
  }
}
