import type { AccountId } from '../../../core/brand.ts';
import { type ParameterName, parameterNames, parameterTable } from '../../parameters.ts';
import type { LedgerState } from '../../types.ts';
import { settledBalance } from '../purse.ts';
import { majorityOf } from './actions/index.ts';
import { stepBounds } from './actions/parameter.ts';
import type { Majority } from './actions/rule.ts';
import {
  emptyTally,
  participation,
  quorumOf as powerForQuorum,
  vetoNeeded,
  weightOf,
  whyNoMajority,
} from './ballot.ts';
import { openProposals } from './life.ts';
import { holdingAt } from './power.ts';
import type { Ballot, Choice, PowerCount, Proposal, Stage, Tally } from './types.ts';

/** What people want to know of proposals, from a state alone. Amounts of power in µVC. */
export type ProposalView = {
  readonly proposal: Proposal;
  readonly phase: Stage['phase'];
  /** Epochs that still have to end before this phase does, the present one included; undefined when it is over. */
  readonly epochsLeft: number | undefined;
  readonly tally: Tally;
  readonly power: PowerCount | undefined;
  /** Undefined before power is counted. */
  readonly quorum: { readonly needed: number; readonly reached: number; readonly met: boolean } | undefined;
  readonly majority: { readonly kind: Majority; readonly missing: string | undefined };
  readonly extended: boolean;
  readonly veto: { readonly power: number; readonly needed: number; readonly possible: boolean } | undefined;
  /** Why it is over, in words. */
  readonly reason: string | undefined;
  readonly own: OwnPart | undefined;
};

export type OwnPart = {
  /** That this account's vote or veto brings if it is cast now; before the snapshot, its settled power of now. */
  readonly power: number;
  readonly vote: Choice | undefined;
  readonly vetoed: boolean;
  /** Who votes with its power unless it votes alone: frozen with the snapshot. */
  readonly delegate: AccountId | undefined;
};

/** Newest first, those that are over included. `own`: whose part in them is asked for. */
export const proposalsOf = (state: LedgerState, own?: AccountId): readonly ProposalView[] => {
  const closed = [...state.governance.closed.entries()]
    .map(([, proposal]) => proposal)
    .filter(({ id }) => !state.governance.open.has(id));
  return [...openProposals(state), ...closed]
    .sort((a, b) => b.number - a.number)
    .map((proposal) => viewOf(state, proposal, own));
};

/** The open one if there is one, else the newest that is over. */
export const proposalOf = (state: LedgerState, id: string, own?: AccountId): ProposalView | undefined => {
  const proposal = state.governance.open.get(id) ?? state.governance.closed.get(id);
  return proposal && viewOf(state, proposal, own);
};

export type ParameterFacts = {
  readonly name: ParameterName;
  readonly meaning: string;
  readonly unit: string;
  readonly value: number;
  /** What one proposal may set it to; both are the value of a parameter that is fixed. */
  readonly least: number;
  readonly most: number;
  /** The first epoch at whose end it may change. */
  readonly nextChange: number;
};

export const parametersOf = (state: LedgerState): readonly ParameterFacts[] =>
  parameterNames.map((name) => {
    const { meaning, unit } = parameterTable[name];
    const nextChange = Math.max(state.epoch, state.governance.nextChange[name] ?? 0);
    const value = state.parameters[name];
    return { name, meaning, unit, value, ...stepBounds(state.parameters, name), nextChange };
  });

const viewOf = (state: LedgerState, proposal: Proposal, own: AccountId | undefined): ProposalView => {
  const { stage, terms, actions, actionsHash } = proposal;
  const tally = stage.phase === 'draft' ? emptyTally : stage.tally;
  const power = stage.phase === 'draft' ? undefined : (stage.snapshot ?? undefined);
  const reached = participation(tally);
  const needed = power && powerForQuorum(power, terms);
  return {
    proposal,
    phase: stage.phase,
    epochsLeft: 'until' in stage ? Math.max(1, stage.until - state.epoch + 1) : undefined,
    tally,
    power,
    quorum: needed === undefined ? undefined : { needed, reached, met: reached >= needed },
    majority: { kind: majorityOf(actions), missing: whyNoMajority(tally, actions) },
    extended: stage.phase === 'voting' && stage.extended,
    veto: power && {
      power: 'vetoPower' in stage ? stage.vetoPower : 0,
      needed: vetoNeeded(power),
      possible: stage.phase === 'timelock' && !state.governance.vetoed.has(actionsHash),
    },
    reason: 'reason' in stage ? stage.reason : undefined,
    own: own && ownPart(state, proposal, own),
  };
};

const ownPart = (state: LedgerState, { id, stage }: Proposal, account: AccountId): OwnPart => {
  const { governance } = state;
  if (stage.phase !== 'voting' && stage.phase !== 'timelock')
    return {
      power: stage.phase === 'draft' ? settledBalance(state, account, state.epoch) : 0,
      vote: undefined,
      vetoed: false,
      delegate: governance.delegates.get(account),
    };
  const ballot: Ballot | undefined = governance.ballots[id];
  const holding = holdingAt(governance, stage.snapshot.epoch, account);
  return {
    power: ballot ? weightOf(ballot, account, holding) : 0,
    vote: ballot?.votes.get(account),
    vetoed: ballot?.vetoes.has(account) ?? false,
    delegate: holding.delegate ?? undefined,
  };
};
