/**
 * Agreement on one value per height: Tendermint (Buchman, Kwon, Milosevic, "The latest gossip on BFT consensus",
 * arXiv:1807.04938, Algorithm 1; its line numbers are written L22, L28, …). One state per height. It knows nothing of blocks,
 * signatures, sockets, storage and clocks: messages come in authenticated, effects go out as values.
 *
 * What the caller, here called the driver, owes:
 *
 * - a message is given in only if its signature is genuine and its `voter` or `proposer` is who signed it, those inside a
 *   certificate too. Objects are kept by identity, so signatures may sit in a WeakMap or in further fields of the object;
 * - whether a value is valid is a function of the value and the height alone, the same on every keeper and at any time;
 * - effects are carried out in order. A record is on disk before the next broadcast goes out, and with it the values that it
 *   names; several records in a row may share one flush;
 * - `decide` is stored, with its certificate, before anybody is told;
 * - as long as a height is undecided, what `messagesFor` gives is sent to the peers again and again.
 */

/** A block's id. In a vote `null` stands for the paper's nil. */
export type ValueId = string;

export type VoteType = 'prevote' | 'precommit';
export type Step = 'propose' | VoteType;

/** Keepers are indexes 0..n-1. `n` may be any positive integer; 3f+1 is the cheapest that tolerates f liars. */
export type HeightOptions = {
  readonly height: number;
  readonly n: number;
  readonly self: number;
  /** Index of the keeper who created the block of the height before. */
  readonly previousCreator: number;
};

export type Proposal = {
  readonly type: 'proposal';
  readonly height: number;
  readonly round: number;
  /** The round whose quorum of prevotes makes the value worth proposing again; -1 if the value is fresh. */
  readonly validRound: number;
  readonly value: ValueId;
  readonly proposer: number;
};

export type Vote = {
  readonly type: VoteType;
  readonly height: number;
  readonly round: number;
  readonly value: ValueId | null;
  readonly voter: number;
};

/**
 * A quorum of votes of one type, round and value, by as many voters. Votes one by one don't do: of two contradicting votes of a
 * liar a keeper counts the one it got first, so two honest keepers with all the same messages may still see different quorums, and
 * one of them may be locked by a quorum that the other would never see. Whole quorums settle that, and there is at most one per
 * round and type, so that keeping them costs little. (CometBFT solves it by `VoteSetMaj23`, Malachite by polka certificates.)
 */
export type Certificate = {
  readonly type: 'certificate';
  readonly of: VoteType;
  readonly height: number;
  readonly round: number;
  readonly value: ValueId;
  readonly votes: readonly Vote[];
};

export type Message = Proposal | Vote | Certificate;

export type Verdict = {
  readonly valid: boolean;
  /** Looked at for fresh proposals only: a re-proposal that some find untimely for ever would never be let go nor decided. */
  readonly timely: boolean;
};

export type AgreementEvent =
  | { readonly kind: 'proposal'; readonly proposal: Proposal; readonly verdict: Verdict }
  | { readonly kind: 'vote'; readonly vote: Vote }
  | { readonly kind: 'certificate'; readonly certificate: Certificate }
  | { readonly kind: 'timeout'; readonly round: number; readonly step: Step }
  /**
   * There is something to decide. May be said again: a leader who had nothing to build is asked again. A keeper without work begins
   * with the first message of the height, from whomever: so a liar can make an idle committee hold empty rounds, ever slower ones,
   * but no keeper waits alone for an operation that the others have not got yet.
   */
  | { readonly kind: 'work' }
  /** The answer to `build`. One that comes too late, or a second one, is without effect. */
  | { readonly kind: 'built'; readonly round: number; readonly value: ValueId }
  /** The answer to `fetch`. */
  | { readonly kind: 'known'; readonly value: ValueId; readonly valid: boolean };

/**
 * What a restart needs. Not only this keeper's own promises: a lock is worth something only with the prevotes that show it to
 * the others, and a round only with the precommits that let the others follow. A keeper that forgot them would hold everybody
 * up as long as a liar is silent.
 */
export type AgreementRecord =
  | { readonly kind: 'proposal'; readonly proposal: Proposal }
  | { readonly kind: 'vote'; readonly vote: Vote }
  /** A quorum of prevotes: the new valid value, and, if `locked`, the new lock. */
  | { readonly kind: 'polka'; readonly polka: Certificate; readonly locked: boolean }
  /** The precommits of the round before, by which this one began. */
  | { readonly kind: 'round'; readonly round: number; readonly precommits: readonly Vote[] };

/** Two messages of one keeper that contradict each other. */
export type Evidence = { readonly first: Vote | Proposal; readonly second: Vote | Proposal };

export type Effect =
  | { readonly kind: 'persist'; readonly record: AgreementRecord }
  | { readonly kind: 'broadcast'; readonly message: Message }
  | { readonly kind: 'build'; readonly round: number }
  /** A timeout of this round and step is wanted; it must grow with the round, so that some round outlasts any delay. */
  | { readonly kind: 'schedule'; readonly round: number; readonly step: Step }
  /** A quorum voted for a value that this keeper has never seen: ask for it until it is `known`. */
  | { readonly kind: 'fetch'; readonly round: number; readonly value: ValueId }
  | {
      readonly kind: 'decide';
      readonly round: number;
      readonly value: ValueId;
      readonly precommits: readonly Vote[];
    }
  /** At most one per keeper and height: one proof is enough. */
  | ({ readonly kind: 'evidence' } & Evidence)
  /** A quorum decided what this keeper finds invalid: more than f lie, or its rules differ. It decides nothing any more. */
  | { readonly kind: 'dispute'; readonly certificate: Certificate };

/** The votes of one type in one round. */
export type VoteSet = {
  /** By voter: the first vote of each. */
  readonly votes: readonly (Vote | undefined)[];
  readonly size: number;
  readonly nils: number;
  readonly certificate: Certificate | undefined;
};

export type RoundLog = {
  readonly proposed: { readonly proposal: Proposal; readonly timely: boolean } | undefined;
  readonly prevote: VoteSet;
  readonly precommit: VoteSet;
};

/**
 * Small whatever liars send: logs of at most 2 · (4 + 1 + 4) rounds (the window around the current round, see bounds.ts, and the
 * valid rounds of the proposals in it), each with at most 2n votes, 2 certificates and one proposal; n numbers; two certificates more;
 * and of values two for each log. What is of a round further ahead leaves its number behind, no more.
 */
export type AgreementState = {
  readonly options: HeightOptions;
  /** Q = 2f+1 for n = 3f+1. */
  readonly quorum: number;
  /** False while nobody has anything to decide: no timer runs, nothing is said. */
  readonly awake: boolean;
  readonly round: number;
  readonly step: Step;
  /** Timeouts of L34 and L47 that run for this round already. */
  readonly scheduled: { readonly prevote: boolean; readonly precommit: boolean };
  readonly locked: { readonly round: number; readonly value: ValueId } | undefined;
  /** validValue and validRound, with the quorum of prevotes that made them so. */
  readonly valid: Certificate | undefined;
  readonly rounds: ReadonlyMap<number, RoundLog>;
  /** By keeper: the newest round it was heard in, -1 if none. All that is kept of rounds far ahead. */
  readonly newest: readonly number[];
  /** Whether a value is valid; a value that isn't in here is unknown. */
  readonly validity: ReadonlyMap<ValueId, boolean>;
  /** Unknown values that were asked for. */
  readonly wanted: ReadonlySet<ValueId>;
  /** Keepers against whom evidence was given. */
  readonly liars: ReadonlySet<number>;
  /** The first quorum of precommits seen, whatever its round; decided as soon as its value is known. */
  readonly commit: Certificate | undefined;
  readonly phase: 'open' | 'decided' | 'disputed';
};

export type Stepped = readonly [AgreementState, readonly Effect[]];
