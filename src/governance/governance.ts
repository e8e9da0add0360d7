import type { AccountId } from '../core/brand.ts';
import { err, type Fault, fault, ok, type Result } from '../core/result.ts';
import type { LedgerAccess, SubmittedOperation } from '../ledger/access.ts';
import { treasuryWindow } from '../ledger/transition/governance/actions/treasury.ts';
import { proposalIdOf } from '../ledger/transition/governance/proposals.ts';
import {
  type ParameterFacts,
  type ProposalView,
  parametersOf,
  proposalOf,
  proposalsOf,
} from '../ledger/transition/governance/queries.ts';
import type { Choice, GovernanceBodies } from '../ledger/transition/governance/types.ts';
import { settledBalance } from '../ledger/transition/purse.ts';
import type { LedgerState } from '../ledger/types.ts';

export type GovernanceDeps = { readonly ledger: LedgerAccess };

/** `no-state`: this device has checked no state yet. */
export type GovernanceFault = Fault<'no-state' | 'no-proposal'>;

export type ProposalDraft = Pick<GovernanceBodies['propose'], 'description' | 'actions'> &
  Partial<Pick<GovernanceBodies['propose'], 'countersignatures'>>;

/** What has become of a proposal's execution, which nobody but an epoch block can bring about. */
export type Execution =
  | { readonly done: true; readonly epoch: number }
  /** Epochs that have to end before the block that tries it, if it comes to that. */
  | { readonly done: false; readonly dueInEpochs: number };

/** `not-decided`: the vote is not over; `over`: it ended without being carried out. */
export type ExecutionFault = Fault<'not-decided' | 'over'>;

/** Whose word counts now, and how much. Power in µVC. */
export type GovernanceStanding = {
  readonly host: AccountId;
  readonly hostGoverns: boolean;
  /** As of the end of the last day, or the last snapshot. */
  readonly eligiblePower: number;
  readonly powerNeeded: number;
  /** Settled now: what a vote that began now would count. */
  readonly ownPower: number;
  /** In force for votes that begin from now on. */
  readonly delegate: AccountId | undefined;
  readonly deposit: number;
};

/** µVC; `income` and `granted` are of the window: the present day and the 29 before it. */
export type TreasuryReport = {
  readonly balance: number;
  readonly opening: number;
  readonly income: number;
  readonly granted: number;
  readonly grantable: number;
};

/**
 * Governance for an application: operations by this device's wallet, and what its newest checked state says. Knows neither
 * who orders nor how anything is shown; decides nothing, for the ledger does. A submitted operation is kept, not yet final.
 */
export interface Governance {
  /** `id` names the proposal from now on, should the operation become final. */
  createProposal(
    draft: ProposalDraft,
  ): Promise<Result<{ readonly id: string; readonly operation: SubmittedOperation }, Fault>>;
  /** Once and for all: a first vote can't be changed. */
  castVote(proposal: string, choice: Choice): Promise<Result<SubmittedOperation, Fault>>;
  /** Null: back to voting for oneself. Votes that have begun keep the delegate they began with. */
  delegate(to: AccountId | null): Promise<Result<SubmittedOperation, Fault>>;
  veto(proposal: string): Promise<Result<SubmittedOperation, Fault>>;
  /** Carries a newcomer's signature to the ledger: made by its keeper over `countersignatureMessage`. */
  countersign(body: GovernanceBodies['countersign']): Promise<Result<SubmittedOperation, Fault>>;
  /** Phase, votes, quorum and own part of one proposal. */
  tally(proposal: string): Result<ProposalView, GovernanceFault>;
  /**
   * Sends nothing: proposals are carried out inside epoch blocks, by rule and not by request. Says whether that has happened
   * or when it is due, and refuses with the reason if it never will.
   */
  execute(proposal: string): Result<Execution, GovernanceFault | ExecutionFault>;
  /** Newest first. */
  proposals(): Result<readonly ProposalView[], GovernanceFault>;
  standing(): Result<GovernanceStanding, GovernanceFault>;
  parameters(): Result<readonly ParameterFacts[], GovernanceFault>;
  treasury(): Result<TreasuryReport, GovernanceFault>;
}

export const createGovernance = ({ ledger }: GovernanceDeps): Governance => {
  const read = <T>(ask: (state: LedgerState) => T): Result<T, GovernanceFault> => {
    const state = ledger.state.get();
    return state
      ? ok(ask(state))
      : err(fault('no-state', 'the ledger has not been read yet: wait until this device has checked it'));
  };
  const tally = (id: string): Result<ProposalView, GovernanceFault> => {
    const found = read((state) => proposalOf(state, id, ledger.account));
    if (!found.ok) return found;
    return found.value ? ok(found.value) : err(fault('no-proposal', `there is no proposal ${id} here`));
  };
  return {
    async createProposal({ description, actions, countersignatures = [] }) {
      const submitted = await ledger.submit('propose', { description, actions, countersignatures });
      if (!submitted.ok) return submitted;
      return ok({ id: proposalIdOf({ description, actions }), operation: submitted.value });
    },
    castVote: (proposal, choice) => ledger.submit('vote', { proposal, choice }),
    delegate: (to) => ledger.submit('delegate', { to }),
    veto: (proposal) => ledger.submit('veto', { proposal }),
    countersign: (body) => ledger.submit('countersign', body),
    tally,
    execute(id) {
      const state = read((present) => present);
      const found = tally(id);
      if (!state.ok) return state;
      return found.ok ? executionOf(state.value, found.value) : found;
    },
    proposals: () => read((state) => proposalsOf(state, ledger.account)),
    standing: () => read((state) => standingOf(state, ledger.account)),
    parameters: () => read(parametersOf),
    treasury: () => read(reportOf),
  };
};

const executionOf = ({ governance }: LedgerState, view: ProposalView): Result<Execution, ExecutionFault> => {
  const { stage } = view.proposal;
  const { epochsLeft = 1 } = view;
  switch (stage.phase) {
    case 'executed':
      return ok({ done: true, epoch: stage.at });
    case 'timelock':
      return ok({ done: false, dueInEpochs: epochsLeft });
    case 'draft':
    case 'voting':
      return governance.hostGoverns
        ? ok({ done: false, dueInEpochs: 1 })
        : err(fault('not-decided', `it is in phase ${stage.phase} for ${epochsLeft} more epochs: wait`));
    case 'rejected':
    case 'failed':
    case 'vetoed':
      return err(fault('over', `it was ${stage.phase} in epoch ${stage.at}: ${stage.reason}`));
    default:
      return stage satisfies never;
  }
};

const standingOf = (state: LedgerState, own: AccountId): GovernanceStanding => {
  const { governance, host, parameters } = state;
  return {
    host,
    ownPower: settledBalance(state, own, state.epoch),
    hostGoverns: governance.hostGoverns,
    eligiblePower: governance.power.eligible,
    powerNeeded: parameters.hostUntilPower,
    delegate: governance.delegates.get(own),
    deposit: governance.hostGoverns ? 0 : parameters.proposalDeposit,
  };
};

const reportOf = (state: LedgerState): TreasuryReport => {
  const { opening, income, granted, grantable } = treasuryWindow(state);
  return { balance: state.treasury, opening, income, granted, grantable };
};
