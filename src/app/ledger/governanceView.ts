import { treasuryWindow } from '../../ledger/transition/governance/actions/treasury.ts';
import {
  type ProposalView as Facts,
  parametersOf,
  proposalsOf,
} from '../../ledger/transition/governance/queries.ts';
import { settledBalance } from '../../ledger/transition/purse.ts';
import type { LedgerState } from '../../ledger/types.ts';
import type { EpochView, GovernanceView, Party, ProposalView } from '../ledgerView.ts';
import { actionInWords, type NameOf, partyOf } from './words.ts';

export const governanceViewOf = (
  state: LedgerState,
  own: Party['account'],
  epoch: EpochView,
  nameOf: NameOf,
): GovernanceView => {
  const { governance, parameters } = state;
  const delegate = governance.delegates.get(own);
  return {
    host: partyOf(state.host, own, nameOf),
    hostGoverns: governance.hostGoverns,
    eligiblePower: governance.power.eligible,
    powerNeeded: parameters.hostUntilPower,
    ownPower: settledBalance(state, own, state.epoch),
    delegate: delegate && partyOf(delegate, own, nameOf),
    deposit: governance.hostGoverns ? 0 : parameters.proposalDeposit,
    treasury: state.treasury,
    grantable: treasuryWindow(state).grantable,
    proposals: proposalsOf(state, own).map((facts) => proposalView(state, facts, own, epoch, nameOf)),
    parameters: parametersOf(state).map(({ name, meaning, unit, value, least, most }) => ({
      name,
      meaning,
      unit,
      value,
      least,
      most,
    })),
  };
};

const proposalView = (
  state: LedgerState,
  facts: Facts,
  own: Party['account'],
  epoch: EpochView,
  nameOf: NameOf,
): ProposalView => {
  const { proposal, phase, tally, quorum, veto, epochsLeft } = facts;
  const part = facts.own;
  return {
    id: proposal.id,
    description: proposal.description,
    by: partyOf(proposal.proposer, own, nameOf),
    actions: proposal.actions.map((action) => actionInWords(state, action, nameOf)),
    phase,
    outcome: facts.reason,
    endsAt: epochsLeft === undefined ? undefined : endOf(state, epochsLeft, epoch),
    for: tally.for,
    against: tally.against,
    abstain: tally.abstain,
    quorum: { needed: quorum?.needed ?? 0, reached: quorum?.reached ?? 0 },
    ownVote: part?.vote,
    mayVote: phase === 'voting' && part !== undefined && part.vote === undefined && part.power > 0,
    mayVeto: veto?.possible === true && part !== undefined && !part.vetoed && part.power > 0,
    vetoed: { power: veto?.power ?? 0, needed: veto?.needed ?? 0 },
  };
};

/** Where the host governs a proposal is over with the epoch, whatever it would take by votes. */
const endOf = (state: LedgerState, epochsLeft: number, { endsAt, seconds }: EpochView): number => {
  const epochs = state.governance.hostGoverns ? 1 : epochsLeft;
  return endsAt + (epochs - 1) * seconds * 1_000;
};
